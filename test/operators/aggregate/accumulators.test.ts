/** Measures as states that merge: however rows are split over states, saved and loaded, the result is that of one state. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { optional, schema, types } from '../../../src/columns/schema/schema.ts';
import { ColumnTable } from '../../../src/columns/table.ts';
import type { GroupCell } from '../../../src/contracts/batch.ts';
import type { Accumulator, Slot } from '../../../src/operators/aggregate/accumulator.ts';
import { accumulatorOf } from '../../../src/operators/aggregate/accumulators.ts';
import type { Measure } from '../../../src/plan/query-plan.ts';

const HASH_KEY = Uint8Array.from({ length: 16 }, (_, at) => at);
const SCHEMA = schema([
  optional('text', types.string(), ''),
  optional('word', types.string({ dictionary: true }), ''),
  optional('amount', types.decimal(30, 3), ''),
  optional('long', types.long(), ''),
  optional('int', types.int(), ''),
  optional('eighths', types.double(), ''),
  optional('flag', types.boolean(), ''),
  optional('at', types.timestamp(), ''),
  optional('day', types.date(), ''),
]);
const COLUMNS = SCHEMA.fields.map(({ name }) => name);
const NUMBERS = ['amount', 'long', 'int', 'eighths'];

const row = fc
  .record({
    text: fc.option(fc.constantFrom('', 'a', 'null', '\u{1f600}', '\uff21')),
    word: fc.option(fc.constantFrom('', 'b', '__proto__')),
    amount: fc.option(fc.constantFrom('0.000', '-0.001', '123456789012345678901234567.891', '7.500')),
    long: fc.option(fc.constantFrom(-(2n ** 53n) - 1n, 0n, 2n ** 53n + 1n)),
    int: fc.option(fc.integer({ min: -3, max: 3 })),
    eighths: fc.option(fc.integer({ min: -40, max: 40 }).map((eighths) => eighths / 8)),
    flag: fc.option(fc.boolean()),
    at: fc.option(fc.constantFrom('1969-12-31T23:59:59.999999Z', '2025-01-01T00:00:00.000Z')),
    day: fc.option(fc.constantFrom('0001-01-01', '2025-06-01')),
  })
  .map((cells) => Object.values(cells));

const measures: Measure[] = [
  { kind: 'count', name: 'm' },
  ...COLUMNS.flatMap((column): Measure[] => [
    ...(['count', 'min', 'max', 'first', 'last'] as const).map((kind) => ({ kind, name: 'm', column })),
    { kind: 'approxCountDistinct', name: 'm', column, relativeError: 0.05 },
  ]),
  ...NUMBERS.flatMap((column): Measure[] => [
    { kind: 'sum', name: 'm', column },
    { kind: 'avg', name: 'm', column },
  ]),
];

/** One row of cells in a table, and accumulators over it. */
function setUp(rows: readonly (readonly (string | number | bigint | boolean | null)[])[], measure: Measure) {
  const table = new ColumnTable(SCHEMA);
  for (const cells of rows) table.appendCells(cells);
  const order = { next: 0 };
  const make = (): Accumulator => accumulatorOf(measure, table.batch, { hashKey: HASH_KEY, order });
  return { make, accumulator: make() };
}

const stateOf = (accumulator: Accumulator): Slot[] => {
  const slots: Slot[] = [];
  accumulator.clear(slots, 0);
  return slots;
};

const resultOf = (accumulator: Accumulator, slots: readonly Slot[]): GroupCell =>
  accumulator.result(slots, 0);

/** What a checkpoint would keep, as text and back. */
function reloaded(accumulator: Accumulator, slots: readonly Slot[], into: Accumulator): Slot[] {
  const cells = accumulator.save?.(slots, 0) ?? [resultOf(accumulator, slots)];
  const back = stateOf(into);
  into.load(back, 0, JSON.parse(JSON.stringify(cells)) as GroupCell[]);
  return back;
}

