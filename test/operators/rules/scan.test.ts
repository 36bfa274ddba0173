import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { optional, schema, types } from '../../../src/columns/schema/schema.ts';
import { ColumnTable } from '../../../src/columns/table.ts';
import { compileRules } from '../../../src/operators/rules/check.ts';
import { scanRules } from '../../../src/operators/rules/scan.ts';
import type { Rule } from '../../../src/plan/rule.ts';

const SCHEMA = schema([
  optional('text', types.string(), ''),
  optional('word', types.string({ dictionary: true }), ''),
  optional('count', types.int(), ''),
  optional('price', types.decimal(38, 2), ''),
  optional('total', types.decimal(38, 2), ''),
  optional('discount', types.decimal(38, 2), ''),
  optional('at', types.timestamp(), ''),
]);

const CLOCK_MS = Date.UTC(2026, 0, 2);

const text = fc.oneof(
  fc.constantFrom('', 'a', 'ab', 'Home', 'Büro', '😀', '😀😀😀', 'refused', '日本語日本語'),
  fc.string({ unit: 'grapheme', maxLength: 9 }),
);
const amount = fc.oneof(
  fc.constantFrom('0.00', '-0.01', '100.00', '100.01', '90071992547409.91', '90071992547409.92'),
  fc.constantFrom('1000000000000000000000000.00', '-1000000000000000000000000.00', '9007199254740993.00'),
  fc.integer({ min: -50, max: 50_000 }).map((cents) => (cents / 100).toFixed(2)),
);
const nullable = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null, freq: 8 });
const row = fc.record({
  text: nullable(text),
  word: nullable(text),
  count: nullable(fc.oneof(fc.integer({ min: -1, max: 12 }), fc.integer())),
  price: nullable(amount),
  total: nullable(amount),
  discount: nullable(fc.oneof(fc.constantFrom('0.00', '50.00', '100.00'), amount)),
  at: nullable(fc.integer({ min: -90_000, max: 90_000 })),
  loggedMs: fc.integer({ min: -90_000, max: 90_000 }),
  /** Makes the total right, or wrong by so many cents. */
  off: fc.option(fc.integer({ min: -3, max: 3 }), { nil: undefined }),
});
type Row = typeof row extends fc.Arbitrary<infer R> ? R : never;

const bound = nullable(amount);
const rule: fc.Arbitrary<Rule> = fc.oneof(
  fc.record({
    kind: fc.constant('characters' as const),
    field: fc.constantFrom('text', 'word'),
    min: fc.nat(3),
    max: fc.integer({ min: 3, max: 7 }),
  }),
  fc.constant({
    kind: 'oneOf' as const,
    field: 'word',
    values: ['Home', 'a', ''],
    expected: 'one of these',
    refused: { refused: 'another' },
  }),
  fc.record({
    kind: fc.constant('between' as const),
    field: fc.constantFrom('price', 'total'),
    min: bound,
    max: bound,
  }),
  fc.constantFrom<Rule>(
    { kind: 'between', field: 'count', min: '1', max: '10' },
    { kind: 'between', field: 'count', min: null, max: '10' },
    { kind: 'notAhead', field: 'at', toleranceMs: 1000 },
    {
      kind: 'amount',
      total: 'total',
      price: 'price',
      quantity: 'count',
      discount: 'discount',
      tolerance: '0.01',
    },
  ),
);

function totalOf({ price, count, off, total }: Row): string | null {
  if (off === undefined || price === null || count === null) return total;
  const cents = Math.round(Number(price) * 100) * count + off;
  return Number.isSafeInteger(cents) ? (cents / 100).toFixed(2) : total;
}

test('a row that is not suspect breaks no rule, and few are suspect for nothing', () => {
  const counts = { broken: 0, suspect: 0, rows: 0 };
  fc.assert(
    fc.property(
      fc.array(rule, { minLength: 1, maxLength: 4 }),
      fc.array(row, { minLength: 1, maxLength: 30 }),
      fc.nat(30),
      (rules, rows, cut) => {
        const table = new ColumnTable(SCHEMA);
        for (const one of rows) {
          const at = one.at === null ? null : new Date(CLOCK_MS + one.at).toISOString();
          table.appendCells([one.text, one.word, one.count, one.price, totalOf(one), one.discount, at]);
        }
        const check = compileRules(rules, table.batch);
        const scan = scanRules(rules, table.batch);
        const timestampsMs = Float64Array.from(rows, ({ loggedMs }) => CLOCK_MS + loggedMs);
        const suspects = new Uint8Array(rows.length);
        const middle = Math.min(cut, rows.length);
        scan(0, middle, { timestampsMs, clockMs: CLOCK_MS }, suspects);
        scan(middle, rows.length, { timestampsMs, clockMs: CLOCK_MS }, suspects);
        rows.forEach((_, index) => {
          const problem = check(index, Math.min(timestampsMs[index] as number, CLOCK_MS));
          if (problem !== undefined) assert.equal(suspects[index], 1, `row ${index}: ${problem.expected}`);
          counts.broken += problem === undefined ? 0 : 1;
          counts.suspect += suspects[index] as number;
          counts.rows += 1;
        });
      },
    ),
    { numRuns: 1000 },
  );
  assert.ok(counts.broken > counts.rows / 10, JSON.stringify(counts));
  const good = counts.rows - counts.broken;
  assert.ok(counts.suspect - counts.broken < good / 2, JSON.stringify(counts));
});

test('words are judged anew where their codes mean something else', () => {
  const table = new ColumnTable(SCHEMA);
  const append = (word: string) => table.appendCells([null, word, null, null, null, null, null]);
  const rules: Rule[] = [{ kind: 'oneOf', field: 'word', values: ['a'], expected: 'a', refused: {} }];
  const scan = scanRules(rules, table.batch);
  const suspectsOf = (from: number): number[] => {
    const suspects = new Uint8Array(table.count);
    const timestampsMs = new Float64Array(table.count);
    scan(from, table.count, { timestampsMs, clockMs: 0 }, suspects);
    return [...suspects.subarray(from)];
  };
  append('a');
  append('b');
  assert.deepEqual(suspectsOf(0), [0, 1]);
  table.batch.clearDictionaries();
  append('b');
  append('a');
  assert.deepEqual(suspectsOf(2), [1, 0]);
});
