import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PartitionOffsets } from '../../src/contracts/log.ts';
import type { LogFields } from '../../src/contracts/logger.ts';
import { PartitionWatch } from '../../src/engine/partition-watch.ts';
import { silentLogger } from '../../src/observe/silent-logger.ts';
import { createManualClock } from '../../src/testing/manual-clock.ts';

function watching() {
  const clock = createManualClock(1_750_000_000_000);
  const told: LogFields[] = [];
  const watch = new PartitionWatch({
    topic: 'orders',
    clock,
    logger: { ...silentLogger, warn: (fields: LogFields) => void told.push(fields) },
    log: { openTransactionIn: async () => ({ producerId: '4711', lastWriteMs: 1_750_000_000_000 }) },
  });
  const seen = async (afterMs: number, more: Partial<PartitionOffsets>) => {
    clock.advance(afterMs);
    await watch.observe([
      { partition: 0, earliest: 0, latest: 5 },
      { partition: 1, earliest: 0, latest: 7, ...more },
    ]);
  };
  return { told, seen };
}

test('records that wait behind one open transaction for ten seconds are told of once, and once when it is over', async () => {
  const { told, seen } = watching();
  await seen(0, { end: 508 });
  await seen(9_999, { end: 508 });
  assert.deepEqual(told, []);
  await seen(1, { end: 508 });
  await seen(60_000, { end: 600 });
  assert.deepEqual(told, [
    {
      operation: 'open-transaction',
      topic: 'orders',
      partition: 1,
      offset: 7,
      waiting: 501,
      producerId: '4711',
      lastWrite: '2025-06-15T15:06:40.000Z',
    },
  ]);
  await seen(1_000, { latest: 600 });
  await seen(1_000, { latest: 600 });
  assert.deepEqual(told.slice(1), [{ operation: 'open-transaction', topic: 'orders', partition: 1 }]);
});

test('one transaction after the other holds nobody up, and is not told of', async () => {
  const { told, seen } = watching();
  for (let latest = 10; latest < 40; latest += 1) await seen(9_000, { latest, end: latest + 3 });
  assert.deepEqual(told, []);
});

test('a partition that cannot be read for five seconds is named once with the reason, and once when it is back', async () => {
  const { told, seen } = watching();
  const unavailable = 'partition 1 of topic orders has no leader (LEADER_NOT_AVAILABLE)';
  await seen(0, { unavailable });
  await seen(4_999, { unavailable });
  assert.deepEqual(told, []);
  await seen(1, { unavailable });
  await seen(60_000, { unavailable });
  await seen(1_000, {});
  assert.deepEqual(told, [
    { operation: 'unavailable-partition', topic: 'orders', partition: 1, reason: unavailable },
    { operation: 'unavailable-partition', topic: 'orders', partition: 1 },
  ]);
});
