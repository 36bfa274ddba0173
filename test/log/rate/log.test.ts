/** The rate source: which rows there are, when, and in what bytes; and that a range is the same whenever it is read. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Log } from '../../../src/contracts/log.ts';
import { rowsAfter, secondOf, type RateShape } from '../../../src/log/rate/rows.ts';
import { createRateLog, parseRateTopicId, type RateLogOptions } from '../../../src/log/rate/log.ts';
import { createManualClock } from '../../../src/testing/manual-clock.ts';
import { plainRecords, readChunks, readPartition, readRecords } from '../../contract/log/log-records.ts';
import { hasCode } from '../../contract/log/log-under-test.ts';

const START_MS = Date.UTC(2025, 5, 26, 23, 59, 57, 250);
const never = () => new AbortController().signal;

function rateAt(elapsedMs: number, options: Partial<RateLogOptions> = {}) {
  const clock = createManualClock((options.startMs ?? START_MS) + elapsedMs);
  return { clock, log: createRateLog({ clock, startMs: START_MS, ...options }) };
}

async function latestOf(log: Log): Promise<number[]> {
  return (await log.offsets('rate')).map(({ latest }) => latest);
}

describe('the rows of the rate source', () => {
  test('are as many as Spark has after each second of a ramp', async () => {
    const counts = [];
    for (let second = 0; second <= 6; second += 1) {
      const { log } = rateAt(second * 1000, { rowsPerSecond: 10, rampUpMs: 4_999 });
      counts.push((await latestOf(log))[0]);
    }
    // The example in Spark's RateStreamProvider.valueAtSecond.
    assert.deepEqual(counts, [0, 2, 6, 12, 20, 30, 40]);
  });

  test('of a second come together when it has ended', async () => {
    const { clock, log } = rateAt(0, { rowsPerSecond: 5 });
    clock.advance(999);
    assert.deepEqual(await latestOf(log), [0]);
    clock.advance(1);
    assert.deepEqual(await latestOf(log), [5]);
    clock.advance(1_500);
    assert.deepEqual(await latestOf(log), [10]);
  });

  test('are JSON with the time, spread over the second and across midnight, and the value', async () => {
    const { log } = rateAt(4_000, { rowsPerSecond: 3 });
    const records = await readPartition(log, 'rate', 0);
    assert.deepEqual(
      records.map(({ value }) => value),
      [
        '{"timestamp":"2025-06-26T23:59:57.250Z","value":0}',
        '{"timestamp":"2025-06-26T23:59:57.583Z","value":1}',
        '{"timestamp":"2025-06-26T23:59:57.917Z","value":2}',
        '{"timestamp":"2025-06-26T23:59:58.250Z","value":3}',
        '{"timestamp":"2025-06-26T23:59:58.583Z","value":4}',
        '{"timestamp":"2025-06-26T23:59:58.917Z","value":5}',
        '{"timestamp":"2025-06-26T23:59:59.250Z","value":6}',
        '{"timestamp":"2025-06-26T23:59:59.583Z","value":7}',
        '{"timestamp":"2025-06-26T23:59:59.917Z","value":8}',
        '{"timestamp":"2025-06-27T00:00:00.250Z","value":9}',
        '{"timestamp":"2025-06-27T00:00:00.583Z","value":10}',
        '{"timestamp":"2025-06-27T00:00:00.917Z","value":11}',
      ],
    );
    for (const { value, timestampMs, key } of records) {
      const { timestamp } = JSON.parse(value as string) as { timestamp: string };
      assert.equal(Date.parse(timestamp), timestampMs);
      assert.equal(key, null);
    }
  });

  test('skip the seconds of a ramp so slow that they have none', async () => {
    const { log } = rateAt(6_000, { rowsPerSecond: 2, rampUpMs: 4_000 });
    const times = (await readPartition(log, 'rate', 0)).map(({ timestampMs }) => timestampMs - START_MS);
    assert.deepEqual(times, [4_000, 4_500, 5_000, 5_500]);
  });

  test('have the time of their second in every partition, also where it has none of the second before', async () => {
    // Of 2, 4, 6, 8 and 10 rows a second, partition 0 has every seventh, and so none of the second second.
    const { log } = rateAt(5_000, { rowsPerSecond: 10, rampUpMs: 4_000, numPartitions: 7 });
    const times = (await readPartition(log, 'rate', 0)).map(({ timestampMs }) => timestampMs - START_MS);
    assert.deepEqual(times, [0, 2_167, 3_250, 4_100, 4_800]);
  });

  test('are dealt out to partitions in turn', async () => {
    const { log } = rateAt(2_000, { rowsPerSecond: 4, numPartitions: 3 });
    assert.deepEqual(await latestOf(log), [3, 3, 2]);
    const values = await Promise.all(
      [0, 1, 2].map(async (partition) =>
        (await readPartition(log, 'rate', partition)).map(({ value }) => valueOf(value)),
      ),
    );
    assert.deepEqual(values, [
      [0, 3, 6],
      [1, 4, 7],
      [2, 5],
    ]);
  });

  test('are exact to the last one that can be numbered, and refused beyond', async () => {
    const rowsPerSecond = 10_000_000;
    const seconds = Math.floor(Number.MAX_SAFE_INTEGER / rowsPerSecond);
    const { clock, log } = rateAt(seconds * 1000, { startMs: 0, rowsPerSecond });
    const end = seconds * rowsPerSecond;
    assert.deepEqual(await latestOf(log), [end]);
    const [record] = await readRecords(log, { topic: 'rate', partition: 0, start: end - 1, end });
    assert.equal(valueOf(record?.value), end - 1);
    clock.advance(1000);
    await assert.rejects(log.offsets('rate'), hasCode('CONFIG_INVALID', '2^53', '10000000 rows per second'));
  });

  test('come in chunks of bounded size that use their memory again', async () => {
    const { log } = rateAt(1_000, { rowsPerSecond: 20_000 });
    const counts: number[] = [];
    const buffers = new Set<unknown>();
    for await (const chunk of log.read({ topic: 'rate', partition: 0, start: 0, end: 20_000 })) {
      counts.push(chunk.count);
      assert.ok(chunk.bytes.length <= 1024 * 1024);
      buffers.add(chunk.bytes.buffer).add(chunk.offsets.buffer).add(chunk.valueStart.buffer);
    }
    assert.deepEqual(counts, [8192, 8192, 3616]);
    assert.equal(buffers.size, 3);
  });
});

const options = fc.record({
  rowsPerSecond: fc.integer({ min: 1, max: 300 }),
  numPartitions: fc.integer({ min: 1, max: 4 }),
  rampUpMs: fc.integer({ min: 0, max: 8_000 }),
  startMs: fc.integer({ min: 0, max: Date.UTC(9998, 0, 1) }),
});

describe('a range of the rate source', () => {
  test('is the same however it is cut, and from whichever log with its topic’s id', async () => {
    const property = fc.asyncProperty(
      options,
      fc.integer({ min: 0, max: 12_000 }),
      fc.array(fc.nat({ max: 1000 }), { maxLength: 6 }),
      async (chosen, elapsedMs, cuts) => {
        const { log } = rateAt(elapsedMs, chosen);
        const described = await log.describeTopic('rate');
        const again = parseRateTopicId(described?.id ?? '');
        const { log: later } = rateAt(elapsedMs + 5_000, again);
        let values: number[] = [];
        for (const { partition, latest } of await log.offsets('rate')) {
          const whole = await readPartition(log, 'rate', partition);
          assert.equal(whole.length, latest);
          const bounds = [0, ...cuts.map((cut) => Math.round((cut / 1000) * latest)), latest];
          const edges = bounds.toSorted((left, right) => left - right);
          const parts = [];
          for (const [index, start] of edges.slice(0, -1).entries()) {
            const end = edges[index + 1] as number;
            parts.push(...(await readRecords(later, { topic: 'rate', partition, start, end })));
          }
          assert.deepEqual(parts, whole);
          values = values.concat(whole.map(({ value }) => valueOf(value)));
          for (const [index, { timestampMs }] of whole.entries())
            assert.ok(index === 0 || timestampMs >= (whole[index - 1]?.timestampMs as number));
        }
        values.sort((left, right) => left - right);
        assert.deepEqual(
          values,
          values.map((_, index) => index),
        );
      },
    );
    await fc.assert(property, { numRuns: 100 });
  });

  test('begins in the second that its first row belongs to', () => {
    const shapes = fc.record({
      startMs: fc.constant(0),
      rowsPerSecond: fc.integer({ min: 1, max: 10_000_000 }),
      rampUpSeconds: fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 31_536_000 })),
      partitions: fc.constant(1),
    });
    const property = fc.property(shapes, fc.nat({ max: 2 ** 45 }), (shape: RateShape, value) => {
      const second = secondOf(shape, value);
      assert.ok(rowsAfter(shape, second) <= value && value < rowsAfter(shape, second + 1));
    });
    fc.assert(property, { numRuns: 1000 });
  });
});

describe('the clock of the rate source', () => {
  test('that is set back takes no row back', async () => {
    let nowMs = START_MS + 3_000;
    const clock = { ...createManualClock(0), nowMs: () => nowMs };
    const log = createRateLog({ clock, startMs: START_MS, rowsPerSecond: 2 });
    assert.deepEqual(await latestOf(log), [6]);
    nowMs = START_MS;
    assert.deepEqual(await latestOf(log), [6]);
    assert.equal((await readPartition(log, 'rate', 0)).length, 6);
  });

  test('that was set back over a restart is no matter where the time reached is known', async () => {
    const { log } = rateAt(0, { rowsPerSecond: 2, reachedMs: START_MS + 3_000 });
    assert.equal((await readPartition(log, 'rate', 0)).length, 6);
    const { log: without } = rateAt(1_000, { rowsPerSecond: 2 });
    const range = { topic: 'rate', partition: 0, start: 4, end: 6 };
    await assert.rejects(readRecords(without, range), hasCode('LOG_CORRUPT', 'set back', 'Nothing is lost'));
  });

  test('that has not come to the start gives nothing yet', async () => {
    const { clock, log } = rateAt(-10_000);
    assert.deepEqual(await latestOf(log), [0]);
    clock.advance(11_000);
    assert.deepEqual(await latestOf(log), [1]);
  });

  test('wakes a reader when the next second has ended, and at the timeout', async () => {
    const { clock, log } = rateAt(300, { rowsPerSecond: 1000 });
    let woken: boolean | undefined;
    const known = await log.offsets('rate');
    void log.waitForRecords('rate', known, 60_000, never()).then((is) => (woken = is));
    await turns();
    assert.equal(clock.sleepers, 1);
    clock.advance(699);
    await turns();
    assert.equal(woken, undefined);
    clock.advance(1);
    await turns();
    assert.equal(woken, true);
    const waiting = log.waitForRecords('rate', await log.offsets('rate'), 500, never());
    await turns();
    clock.advance(500);
    assert.equal(await waiting, false);
  });
});

describe('the topic of the rate source', () => {
  test('has an id that carries the start and the options, so that another start is another topic', async () => {
    const id = async (over: Partial<RateLogOptions>) =>
      (await rateAt(0, over).log.describeTopic('rate'))?.id ?? '';
    const ids = [
      await id({}),
      await id({ startMs: START_MS + 1 }),
      await id({ rowsPerSecond: 2 }),
      await id({ numPartitions: 2 }),
      await id({ rampUpMs: 1000 }),
    ];
    assert.equal(new Set(ids).size, ids.length);
    const all = { startMs: 12, rowsPerSecond: 34, rampUpMs: 5_000, numPartitions: 6 };
    assert.equal(await id(all), 'rate:12:34:5:6');
    assert.deepEqual(parseRateTopicId('rate:12:34:5:6'), all);
    for (const other of ['', 'file:12', 'rate:1:2:3', 'rate:1:2:3:4:5', 'rate:-1:2:3:4'])
      assert.equal(parseRateTopicId(other), undefined);
  });

  test('refuses options out of their bounds', () => {
    for (const [option, value] of [
      ['startMs', 1.5],
      ['startMs', -1],
      ['rowsPerSecond', 0],
      ['rowsPerSecond', 10_000_001],
      ['numPartitions', 0],
      ['numPartitions', 1025],
      ['rampUpMs', -1],
    ] as const) {
      assert.throws(() => rateAt(0, { [option]: value }), hasCode('CONFIG_INVALID', option, String(value)));
    }
  });

  test('may have another name', async () => {
    const { log } = rateAt(2_000, { topic: 'ticks' });
    assert.equal((await readPartition(log, 'ticks', 0)).length, 2);
    await assert.rejects(log.offsets('rate'), hasCode('TOPIC_NOT_FOUND', 'ticks'));
  });
});

test('a chunk of the rate source has the columns of its rows', async () => {
  const { log } = rateAt(3_000, { rowsPerSecond: 3, numPartitions: 2 });
  const [chunk, ...others] = await readChunks(log, { topic: 'rate', partition: 1, start: 1, end: 4 });
  assert.deepEqual(others, []);
  assert.deepEqual(chunk && plainRecords(chunk).map(({ offset, value }) => [offset, valueOf(value)]), [
    [1, 3],
    [2, 5],
    [3, 7],
  ]);
});

function valueOf(text: string | null | undefined): number {
  return (JSON.parse(text ?? '') as { value: number }).value;
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
