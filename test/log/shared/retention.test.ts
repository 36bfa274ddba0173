import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideRetention, type StoredBatch } from '../../../src/log/shared/retention.ts';

/** Batches of ten records and 100 bytes, with these newest timestamps. */
function batches(...timestamps: readonly number[]): StoredBatch[] {
  return timestamps.map((timestampMsMax, index) => ({
    baseOffset: index * 10,
    count: 10,
    bytes: 100,
    timestampMsMax,
  }));
}

test('takes nothing without a bound', () => {
  const policy = { retentionMs: undefined, retentionBytes: undefined };
  assert.deepEqual(decideRetention(batches(1, 2, 3), 300, policy, 1e9), []);
});

test('takes what is older than the bound, and not what is exactly as old', () => {
  const policy = { retentionMs: 50, retentionBytes: undefined };
  assert.deepEqual(decideRetention(batches(948, 949, 950, 960), 400, policy, 1_000), [
    { start: 0, end: 20, bytes: 200, reason: 'age' },
  ]);
});

test('stops at the first batch that may stay', () => {
  const policy = { retentionMs: 50, retentionBytes: undefined };
  assert.deepEqual(decideRetention(batches(990, 1, 1), 300, policy, 1_000), []);
});

test('takes the oldest until the rest fits', () => {
  const policy = { retentionMs: undefined, retentionBytes: 250 };
  assert.deepEqual(decideRetention(batches(1, 2, 3, 4), 400, policy, 1_000), [
    { start: 0, end: 20, bytes: 200, reason: 'size' },
  ]);
});

test('says which bound took what', () => {
  const policy = { retentionMs: 50, retentionBytes: 100 };
  assert.deepEqual(decideRetention(batches(1, 990, 990), 300, policy, 1_000), [
    { start: 0, end: 10, bytes: 100, reason: 'age' },
    { start: 10, end: 20, bytes: 100, reason: 'size' },
  ]);
});

test('looks at no more batches than it takes, and one', () => {
  let seen = 0;
  function* counted() {
    for (const batch of batches(1, 1, 990, 990, 990)) {
      seen += 1;
      yield batch;
    }
  }
  decideRetention(counted(), 500, { retentionMs: 50, retentionBytes: undefined }, 1_000);
  assert.equal(seen, 3);
});
