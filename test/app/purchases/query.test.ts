import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leavesOf } from '../../../src/columns/schema/schema.ts';
import { fingerprintOf } from '../../../src/plan/fingerprint.ts';
import { purchaseQuery, type PurchaseQueryOptions } from '../../../src/app/purchases/query.ts';

const options: PurchaseQueryOptions = {
  name: 'purchase-totals',
  topic: 'purchases',
  timeZone: 'UTC',
  watermarkDelayMs: 3_600_000,
  idleTimeoutMs: 60_000,
  futureToleranceMs: 300_000,
  valueBytesMax: 1_048_576,
  assumeTimeZone: null,
};

test('sums and counts by currency, by day, and by category, in this order', () => {
  const plan = purchaseQuery(options);
  assert.deepEqual(
    plan.aggregates.map(({ name, keys }) => [name, ...keys.map((key) => `${key.name} of ${key.column}`)]),
    [
      ['running', 'currency of currency'],
      ['days', 'date of timestamp', 'currency of currency'],
      ['categories', 'date of timestamp', 'currency of currency', 'category of product_category'],
    ],
  );
  for (const { measures } of plan.aggregates) {
    assert.deepEqual(measures, [
      { kind: 'sum', name: 'total', column: 'total_amount' },
      { kind: 'count', name: 'transactions' },
    ]);
  }
});

test('names only columns that the schema has, and groups by dictionary text alone', () => {
  const plan = purchaseQuery(options);
  const leaves = new Map(leavesOf(plan.schema).map((leaf) => [leaf.path, leaf.type]));
  assert.equal(leaves.get(plan.watermark.column ?? '')?.kind, 'timestamp');
  assert.equal(leaves.get(plan.dedupe?.columns[0] ?? '')?.kind, 'string');
  for (const key of plan.aggregates.flatMap(({ keys }) => keys)) {
    const type = leaves.get(key.column);
    if (key.kind === 'date') assert.equal(type?.kind, 'timestamp');
    else assert.ok(type?.kind === 'string' && type.dictionary, key.column);
  }
});

test('passes its options on, each to its place', () => {
  const plan = purchaseQuery({ ...options, watermarkDelayMs: null, assumeTimeZone: 'Europe/Berlin' });
  assert.deepEqual(plan.watermark, { column: 'timestamp', delayMs: null, idleTimeoutMs: 60_000 });
  assert.equal(plan.assumeTimeZone, 'Europe/Berlin');
  assert.equal(plan.valueBytesMax, 1_048_576);
  assert.deepEqual(plan.rules.at(-1), { kind: 'notAhead', field: 'timestamp', toleranceMs: 300_000 });
});

test('keeps its fingerprint where only rules about events not yet read change', () => {
  const changed = purchaseQuery({ ...options, futureToleranceMs: 1, valueBytesMax: 10, idleTimeoutMs: 1 });
  assert.deepEqual(fingerprintOf(changed), fingerprintOf(purchaseQuery(options)));
});
