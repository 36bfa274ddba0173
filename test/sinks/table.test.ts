import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { optional, schema, types } from '../../src/columns/schema/schema.ts';
import type { Cell } from '../../src/columns/set-cell.ts';
import type { AggregateChange } from '../../src/contracts/batch.ts';
import type { Sink } from '../../src/contracts/sink.ts';
import { createTableSink, type TableSinkOptions } from '../../src/sinks/table.ts';
import { EVERYTHING, EVERYTHING_ROWS, GROUPS, resultOf, tableOf } from './results.ts';

interface Place {
  readonly path: string;
  readonly sink: (options: Omit<TableSinkOptions, 'path'>) => Sink;
  readonly rows: (sql: string) => unknown[];
  readonly exec: (sql: string) => void;
}

function place(t: TestContext): Place {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-table-'));
  const path = join(folder, 'out.db');
  const opened: Sink[] = [];
  t.after(async () => {
    for (const sink of opened) await sink.close?.();
    rmSync(folder, { recursive: true, force: true });
  });
  const using = <T>(act: (database: DatabaseSync) => T): T => {
    const database = new DatabaseSync(path, { returnArrays: true });
    try {
      return act(database);
    } finally {
      database.close();
    }
  };
  return {
    path,
    sink(options) {
      const sink = createTableSink({ path, ...options });
      opened.push(sink);
      return sink;
    },
    rows: (sql) => using((database) => database.prepare(sql).all()),
    exec: (sql) => using((database) => database.exec(sql)),
  };
}

const HOUR = ['2025-06-26T14:00:00Z', '2025-06-26T15:00:00Z'];
const group = (kind: string | null, total: string, events: bigint): readonly Cell[] => [
  ...HOUR,
  kind,
  total,
  events,
];

async function write(
  sink: Sink,
  batchId: number,
  rows: readonly (readonly Cell[])[],
  change: Partial<AggregateChange> = {},
): Promise<void> {
  const aggregate = { aggregate: 'hours', added: [], totals: [], closed: [], removed: [], ...change };
  const result = resultOf(batchId, [{ name: 'hours', table: tableOf(GROUPS, rows) }], [aggregate]);
  await sink.write(result, { queryId: 'q', batchId, epoch: 1 });
}

const HOURS = 'SELECT kind, total, events FROM hours ORDER BY rowid';

test('values of every type are exact and readable', async (t) => {
  const { sink, rows } = place(t);
  const table = tableOf(EVERYTHING, EVERYTHING_ROWS);
  const to = sink({ outputMode: 'append' });
  await to.write(resultOf(0, [{ name: 'all', table }]), { queryId: 'q', batchId: 0, epoch: 1 });
  assert.deepEqual(
    rows('SELECT CAST(large AS TEXT), typeof(large), typeof(ratio), typeof(huge) FROM "all"')[0],
    ['9223372036854775807', 'integer', 'real', 'text'],
  );
  const [first, second] = rows(
    `SELECT text, word, flag, small, ratio, price, amount, huge, at, day, tags, sums, place_city, place_code FROM "all"`,
  );
  assert.deepEqual(first, [
    'a "quoted" 家\u2028text',
    'word',
    1,
    -(2 ** 31),
    0.1,
    '-9999999.99',
    '12345678901234.5678',
    `-${'9'.repeat(36)}.99`,
    '2025-06-26T14:11:33.250001Z',
    '1969-12-31',
    '["x",null,""]',
    `["${'9'.repeat(29)}.9","-0.1"]`,
    'Berlin',
    10,
  ]);
  assert.deepEqual(second, [
    '',
    null,
    null,
    null,
    null,
    null,
    '0.0000',
    null,
    null,
    null,
    null,
    '[]',
    null,
    null,
  ]);
});

