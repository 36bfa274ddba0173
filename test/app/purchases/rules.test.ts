import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ColumnBatch } from '../../../src/columns/column-chunk.ts';
import { createDecoder } from '../../../src/columns/decode/decoder.ts';
import type { Problem } from '../../../src/columns/decode/problem.ts';
import { compileRules } from '../../../src/operators/rules/check.ts';
import { purchaseRules } from '../../../src/app/purchases/rules.ts';
import { PURCHASE_SCHEMA } from '../../../src/app/purchases/schema.ts';

const NOW_MS = Date.UTC(2025, 5, 26, 14);
const GOOD = {
  event_id: 'purchase_1750946400000_a1',
  timestamp: '2025-06-26T14:00:00Z',
  customer_id: 'customer_1',
  product_category: 'Books',
  quantity: 2,
  unit_price: 10,
  total_amount: 20,
  currency: 'USD',
};

const batch = new ColumnBatch(PURCHASE_SCHEMA, 1);
const decoder = createDecoder(PURCHASE_SCHEMA, { valueBytesMax: 1_000_000 });
const check = compileRules(purchaseRules({ futureToleranceMs: 60_000 }), batch);

/** The problem of the good event with some fields changed, through the real decoder and rules. */
function problemWith(change: Record<string, unknown>): Problem | undefined {
  const bytes = Buffer.from(JSON.stringify({ ...GOOD, ...change }));
  batch.reset(bytes, 1);
  return decoder.decode(batch, 0, bytes.length, 0) ?? check(0, NOW_MS);
}

test('accepts a purchase with its required fields alone, and one at every bound', () => {
  assert.equal(problemWith({}), undefined);
  assert.equal(
    problemWith({ event_id: 'x'.repeat(128), quantity: 10_000, unit_price: 0, total_amount: 0 }),
    undefined,
  );
  assert.equal(
    problemWith({ discount_percentage: 100, total_amount: 0.01, customer_segment: 'Basic' }),
    undefined,
  );
  assert.equal(problemWith({ timestamp: '2025-06-26T14:01:00Z' }), undefined);
});

const refusals: readonly (readonly [
  title: string,
  change: Record<string, unknown>,
  reason: string,
  field: string,
])[] = [
  ['an empty event id', { event_id: '' }, 'OUT_OF_RANGE', 'event_id'],
  ['an event id of 129 characters', { event_id: '😀'.repeat(129) }, 'OUT_OF_RANGE', 'event_id'],
  ['an unknown segment', { customer_segment: 'premium' }, 'OUT_OF_RANGE', 'customer_segment'],
  ['a quantity of none', { quantity: 0 }, 'OUT_OF_RANGE', 'quantity'],
  ['a quantity above 10,000', { quantity: 10_001 }, 'OUT_OF_RANGE', 'quantity'],
  ['a price below zero', { unit_price: -0.01 }, 'OUT_OF_RANGE', 'unit_price'],
  ['an amount below zero', { total_amount: -20 }, 'OUT_OF_RANGE', 'total_amount'],
  ['a currency without decimals', { currency: 'JPY' }, 'OUT_OF_RANGE', 'currency'],
  ['gold', { currency: 'XAU' }, 'OUT_OF_RANGE', 'currency'],
  ['a currency in small letters', { currency: 'usd' }, 'OUT_OF_RANGE', 'currency'],
  ['a currency named as a property of objects', { currency: 'constructor' }, 'OUT_OF_RANGE', 'currency'],
  ['a discount above 100', { discount_percentage: 100.01 }, 'OUT_OF_RANGE', 'discount_percentage'],
  ['a discount below zero', { discount_percentage: -1 }, 'OUT_OF_RANGE', 'discount_percentage'],
  ['an amount off by two cents', { total_amount: 20.02 }, 'AMOUNT_MISMATCH', 'total_amount'],
  [
    'a time ahead of the tolerance',
    { timestamp: '2025-06-26T14:01:00.001Z' },
    'FUTURE_TIMESTAMP',
    'timestamp',
  ],
];

for (const [title, change, reason, field] of refusals) {
  test(`refuses ${title}`, () => {
    const problem = problemWith(change);
    assert.deepEqual([problem?.reason, problem?.field], [reason, field]);
  });
}

test('says what is wrong with a currency that it knows', () => {
  assert.equal(
    problemWith({ currency: 'JPY' })?.expected,
    'a currency with two decimals (JPY has 0: not supported yet)',
  );
  assert.equal(
    problemWith({ currency: 'ABC' })?.expected,
    'an ISO 4217 code of a currency with two decimals',
  );
});

test('names what is wrong in itself before what is wrong with the time', () => {
  assert.equal(
    problemWith({ timestamp: '2030-01-01T00:00:00Z', total_amount: 1 })?.reason,
    'AMOUNT_MISMATCH',
  );
});
