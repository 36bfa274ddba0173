/**
 * The cases of Apache Spark's EventTimeWatermarkSuite, by their names there, with their inputs and results. Where ours is
 * another result by intention, the case shows ours and says which difference of docs/reference/differences-from-spark.md it is.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count, sum } from '../../src/plan/measure.ts';
import { sessionWindow } from '../../src/plan/session-window.ts';
import { window } from '../../src/plan/window.ts';
import type { StreamingQuery } from '../../src/stream/query.ts';
import {
  addData,
  assertOnQuery,
  checkAccounting,
  checkAnswer,
  checkNewAnswer,
  crash,
  expectFailure,
  processAllAvailable,
  restart,
  stop,
  testStream,
} from '../../src/testing/index.ts';
import {
  instant,
  numbers,
  numbersOf,
  spanAndSum,
  startAndCount,
  words,
  wordsOf,
  secondsOf,
} from './numbers.ts';

/** Windows of 5 seconds, counted, with a delay of 10 seconds. */
function windowCounts(options: Parameters<typeof numbersOf>[0] = {}) {
  const { session, input, stream } = numbersOf(options);
  const counts = stream
    .withWatermark('at', '10 seconds')
    .groupBy(({ at }) => [window(at, '5 seconds')])
    .agg({ events: count() });
  return { session, input, counts, options: { session, select: startAndCount } };
}

const watermarkIs = (seconds: number | null) =>
  assertOnQuery(
    ({ lastProgress }: StreamingQuery) =>
      assert.equal(lastProgress?.watermark, seconds === null ? null : instant(seconds)),
    `the last batch had the watermark ${String(seconds)}`,
  );

test('EventTimeWatermarkSuite: error on bad column', () => {
  const { stream } = numbersOf();
  // @ts-expect-error there is no such column
  assert.throws(() => stream.withWatermark('badColumn', '1 minute'), /there is no column "badColumn"/);
});

test('EventTimeWatermarkSuite: error on wrong type', async () => {
  const { stream } = numbersOf();
  // @ts-expect-error an int is no time: the compiler says so before anything runs
  const wrong = () => stream.withWatermark('value', '1 minute');
  assert.equal(typeof wrong, 'function');
});

test('EventTimeWatermarkSuite: event time and watermark metrics, without a watermark', async () => {
  const { session, input, stream } = numbersOf();
  await testStream(
    stream.groupBy(({ at }) => [window(at, '5 seconds')]).agg({ events: count() }),
    { session, outputMode: 'complete', select: startAndCount },
    addData(input, numbers(15)),
    checkAnswer([[15, 1]]),
    watermarkIs(null),
    addData(input, numbers(10, 12, 14)),
    checkAnswer([
      [10, 3],
      [15, 1],
    ]),
    watermarkIs(null),
  );
});

test('EventTimeWatermarkSuite: event time and watermark metrics, with a watermark', async () => {
  const { input, counts, options } = windowCounts();
  await testStream(
    counts,
    options,
    addData(input, numbers(15)),
    checkAnswer([]),
    // Spark says 1970-01-01 where there is no watermark yet; here it is null.
    watermarkIs(null),
    addData(input, numbers(10, 12, 14)),
    checkAnswer([]),
    watermarkIs(5),
    addData(input, numbers(25)),
    checkAnswer([[10, 3]]),
    // The batch without data that emitted the window; the one of 25 had 5, as there.
    watermarkIs(15),
    assertOnQuery(({ recentProgress }) => recentProgress.at(-2)?.watermark === instant(5)),
  );
});

test('EventTimeWatermarkSuite: event time and watermark metrics with Trigger.Once (SPARK-24699)', async () => {
  const { input, counts, options } = windowCounts();
  await testStream(
    counts,
    { ...options, trigger: { once: true } },
    addData(input, numbers(15)),
    checkNewAnswer([]),
    watermarkIs(null),
    restart(),
    addData(input, numbers(10, 12, 14)),
    checkNewAnswer([]),
    watermarkIs(5),
    restart(),
    addData(input, numbers(25)),
    checkNewAnswer([]),
    watermarkIs(5),
    restart(),
    addData(input, numbers(50)),
    checkNewAnswer([[10, 3]]),
    watermarkIs(15),
    restart(),
    addData(input, numbers(50)),
    checkNewAnswer([
      [15, 1],
      [25, 1],
    ]),
    watermarkIs(40),
  );
});

test('EventTimeWatermarkSuite: append mode', async () => {
  const { input, counts, options } = windowCounts();
  await testStream(
    counts,
    options,
    addData(input, numbers(10, 11, 12, 13, 14, 15)),
    checkNewAnswer([]),
    addData(input, numbers(25)),
    checkNewAnswer([[10, 5]]),
    addData(input, numbers(10)),
    checkNewAnswer([]),
    // Dropped there; here a dead letter, and counted as late.
    checkAccounting({ read: 8, accepted: 7, late: 1 }),
  );
});