test('append adds rows, complete replaces all, update replaces the rows of its keys', async (t) => {
  const { sink, rows } = place(t);
  const [a, b, c] = [group('a', '1.00', 1n), group('b', '2.00', 2n), group('a', '4.10', 3n)];
  const append = sink({ outputMode: 'append' });
  await write(append, 0, [a, b]);
  await write(append, 1, [c]);
  assert.deepEqual(rows(HOURS), [['a', '1.00', 1], ['b', '2.00', 2], ['a', '4.10', 3]]); // prettier-ignore

  const complete = sink({ outputMode: 'complete', tableOf: (output) => `all_${output}` });
  await write(complete, 0, [a, b]);
  await write(complete, 1, [c]);
  assert.deepEqual(rows(HOURS.replace('hours', 'all_hours')), [['a', '4.10', 3]]);

  const keyColumns = { hours: ['window', 'kind'] };
  const update = sink({ outputMode: 'update', tableOf: () => 'changed', keyColumns });
  await write(update, 0, [a, b]);
  await write(update, 1, [c]);
  assert.deepEqual(rows(HOURS.replace('hours', 'changed')), [['a', '4.10', 3], ['b', '2.00', 2]]); // prettier-ignore
});

test('a key that is null is a key as others', async (t) => {
  const { sink, rows } = place(t);
  const to = sink({ outputMode: 'update', keyColumns: { hours: ['window', 'kind'] } });
  await write(to, 0, [group(null, '1.00', 1n), group('a', '1.00', 1n)]);
  await write(to, 1, [group(null, '7.00', 2n)]);
  assert.deepEqual(rows(HOURS), [[null, '7.00', 2], ['a', '1.00', 1]]); // prettier-ignore
});

test('sessions that became part of another are removed in update mode', async (t) => {
  const { sink, rows } = place(t);
  const to = sink({ outputMode: 'update', keyColumns: { hours: ['window', 'kind'] } });
  await write(to, 0, [group('a', '1.00', 1n), group('b', '1.00', 1n), group(null, '1.00', 1n)]);
  const window = ['2025-06-26T14:00:00.000Z', '2025-06-26T15:00:00.000Z'];
  await write(to, 1, [], { removed: [[...window, 'a'], [...window, null]] }); // prettier-ignore
  assert.deepEqual(rows(HOURS), [['b', '1.00', 1]]);
});

test('events without keys are added in update mode', async (t) => {
  const { sink, rows } = place(t);
  const to = sink({ outputMode: 'update' });
  const result = resultOf(0, [{ name: 'hours', table: tableOf(GROUPS, [group('a', '1.00', 1n)]) }]);
  await to.write(result, { queryId: 'q', batchId: 0, epoch: 1 });
  assert.equal(rows(HOURS).length, 1);
});

test('takes a table of the user’s with further columns, and leaves these alone', async (t) => {
  const { sink, rows, exec } = place(t);
  exec(
    `CREATE TABLE hours (note TEXT DEFAULT 'mine', window_start TEXT, WINDOW_END TEXT, kind TEXT, total TEXT, events INT)`,
  );
  const to = sink({ outputMode: 'update', keyColumns: { hours: ['kind'] } });
  await write(to, 0, [group('a', '1.00', 1n)]);
  exec(`UPDATE hours SET note = 'changed'`);
  await write(to, 1, [group('a', '2.00', 2n)]);
  assert.deepEqual(rows('SELECT note, total FROM hours'), [['changed', '2.00']]);
});

test('refuses a table that cannot hold the rows', async (t) => {
  const { sink, exec } = place(t);
  exec('CREATE TABLE hours (window_start TEXT, window_end TEXT, kind TEXT, total NUMERIC, events INT)');
  const refuses = async (to: Sink, message: RegExp): Promise<void> =>
    assert.rejects(write(to, 0, [group('a', '1.00', 1n)]), { code: 'CONFIG_INVALID', message });
  await refuses(sink({ outputMode: 'append' }), /total is NUMERIC, which stores a decimal as a float/);
  exec('ALTER TABLE hours DROP COLUMN kind');
  await refuses(sink({ outputMode: 'append' }), /no column kind/);
  await refuses(sink({ outputMode: 'update' }), /no key columns are named/);
  await refuses(
    sink({ outputMode: 'update', keyColumns: { hours: ['day'] } }),
    /the key column day does not exist/,
  );
  const twice = schema([optional('A', types.int(), ''), optional('a', types.int(), '')]);
  const result = resultOf(0, [{ name: 'twice', table: tableOf(twice, [[1, 2]]) }]);
  const to = sink({ outputMode: 'append' });
  const writing = to.write(result, { queryId: 'q', batchId: 0, epoch: 1 });
  await assert.rejects(writing, { code: 'CONFIG_INVALID', message: /would be named a/ });
});

