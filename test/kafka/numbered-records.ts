/** Records that are numbers, delivered as the producer does it, and what a topic has of them afterwards. */
import assert from 'node:assert/strict';
import type { Log } from '../../src/contracts/log.ts';
import { deliver } from '../../src/producer/deliver.ts';
import { createRandom } from '../../src/producer/random.ts';
import { UNPACED } from '../../src/producer/token-bucket.ts';
import { systemClock } from '../../src/observe/system-clock.ts';
import { readPartition } from '../contract/log/log-records.ts';

const BATCH_RECORDS_MAX = 50;

/** Delivers the numbers below `records`, several appends at a time; `onQuarter` is called when a quarter is acknowledged. */
export async function deliverNumbers(
  log: Log,
  topic: string,
  options: {
    readonly records: number;
    /** Decides the partition; the remainder by 7 where left out. */
    readonly keyOf?: (record: number) => number;
    readonly onQuarter?: () => void;
  },
): Promise<void> {
  const { records: total, keyOf = (record) => record % 7, onQuarter } = options;
  const calm = new AbortController().signal;
  let given = 0;
  let acknowledged = 0;
  const summary = await deliver({
    log,
    topic,
    source: {
      pull: (recordsMax) => {
        const count = Math.min(recordsMax, total - given);
        const records = Array.from({ length: count }, (_, at) => ({
          key: Buffer.from(String(keyOf(given + at))),
          value: Buffer.from(String(given + at)),
        }));
        given += count;
        return Promise.resolve(records);
      },
      close: () => Promise.resolve(),
    },
    pace: UNPACED,
    clock: systemClock,
    random: createRandom(1),
    limits: { batchRecordsMax: BATCH_RECORDS_MAX },
    stop: calm,
    abort: calm,
    onAcknowledged: (records) => {
      const before = acknowledged;
      acknowledged += records.length;
      // By then the brokers know the producer, and a full window is under way.
      if (before < total / 4 && acknowledged >= total / 4) onQuarter?.();
    },
  });
  assert.deepEqual([summary.acknowledged, summary.unacknowledged], [total, 0]);
}

/** Asserts that the topic has every number below `records` once, and every partition its own in their order. */
export async function assertOnceInOrder(log: Log, topic: string, records: number): Promise<void> {
  const all: number[] = [];
  for (const { partition } of await log.offsets(topic)) {
    const values = (await readPartition(log, topic, partition)).map(({ value }) => Number(value));
    assert.deepEqual(
      values,
      values.toSorted((a, b) => a - b),
    );
    all.push(...values);
  }
  assert.deepEqual(
    all.toSorted((a, b) => a - b),
    Array.from({ length: records }, (_, at) => at),
  );
}
