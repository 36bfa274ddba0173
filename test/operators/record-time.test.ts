import assert from 'node:assert/strict';
import { test } from 'node:test';
import { futureBoundMs, kindOfRecordTime, lowestRecordMs } from '../../src/operators/record-time.ts';

const NOW_MS = Date.UTC(2026, 11, 1);

test('tells the unit of a log timestamp from its size, for times from 1973 to 5138', () => {
  for (const timeMs of [
    Date.UTC(1973, 2, 4),
    Date.UTC(1999, 0),
    NOW_MS,
    Date.UTC(2100, 0),
    Date.UTC(5138, 0),
  ]) {
    assert.equal(kindOfRecordTime(timeMs, NOW_MS), 'milliseconds', String(timeMs));
    assert.equal(kindOfRecordTime(timeMs / 1000, NOW_MS), 'seconds', String(timeMs));
    assert.equal(kindOfRecordTime(timeMs * 1e3, NOW_MS), 'microseconds', String(timeMs));
    if (timeMs * 1e6 < 2 ** 63)
      assert.equal(kindOfRecordTime(timeMs * 1e6, NOW_MS), 'nanoseconds', String(timeMs));
  }
  for (const none of [-1, 0, -(2 ** 63), NaN]) assert.equal(kindOfRecordTime(none, NOW_MS), 'none');
  assert.equal(kindOfRecordTime(2 ** 63, NOW_MS), 'nanoseconds');
});

test('takes milliseconds for milliseconds by a clock that itself stands near 1970', () => {
  assert.equal(kindOfRecordTime(1_000, 1_000), 'milliseconds');
  assert.equal(kindOfRecordTime(90_000, 60_000), 'milliseconds');
  assert.equal(kindOfRecordTime(NOW_MS, 60_000), 'milliseconds');
  assert.equal(kindOfRecordTime(0, 0), 'none');
});

test('bounds the future by the log timestamp where that is a time in milliseconds, and else by the clock alone', () => {
  const boundOf = (timestamp: number) => futureBoundMs(timestamp, NOW_MS, lowestRecordMs(NOW_MS));
  assert.equal(boundOf(NOW_MS - 5_000), NOW_MS - 5_000);
  assert.equal(boundOf(NOW_MS + 5_000), NOW_MS);
  for (const other of [-1, 0, 1, NOW_MS / 1000, NOW_MS * 1e3, NOW_MS * 1e6, 2 ** 63, -(2 ** 63), NaN]) {
    assert.equal(boundOf(other), NOW_MS, String(other));
  }
});