test('writes all outputs of a batch or none', async (t) => {
  const { sink, rows, exec } = place(t);
  exec('CREATE TABLE second (id TEXT UNIQUE)');
  exec(`INSERT INTO second VALUES ('taken')`);
  const ids = schema([optional('id', types.string(), '')]);
  const result = resultOf(0, [
    { name: 'first', table: tableOf(ids, [['x']]) },
    { name: 'second', table: tableOf(ids, [['taken']]) },
  ]);
  const to = sink({ outputMode: 'append' });
  const identity = { queryId: 'q', batchId: 0, epoch: 1 };
  await assert.rejects(to.write(result, identity), { code: 'SINK_FAILED', message: /SQLite says: UNIQUE/ });
  assert.deepEqual(rows(`SELECT name FROM sqlite_schema WHERE name = 'first'`), []);
  exec('DELETE FROM second');
  await to.write(result, identity);
  assert.deepEqual([rows('SELECT * FROM first'), rows('SELECT * FROM second')], [[['x']], [['taken']]]);
});

test('a table that is written from later on does not make the batch a repeat for the others', async (t) => {
  const { sink, rows } = place(t);
  await write(sink({ outputMode: 'append' }), 0, [group('a', '1.00', 1n)]);
  await write(sink({ outputMode: 'append', tableOf: () => 'other' }), 0, [group('a', '1.00', 1n)]);
  assert.deepEqual([rows(HOURS).length, rows(HOURS.replace('hours', 'other')).length], [1, 1]);
});

test('a runner that was taken for dead is refused from the moment that another has opened the file', async (t) => {
  const { sink, rows } = place(t);
  const [older, newer] = [sink({ outputMode: 'append' }), sink({ outputMode: 'append' })];
  assert.equal(await older.open?.({ queryId: 'q', epoch: 1 }, undefined), undefined);
  await write(older, 0, [group('a', '1.00', 1n)]);
  assert.equal(await newer.open?.({ queryId: 'q', epoch: 2 }, undefined), undefined);
  await assert.rejects(write(older, 1, [group('b', '1.00', 1n)]), { code: 'WRITER_FENCED' });
  await assert.rejects(older.open?.({ queryId: 'q', epoch: 1 }, 0) ?? Promise.resolve(), {
    code: 'WRITER_FENCED',
  });
  assert.equal(rows(HOURS).length, 1);
});

test('names a file that is no database', async (t) => {
  const to = createTableSink({
    path: mkdtempSync(join(tmpdir(), 'tallystream-table-')),
    outputMode: 'append',
  });
  t.after(() => rmSync(to.name, { recursive: true, force: true }));
  await assert.rejects(write(to, 0, []), { code: 'SINK_FAILED', message: /SQLite says/ });
});

test('finds a removed session by a whole number too, where the table has no types', async (t) => {
  const { sink, rows, exec } = place(t);
  exec('CREATE TABLE numbers (n, seen)');
  const numbers = schema([optional('n', types.long(), ''), optional('seen', types.boolean(), '')]);
  const to = sink({ outputMode: 'update', keyColumns: { numbers: ['n'] } });
  const removed = {
    aggregate: 'numbers',
    added: [],
    totals: [],
    closed: [],
    removed: [['9007199254740993']],
  };
  for (const [batchId, cells] of [[[9_007_199_254_740_993n, true]], [[1n, false]]].entries()) {
    const outputs = [{ name: 'numbers', table: tableOf(numbers, cells) }];
    await to.write(resultOf(batchId, outputs, [removed]), { queryId: 'q', batchId, epoch: 1 });
  }
  assert.deepEqual(rows('SELECT * FROM numbers'), [[1, 0]]);
});
