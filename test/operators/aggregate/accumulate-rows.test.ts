/** Rows that an aggregate takes many at once come to what they come to one by one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { optional, schema, types } from '../../../src/columns/schema/schema.ts';
import { ColumnTable } from '../../../src/columns/table.ts';
import { TimeZone } from '../../../src/columns/values/timezone.ts';
import { GroupedAggregate } from '../../../src/operators/aggregate/grouped.ts';
import { SessionAggregate } from '../../../src/operators/aggregate/sessions.ts';
import type { Aggregate, GroupKey, Measure } from '../../../src/plan/query-plan.ts';

const SCHEMA = schema([
  optional('at', types.timestamp(), ''),
  optional('word', types.string({ dictionary: true }), ''),
  optional('name', types.string(), ''),
  optional('price', types.decimal(38, 2), ''),
  optional('size', types.long(), ''),
  optional('count', types.int(), ''),
  optional('ratio', types.double(), ''),
]);

const nullable = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null, freq: 6 });
/** Some of them beside the largest safe integer, so that sums cross it both ways. */
const price = fc.oneof(
  fc.integer({ min: -500, max: 5000 }).map((cents) => (cents / 100).toFixed(2)),
  fc.constantFrom('90071992547409.91', '-90071992547409.91', '90071992547409.92', '-0.01', '0.02'),
  fc.constantFrom('1000000000000000000000000.00', '-1000000000000000000000000.00'),
);
const size = fc.oneof(
  fc.integer().map(String),
  fc.constantFrom('9007199254740991', '-9007199254740993', '36028797018963968'),
);
const row = fc.tuple(
  nullable(fc.integer({ min: 0, max: 200_000_000 }).map((ms) => new Date(1.75e12 + ms).toISOString())),
  nullable(fc.constantFrom('a', 'b', 'c', '__proto__')),
  nullable(fc.constantFrom('x', 'y')),
  nullable(price),
  nullable(size),
  nullable(fc.integer({ min: -5, max: 2_000_000_000 })),
  nullable(fc.constantFrom(0.1, 1e308, -1e308, 3)),
);

const measure: fc.Arbitrary<Measure> = fc.oneof(
  fc.constantFrom<Measure>(
    { kind: 'count', name: 'rows' },
    { kind: 'count', name: 'prices', column: 'price' },
    { kind: 'approxCountDistinct', name: 'names', column: 'name', relativeError: 0.1 },
  ),
  fc.record({
    kind: fc.constantFrom('sum' as const, 'avg' as const),
    name: fc.constant('number'),
    column: fc.constantFrom('price', 'size', 'count', 'ratio'),
  }),
  fc.record({
    kind: fc.constantFrom('min' as const, 'max' as const, 'first' as const, 'last' as const),
    name: fc.constant('value'),
    column: fc.constantFrom('price', 'name', 'word', 'count'),
  }),
);
const key: fc.Arbitrary<GroupKey> = fc.oneof(
  fc.constant({ kind: 'date' as const, name: 'day', column: 'at' }),
  fc.record({
    kind: fc.constant('column' as const),
    name: fc.constant('key'),
    column: fc.constantFrom('word', 'name', 'count'),
  }),
);
const window: fc.Arbitrary<GroupKey> = fc.constantFrom<GroupKey>(
  { kind: 'window', name: 'window', column: 'at', sizeMs: 7_200_000, slideMs: 3_600_000, startMs: 0 },
  { kind: 'sessionWindow', name: 'session', column: 'at', gapMs: 600_000 },
);
const aggregate: fc.Arbitrary<Aggregate> = fc
  .tuple(
    fc.option(window, { nil: undefined, freq: 3 }),
    fc.array(key, { maxLength: 3 }),
    fc.array(measure, { minLength: 1, maxLength: 4 }),
  )
  .map(([first, keys, measures]) => ({
    name: 'totals',
    keys: first === undefined ? keys : [first, ...keys],
    measures,
  }));

const chunk = fc.record({
  rows: fc.array(row, { maxLength: 20 }),
  /** Which of them are accepted; the others only lie between them. */
  skipped: fc.nat(20),
  commits: fc.boolean(),
  forgets: fc.boolean(),
});

test('rows added many at once come to the same as one by one, cell by cell and in the same order', () => {
  let wide = 0;
  fc.assert(
    fc.property(aggregate, fc.array(chunk, { maxLength: 6 }), (plan, chunks) => {
      const table = new ColumnTable(SCHEMA);
      const make = () => {
        const around = {
          batch: table.batch,
          zone: TimeZone.of('Europe/Berlin'),
          hashKey: new Uint8Array(16),
        };
        return plan.keys[0]?.kind === 'sessionWindow'
          ? new SessionAggregate(plan, around)
          : new GroupedAggregate(plan, around);
      };
      const [single, many] = [make(), make()];
      for (const { rows, skipped, commits, forgets } of chunks) {
        const from = table.count;
        for (const cells of rows) table.appendCells(cells);
        const accepted = rows.flatMap((_, index) => (index === skipped ? [] : [from + index]));
        for (const at of accepted) single.add(at);
        many.addRows(Int32Array.from([...accepted, -1]), accepted.length);
        assert.deepEqual(many.change(), single.change());
        assert.deepEqual(many.all(), single.all());
        wide += /\d{17}/.test(JSON.stringify(single.all())) ? 1 : 0;
        for (const one of [single, many]) {
          if (commits) one.committed();
          if (forgets) one.forgetCodes();
        }
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(wide > 30, `only ${wide} chunks with sums beyond safe integers`);
});

test('very many groups in one chunk are told apart', () => {
  const table = new ColumnTable(SCHEMA);
  const plan: Aggregate = {
    name: 'totals',
    keys: [
      { kind: 'column', name: 'key', column: 'count' },
      { kind: 'column', name: 'word', column: 'word' },
    ],
    measures: [
      { kind: 'count', name: 'rows' },
      { kind: 'sum', name: 'sizes', column: 'size' },
    ],
  };
  const many = new GroupedAggregate(plan, {
    batch: table.batch,
    zone: TimeZone.of('UTC'),
    hashKey: new Uint8Array(16),
  });
  const count = 20_000;
  for (let n = 0; n < count; n += 1)
    table.appendCells([null, n % 2 === 0 ? 'a' : 'b', null, null, String(n), n % 5000, null]);
  many.addRows(
    Int32Array.from({ length: count }, (_, n) => n),
    count,
  );
  const groups = many.all();
  assert.equal(groups.length, 5000);
  for (const { key: cells, measures } of groups) {
    const n = cells[0] as number;
    assert.deepEqual(measures, [4, String(n * 4 + 30_000)]);
    assert.equal(cells[1], n % 2 === 0 ? 'a' : 'b');
  }
});

test('a sum that does not fit is an error, as it is row by row', () => {
  const table = new ColumnTable(SCHEMA);
  const plan: Aggregate = {
    name: 'totals',
    keys: [],
    measures: [{ kind: 'sum', name: 'prices', column: 'price' }],
  };
  const around = { batch: table.batch, zone: TimeZone.of('UTC'), hashKey: new Uint8Array(16) };
  const largest = `${'9'.repeat(36)}.99`;
  for (const cell of ['1.00', largest, largest])
    table.appendCells([null, null, null, cell, null, null, null]);
  assert.throws(() => new GroupedAggregate(plan, around).addRows(Int32Array.of(0, 1, 2), 3), {
    code: 'SUM_OVERFLOW',
  });
});