test('EventTimeWatermarkSuite: append mode, input of one batch', async () => {
  // Differs: "late against what" and "the first batch". There nothing of a first batch is late, so 10 counts: [10, 2].
  const { input, counts, options } = windowCounts();
  await testStream(
    counts,
    options,
    addData(input, numbers(10, 25, 10, 40)),
    checkNewAnswer([
      [10, 1],
      [25, 1],
    ]),
    checkAccounting({ late: 1 }),
  );
});

test('EventTimeWatermarkSuite: append mode - session', async () => {
  const { session, input, stream } = wordsOf();
  const grouped = stream
    .withWatermark('at', '10 seconds')
    .groupBy(({ at }) => [sessionWindow(at, '5 seconds'), 'word'])
    .agg({ events: count(), total: sum('value') });
  const tens = (value: number) => words(String(Math.floor(value / 10)), value, value);
  await testStream(
    grouped,
    { session, select: (row) => [row.word, ...spanAndSum(row)] },
    addData(input, [...tens(10), ...tens(11)]),
    checkNewAnswer([]),
    addData(input, tens(17)),
    checkNewAnswer([]),
    addData(input, tens(25)),
    checkNewAnswer([]),
    addData(input, tens(35)),
    checkNewAnswer([
      ['1', 10, 16, 2, 21],
      ['1', 17, 22, 1, 17],
    ]),
    addData(input, tens(10)),
    checkNewAnswer([]),
    addData(input, tens(40)),
    checkNewAnswer([['2', 25, 30, 1, 25]]),
  );
});

test('EventTimeWatermarkSuite: append mode - session - no key', async () => {
  const { session, input, stream } = numbersOf();
  await testStream(
    stream
      .withWatermark('at', '10 seconds')
      .groupBy(({ at }) => [sessionWindow(at, '5 seconds')])
      .agg({ events: count(), total: sum('value') }),
    { session, select: spanAndSum },
    addData(input, numbers(10, 11)),
    checkNewAnswer([]),
    addData(input, numbers(17)),
    checkNewAnswer([]),
    addData(input, numbers(25)),
    checkNewAnswer([]),
    addData(input, numbers(35)),
    checkNewAnswer([
      [10, 16, 2, 21],
      [17, 22, 1, 17],
    ]),
    addData(input, numbers(10)),
    checkNewAnswer([]),
    addData(input, numbers(40)),
    checkNewAnswer([[25, 30, 1, 25]]),
    // Differs: "a gap of exactly the session's gap". There 35 and 40 are one session of [35, 45].
    addData(input, numbers(60)),
    checkNewAnswer([
      [35, 40, 1, 35],
      [40, 45, 1, 40],
    ]),
  );
});

test('EventTimeWatermarkSuite: update mode', async () => {
  const { input, counts, options } = windowCounts();
  await testStream(
    counts,
    { ...options, outputMode: 'update' },
    addData(input, numbers(10, 11, 12, 13, 14, 15)),
    checkNewAnswer([
      [10, 5],
      [15, 1],
    ]),
    addData(input, numbers(25)),
    checkNewAnswer([[25, 1]]),
    addData(input, numbers(10, 25)),
    checkNewAnswer([[25, 2]]),
    addData(input, numbers(10)),
    checkNewAnswer([]),
    checkAccounting({ late: 2 }),
  );
});

test('EventTimeWatermarkSuite: update mode, an event below the watermark whose window is open', async () => {
  // Differs: "late for a window". There 16 counts: [15, 2].
  const { input, counts, options } = windowCounts();
  await testStream(
    counts,
    { ...options, outputMode: 'update' },
    addData(input, numbers(15, 27)),
    checkNewAnswer([
      [15, 1],
      [25, 1],
    ]),
    addData(input, numbers(16)),
    checkNewAnswer([]),
    checkAccounting({ late: 1 }),
    addData(input, numbers(17)),
    checkNewAnswer([[15, 2]]),
  );
});

test('EventTimeWatermarkSuite: delay in months and years handled correctly', () => {
  // Differs: "durations". A month has no length here, so the delay is refused with the units that there are.
  const { stream } = numbersOf();
  assert.throws(
    () => stream.withWatermark('at', '2 years 5 months'),
    /"2 years 5 months" is no duration.*weeks/,
  );
});

test('EventTimeWatermarkSuite: recovery', async () => {
  const { input, counts, options } = windowCounts();
  await testStream(
    counts,
    options,
    addData(input, numbers(10, 11, 12, 13, 14, 15)),
    checkAnswer([]),
    addData(input, numbers(25)),
    // There the last commit is removed by hand; here the process ends before it is written.
    crash(),
    restart(),
    checkAnswer([[10, 5]]),
    stop(),
    restart(),
    addData(input, numbers(10, 27, 30)),
    checkNewAnswer([[15, 1]]),
    stop(),
    restart(),
    addData(input, numbers(17)),
    checkNewAnswer([]),
    addData(input, numbers(40)),
    checkNewAnswer([[25, 2]]),
    checkAccounting({ late: 2 }),
  );
});

