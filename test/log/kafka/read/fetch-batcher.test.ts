import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FetchChannel, ReceivedPartition } from '../../../../src/log/kafka/cluster/fetch-channel.ts';
import { FETCH_BYTES_MAX } from '../../../../src/log/kafka/wire/fetch.ts';
import { Fetcher, type FetchedPart } from '../../../../src/log/kafka/read/fetch-batcher.ts';
import { Throttles } from '../../../../src/log/kafka/cluster/throttle.ts';
import { createManualClock } from '../../../../src/testing/manual-clock.ts';

const TOPIC_ID = '00000000-0000-4000-8000-000000000001';

/** A leader whose answers have room for so many partitions; it notes which were asked for, in order, and the bounds. */
function leader(roomFor: number) {
  const asked: number[][] = [];
  const bytesMax: (readonly [ofAnswer: number, ofPartition: number])[] = [];
  const channel: FetchChannel = {
    cut: () => undefined,
    fetch: async ({ positions, ...bounds }) => {
      asked.push(positions.map(({ partition }) => partition));
      bytesMax.push([bounds.bytesMax, bounds.partitionBytesMax]);
      await new Promise((resolve) => setImmediate(resolve));
      const partitions = positions.map(({ partition }, index): ReceivedPartition => {
        const block = Buffer.alloc(index < roomFor ? 1 : 0);
        const offsets = { highWatermark: 10, lastStableOffset: 10, logStartOffset: 0 };
        return { partition, code: 0, ...offsets, block, aborted: [], release: () => undefined };
      });
      return { code: 0, throttleMs: 0, partitions };
    },
  };
  return { channel, asked, bytesMax };
}

function want(
  fetcher: Fetcher,
  channel: FetchChannel,
  partition: number,
  order: number,
): Promise<FetchedPart> {
  return fetcher.fetch(channel, { topicId: TOPIC_ID, partition, offset: 0, order });
}

test('what is wanted in one turn goes into one fetch, in the order of the ranges', async () => {
  const { channel, asked } = leader(9);
  const fetcher = new Fetcher(new Throttles(createManualClock(0)));
  const orders = [3, 1, 2, 0];
  const parts = await Promise.all(orders.map((order, partition) => want(fetcher, channel, partition, order)));
  assert.deepEqual(asked, [[3, 1, 2, 0]]);
  assert.deepEqual(
    parts.map(({ part }) => part.partition),
    [0, 1, 2, 3],
  );
});

test('an answer has room for every partition of its fetch, and one alone has all of it', async () => {
  const { channel, bytesMax } = leader(9);
  const fetcher = new Fetcher(new Throttles(createManualClock(0)));
  await Promise.all([0, 1, 2, 3].map((partition) => want(fetcher, channel, partition, partition)));
  await want(fetcher, channel, 0, 4);
  assert.deepEqual(bytesMax, [
    [FETCH_BYTES_MAX, FETCH_BYTES_MAX / 4],
    [FETCH_BYTES_MAX, FETCH_BYTES_MAX],
  ]);
});

test('a partition that others left no room for is asked for again, and one alone that has nothing is answered', async () => {
  const full = leader(1);
  const fetcher = new Fetcher(new Throttles(createManualClock(0)));
  await Promise.all([0, 1, 2].map((partition) => want(fetcher, full.channel, partition, partition)));
  assert.deepEqual(full.asked, [[0, 1, 2], [1, 2], [2]]);
  const empty = leader(0);
  const parts = await Promise.all(
    [0, 1].map((partition) => want(fetcher, empty.channel, partition, partition)),
  );
  assert.deepEqual(empty.asked, [[0, 1]]);
  assert.ok(parts.every(({ part }) => part.block.length === 0));
});

test('one fetch is under way at a time; what comes meanwhile shares the next, and a partition is in it once', async () => {
  const { channel, asked } = leader(9);
  const fetcher = new Fetcher(new Throttles(createManualClock(0)));
  const first = want(fetcher, channel, 0, 0);
  await Promise.resolve();
  await new Promise((resolve) => process.nextTick(resolve));
  const more = [want(fetcher, channel, 0, 1), want(fetcher, channel, 0, 2), want(fetcher, channel, 1, 3)];
  await Promise.all([first, ...more]);
  assert.deepEqual(asked, [[0], [0, 1], [0]]);
});

test('an answer without the partition passes, and a fetch that fails fails everybody in it', async () => {
  const fetcher = new Fetcher(new Throttles(createManualClock(0)));
  const { channel } = leader(9);
  const silent: FetchChannel = {
    ...channel,
    fetch: () => Promise.resolve({ code: 0, throttleMs: 0, partitions: [] }),
  };
  await assert.rejects(want(fetcher, silent, 0, 0), { name: 'BrokerFault' });
  const broken: FetchChannel = { ...channel, fetch: () => Promise.reject(new Error('away')) };
  const both = await Promise.allSettled([want(fetcher, broken, 0, 0), want(fetcher, broken, 1, 1)]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
});