describe('every measure', () => {
  for (const measure of measures) {
    it(`${measure.kind} of ${measure.column ?? 'rows'} comes to the same however rows are split and states reloaded`, () => {
      fc.assert(
        fc.property(fc.array(row, { maxLength: 12 }), fc.nat(12), fc.nat(12), (rows, one, two) => {
          const { accumulator, make } = setUp(rows, measure);
          const [first, second] = [one, two].toSorted((a, b) => a - b) as [number, number];
          const whole = stateOf(accumulator);
          const parts = [stateOf(accumulator), stateOf(accumulator), stateOf(accumulator)] as const;
          for (let at = 0; at < rows.length; at += 1) {
            accumulator.add(parts[at < first ? 0 : at < second ? 1 : 2], 0, at);
            accumulator.add(whole, 0, at);
          }
          const expected = resultOf(accumulator, whole);
          const merged = (...states: readonly (readonly Slot[])[]): Slot[] => {
            const into = stateOf(accumulator);
            for (const state of states) accumulator.merge(into, 0, state, 0);
            return into;
          };
          const [a, b, c] = parts;
          const copies = structuredClone(parts);
          assert.deepEqual(resultOf(accumulator, merged(merged(a, b), c)), expected);
          assert.deepEqual(resultOf(accumulator, merged(a, merged(b, c))), expected);
          assert.deepEqual(parts, copies, 'a merge changes nothing but its target');
          const next = make();
          const back = reloaded(accumulator, merged(a, b), next);
          next.merge(back, 0, c, 0);
          assert.deepEqual(resultOf(next, back), expected, 'after a restart');
          assert.deepEqual(resultOf(next, reloaded(accumulator, whole, next)), expected, 'reloaded');
        }),
        { numRuns: 60 },
      );
    });
  }

  it('first is the value read first, in whatever order states are merged', () => {
    const { accumulator } = setUp(
      [
        ['x', ...nulls(8)],
        [null, ...nulls(8)],
        ['z', ...nulls(8)],
      ],
      {
        kind: 'first',
        name: 'm',
        column: 'text',
      },
    );
    const states = [0, 1, 2].map((at) => {
      const slots = stateOf(accumulator);
      accumulator.add(slots, 0, at);
      return slots;
    });
    const into = stateOf(accumulator);
    for (const at of [2, 0, 1]) accumulator.merge(into, 0, states[at] as Slot[], 0);
    assert.equal(resultOf(accumulator, into), 'x');
  });
});

describe('approxCountDistinct', () => {
  it('errs no more than it says, over many counts and keys', () => {
    for (const relativeError of [0.02, 0.05, 0.2]) {
      let squares = 0;
      let trials = 0;
      for (let seed = 0; seed < 40; seed += 1) {
        const count = [10, 100, 1000, 4000][seed % 4] as number;
        const table = new ColumnTable(schema([optional('int', types.int(), '')]));
        for (let value = 0; value < count; value += 1) table.appendCells([value]);
        const hashKey = Uint8Array.from({ length: 16 }, (_, at) => (seed * 31 + at * 17 + 5) % 256);
        const measure = { kind: 'approxCountDistinct', name: 'm', column: 'int', relativeError } as const;
        const accumulator = accumulatorOf(measure, table.batch, { hashKey });
        const slots = stateOf(accumulator);
        for (const _ of [1, 2]) for (let at = 0; at < count; at += 1) accumulator.add(slots, 0, at);
        const error = ((resultOf(accumulator, slots) as number) - count) / count;
        assert.ok(Math.abs(error) < 5 * relativeError, `${count} values, key ${seed}: off by ${error}`);
        squares += error ** 2;
        trials += 1;
      }
      const deviation = Math.sqrt(squares / trials);
      assert.ok(deviation <= 1.3 * relativeError, `${relativeError} was asked for, and it is ${deviation}`);
    }
  });
});

function nulls(count: number): null[] {
  return Array.from({ length: count }, () => null);
}