test('EventTimeWatermarkSuite: watermark with 2 streams', async () => {
  // There the watermark is the least of the streams of a union; here the least of the partitions of the one source.
  const { input, counts, options } = windowCounts({ partitions: 2 });
  const left = (...values: number[]) => addData(input, numbers(...values), 0);
  const right = (...values: number[]) => addData(input, numbers(...values), 1);
  const isThen = (seconds: number | null) => [
    processAllAvailable(),
    left(1000),
    processAllAvailable(),
    watermarkIs(seconds),
  ];
  await testStream(
    counts,
    { ...options, outputMode: 'update' },
    left(1000),
    ...isThen(null),
    right(16),
    ...isThen(6),
    right(18),
    ...isThen(8),
    right(27, 38, 49),
    ...isThen(39),
    // An event that comes behind does not take it back.
    right(45),
    ...isThen(39),
    right(2000),
    ...isThen(990),
    stop(),
    restart(),
    ...isThen(990),
  );
});

test('EventTimeWatermarkSuite: complete mode', async () => {
  const { input, counts, options } = windowCounts();
  await testStream(
    counts,
    { ...options, outputMode: 'complete' },
    addData(input, numbers(10, 11, 12)),
    checkAnswer([[10, 3]]),
    addData(input, numbers(25)),
    checkAnswer([
      [10, 3],
      [25, 1],
    ]),
    addData(input, numbers(25)),
    checkAnswer([
      [10, 3],
      [25, 2],
    ]),
    // Differs: "late rows in complete mode". There the watermark is ignored, and 10 makes [10, 4].
    addData(input, numbers(10)),
    checkAnswer([
      [10, 3],
      [25, 2],
    ]),
    checkAccounting({ late: 1 }),
    addData(input, numbers(25)),
    checkAnswer([
      [10, 3],
      [25, 3],
    ]),
  );
});

test('EventTimeWatermarkSuite: group by on raw timestamp', async () => {
  // Differs: "append mode without a window". There the time itself is a key that ends with the watermark.
  const { session, input, stream } = numbersOf();
  const grouped = stream.withWatermark('at', '10 seconds').groupBy('at').agg({ events: count() });
  await testStream(grouped, { session }, addData(input, numbers(10)), expectFailure(/append needs a window/));
  await testStream(
    grouped,
    { session, outputMode: 'update', select: (row) => [secondsOf(row.at), row.events] },
    addData(input, numbers(25)),
    checkAnswer([
      [10, 1n],
      [25, 1n],
    ]),
  );
});

test('EventTimeWatermarkSuite: delay threshold should not be negative.', () => {
  const { stream } = numbersOf();
  for (const delay of ['-1 year', '1 year -13 months', '1 month -40 days', '-10 seconds'] as const) {
    assert.throws(() => stream.withWatermark('at', delay), { code: 'USAGE' }, delay);
  }
});

test('EventTimeWatermarkSuite: the new watermark should override the old one', () => {
  // Differs: "a second withWatermark". There the last one counts; here it is refused.
  const { stream } = numbersOf();
  const once = stream.withWatermark('at', '1 minute');
  assert.throws(() => once.withWatermark('at', '2 minutes'), /already has a watermark/);
});

test('EventTimeWatermarkSuite: test no-data flag', async () => {
  // There a setting turns batches without data off; here one comes exactly where a window is to be emitted.
  const { input, counts, options } = windowCounts();
  await testStream(
    counts,
    options,
    addData(input, numbers(10, 11, 12, 13, 14, 15)),
    checkNewAnswer([]),
    assertOnQuery(({ lastProgress }) => lastProgress?.batchId === 0),
    addData(input, numbers(25)),
    checkNewAnswer([[10, 5]]),
    assertOnQuery(({ lastProgress }) => lastProgress?.batchId === 2 && lastProgress.numInputRows === 0),
    // The watermark moves to 16, and no window ends by it: no batch more than the one of the data.
    addData(input, numbers(26)),
    checkNewAnswer([]),
    assertOnQuery(({ lastProgress }) => lastProgress?.batchId === 3),
  );
});

test('EventTimeWatermarkSuite: SPARK-27340 Alias on TimeWindow expression cause watermark metadata lost', async () => {
  const { session, input, stream } = numbersOf();
  await testStream(
    stream
      .withWatermark('at', '10 seconds')
      .groupBy(({ at }) => [window(at, '5 seconds').alias('span')])
      .agg({ events: count() }),
    { session, select: ({ span, events }) => [secondsOf(span.start), Number(events)] },
    addData(input, numbers(10, 11, 25)),
    checkAnswer([[10, 2]]),
  );
});
