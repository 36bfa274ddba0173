import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { checkpointFile } from '../../../src/checkpoint/connection.ts';
import { openCheckpointView } from '../../../src/checkpoint/view.ts';
import { verifyCheckpoint } from '../../../src/checkpoint/verify/verify.ts';
import type { GroupRow } from '../../../src/contracts/batch.ts';
import { InvariantError } from '../../../src/errors.ts';
import type { Aggregate } from '../../../src/plan/query-plan.ts';
import { commitOf, freshLocation, open, QUERY } from '../support/batches.ts';

const HOSTILE = [
  '',
  ' ',
  "'); DROP TABLE commits; --",
  '"',
  '"; --',
  '__proto__',
  'constructor',
  'NULL',
  '0x10',
  '1e3',
  '007',
  '\u001b[31m',
  '\u202e',
  'é',
  'é',
  '𝒳',
  '\uffff',
  'x'.repeat(10_000),
];

const change = (aggregate: string, keys: readonly (readonly string[])[]) => ({
  aggregate,
  added: [],
  closed: [],
  removed: [],
  totals: keys.map((key, index) => ({ key, measures: [`${index}.00`, index] })),
});

test('gives hostile keys back as they came, each a group of its own', async (t) => {
  const location = freshLocation(t);
  const runner = await open(location);
  const keys = HOSTILE.map((category) => ['2025-06-26', category]);
  runner.commit(commitOf(0, { aggregates: [change('categories', keys)] }));
  const view = openCheckpointView({ location });
  for (const checkpoint of [runner, view]) {
    const found = new Map(
      Array.from(checkpoint.groups('categories'), ({ key, measures }) => [key[1], measures[1]]),
    );
    assert.deepEqual(found, new Map(HOSTILE.map((category, index) => [category, index])));
  }
  view.close();
});

test('keeps every group of a batch that changes many, whatever their number and order', async (t) => {
  const location = freshLocation(t);
  const runner = await open(location);
  const expected = new Map<string, string>();
  for (const [batchId, count] of [1, 15, 16, 17, 100].entries()) {
    // Each batch changes the groups of those before it, and not in the order of their keys.
    const totals = Array.from({ length: count }, (_, index) => {
      const category = `category_${(index * 37) % 101}`;
      expected.set(category, `${batchId}.${10 + (index % 90)}`);
      return { key: ['2025-06-26', category], measures: [expected.get(category) as string, index] };
    });
    const closed = totals.map(({ measures }, index) => ({ key: ['2025-06-25', `${index}`], measures }));
    const of = { ...change('categories', []), totals, closed };
    runner.commit(commitOf(batchId, { aggregates: [of] }));
    const found = Array.from(runner.groups('categories'), ({ key, measures }) => [key[1], measures[0]]);
    assert.deepEqual(new Map(found as [string, string][]), expected);
    for (const { key, measures } of closed)
      assert.deepEqual(runner.group('categories', key)?.measures, measures);
  }
  runner.close();
});

test('takes names of a plan that SQL would read otherwise', async (t) => {
  const location = freshLocation(t);
  const aggregate: Aggregate = {
    name: 'a"; DROP TABLE meta; --',
    keys: [
      { kind: 'column', name: 'select', column: 'category' },
      { kind: 'column', name: 'the "key"', column: 'category' },
    ],
    measures: [
      { kind: 'sum', name: '__proto__', column: 'amount' },
      { kind: 'count', name: 'group by' },
    ],
  };
  const runner = await open(location, { plan: { ...QUERY, aggregates: [aggregate] } });
  runner.commit(commitOf(0, { aggregates: [change(aggregate.name, [['a', 'b']])] }));
  assert.deepEqual([...runner.groups(aggregate.name)], [{ key: ['a', 'b'], measures: ['0.00', 0] }]);
});

test('refuses names that SQLite would take for one', async (t) => {
  const location = freshLocation(t);
  const all: Aggregate = { name: 'all', keys: [], measures: [] };
  const names: Aggregate[] = [all, { ...all, name: 'ALL' }];
  await assert.rejects(open(location, { plan: { ...QUERY, aggregates: names } }), InvariantError);
  // The start that failed has left nothing behind that a right one would stumble over.
  assert.equal((await open(location)).epoch, 1);
});

test('lets any SQLite client read the totals by their names', async (t) => {
  const location = freshLocation(t);
  const runner = await open(location);
  runner.commit(
    commitOf(0, {
      aggregates: [
        {
          aggregate: 'categories',
          added: [],
          closed: [],
          removed: [],
          totals: [{ key: ['2025-06-26', 'Home'], measures: ['10000000000000000.01', 3] }],
        },
      ],
    }),
  );
  const client = new DatabaseSync(checkpointFile(location), { readOnly: true });
  const row = client
    .prepare('SELECT date, category, total, transactions, typeof(total) AS type FROM aggregate_categories')
    .get();
  client.close();
  assert.deepEqual(
    { ...row },
    { date: '2025-06-26', category: 'Home', total: '10000000000000000.01', transactions: 3, type: 'text' },
  );
});

test('takes back what SQLite stores in another form: text with half a surrogate pair or a NUL, negative zero, truths', async (t) => {
  const location = freshLocation(t);
  const all = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ kind: 'count' as const, name }));
  const plan = { ...QUERY, aggregates: [{ name: 'forms', keys: [], measures: all }] };
  const runner = await open(location, { plan });
  const measures = ['half \ud800', 'zero \0 end', -0, true, null];
  const changed = { aggregate: 'forms', added: [], closed: [], removed: [], totals: [{ key: [], measures }] };
  runner.commit(commitOf(0, { aggregates: [changed] }));
  const [row] = [...runner.groups('forms')];
  assert.deepEqual(row?.measures.slice(1), JSON.parse(JSON.stringify(measures.slice(1))));
  assert.deepEqual(verifyCheckpoint({ location }).findings, []);
});

test('gives every double back, infinite or none, beside text that reads like one', async (t) => {
  const location = freshLocation(t);
  const all = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ kind: 'count' as const, name }));
  const plan = { ...QUERY, aggregates: [{ name: 'doubles', keys: [], measures: all }] };
  const runner = await open(location, { plan });
  const measures = [Infinity, -Infinity, NaN, 'Infinity', 1.5];
  const rows: GroupRow[] = [
    { key: [], measures },
    { key: [], measures: measures.filter((cell) => !Number.isNaN(cell)).concat(null as never) },
    { key: [], measures, state: [[NaN, 2], null, ['NaN', -Infinity, null, true], null, null] },
  ];
  for (const [batchId, row] of rows.entries()) {
    const changed = { aggregate: 'doubles', added: [], closed: [], removed: [], totals: [row] };
    runner.commit(commitOf(batchId, { aggregates: [changed] }));
    const view = openCheckpointView({ location });
    assert.deepEqual([...view.groups('doubles')], [row]);
    view.close();
  }
  const [told] = [
    ...new DatabaseSync(checkpointFile(location), { readOnly: true })
      .prepare('SELECT a, b, c FROM aggregate_doubles')
      .iterate(),
  ];
  assert.deepEqual({ ...told }, { a: Infinity, b: -Infinity, c: null });
});
