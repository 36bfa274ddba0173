/** The cases of Apache Spark's StreamingAggregationSuite, as event-time-watermark.test.ts has those of its suite. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desc } from '../../src/stream/frame/order.ts';
import { approxCountDistinct, count, last, max, sum } from '../../src/plan/measure.ts';
import { window } from '../../src/plan/window.ts';
import {
  addData,
  assertOnQuery,
  checkAnswer,
  checkNewAnswer,
  crash,
  expectFailure,
  processAllAvailable,
  restart,
  stop,
  testStream,
} from '../../src/testing/index.ts';
import { numbers, numbersOf, startAndCount, words, wordsOf } from './numbers.ts';

function countsOf() {
  const { session, input, stream } = numbersOf();
  const counts = stream.groupBy('value').agg({ events: count() });
  const select = (row: { value: number; events: bigint | null }): number[] => [row.value, Number(row.events)];
  return { input, counts, stream, options: { session, select } };
}

test('StreamingAggregationSuite: simple count, update mode', async () => {
  const { input, counts, options } = countsOf();
  await testStream(
    counts,
    { ...options, outputMode: 'update' },
    addData(input, numbers(3)),
    checkNewAnswer([[3, 1]]),
    addData(input, numbers(3, 2)),
    checkNewAnswer([
      [3, 2],
      [2, 1],
    ]),
    stop(),
    restart(),
    addData(input, numbers(3, 2, 1)),
    checkNewAnswer([
      [3, 3],
      [2, 2],
      [1, 1],
    ]),
    addData(input, numbers(4, 4, 4, 4)),
    checkNewAnswer([[4, 4]]),
  );
});

test('StreamingAggregationSuite: count distinct', async () => {
  // There by a set of the values; here by the estimate, which is exact for a few.
  const { session, input, stream } = wordsOf();
  await testStream(
    stream.groupBy('word').agg({ kinds: approxCountDistinct('value') }),
    { session, outputMode: 'update', select: ({ word, kinds }) => [word, kinds] },
    addData(input, [...words('a', 0, 1), ...words('a', 0, 2), ...words('a', 0, 2), ...words('b', 0, null)]),
    checkNewAnswer([
      ['a', 2n],
      ['b', 0n],
    ]),
    stop(),
    restart(),
    addData(input, [...words('a', 0, 2), ...words('a', 0, 3)]),
    checkNewAnswer([['a', 3n]]),
  );
});

test('StreamingAggregationSuite: simple count, complete mode', async () => {
  const { input, counts, options } = countsOf();
  await testStream(
    counts,
    { ...options, outputMode: 'complete' },
    addData(input, numbers(3)),
    checkNewAnswer([[3, 1]]),
    addData(input, numbers(2)),
    checkNewAnswer([
      [3, 1],
      [2, 1],
    ]),
    stop(),
    restart(),
    addData(input, numbers(3, 2, 1)),
    checkNewAnswer([
      [3, 2],
      [2, 2],
      [1, 1],
    ]),
    addData(input, numbers(4, 4, 4, 4)),
    checkNewAnswer([
      [4, 4],
      [3, 2],
      [2, 2],
      [1, 1],
    ]),
  );
});

test('StreamingAggregationSuite: simple count, append mode', async () => {
  const { counts, options } = countsOf();
  await testStream(counts, options, expectFailure(/append needs a window, and result has none/));
});

test('StreamingAggregationSuite: sort after aggregate in complete mode', async () => {
  // Differs: "sorting a stream". There the stream is sorted, in complete mode alone; here the rows of a batch are, in its handler.
  const { input, counts, options } = countsOf();
  const sorted: number[][][] = [];
  const isThen = (...rows: number[][]) => [
    processAllAvailable(),
    assertOnQuery(() => assert.deepEqual(sorted.at(-1), rows), `sorted is ${JSON.stringify(rows)}`),
  ];
  await testStream(
    counts,
    {
      ...options,
      outputMode: 'complete',
      configure: (writer) =>
        writer.foreachBatch((batch) => {
          sorted.push(
            batch
              .orderBy(desc('events'), 'value')
              .toRows()
              .map((row) => options.select(row)),
          );
        }),
    },
    addData(input, numbers(3)),
    ...isThen([3, 1]),
    addData(input, numbers(2, 3)),
    ...isThen([3, 2], [2, 1]),
    stop(),
    restart(),
    addData(input, numbers(3, 2, 1)),
    ...isThen([3, 3], [2, 2], [1, 1]),
    addData(input, numbers(4, 4, 4, 4)),
    ...isThen([4, 4], [3, 3], [2, 2], [1, 1]),
  );
});

test('StreamingAggregationSuite: multiple keys', async () => {
  const { session, input, stream } = numbersOf();
  await testStream(
    stream.groupBy(({ value }) => [value.alias('key'), value.plus(1).alias('next')]).agg({ events: count() }),
    {
      session,
      outputMode: 'update',
      select: ({ key, next, events }) => [key, next, Number(events)].join(' '),
    },
    addData(input, numbers(1, 2)),
    checkNewAnswer(['1 2 1', '2 3 1']),
    addData(input, numbers(1, 2)),
    checkNewAnswer(['1 2 2', '2 3 2']),
  );
});

test('StreamingAggregationSuite: midbatch failure', async () => {
  const { input, counts, options } = countsOf();
  let isFirst = true;
  const configure: Parameters<typeof testStream<typeof counts.schema, number[]>>[1]['configure'] = (writer) =>
    writer.foreachBatch(() => {
      if (isFirst) {
        isFirst = false;
        throw new Error('injected failure');
      }
    });
  await testStream(
    counts,
    { ...options, outputMode: 'update', configure },
    addData(input, numbers(1, 2, 3, 4)),
    expectFailure(/injected failure/),
    restart(),
    checkNewAnswer([
      [1, 1],
      [2, 1],
      [3, 1],
      [4, 1],
    ]),
  );
});

test('StreamingAggregationSuite: typed aggregators', async () => {
  const { session, input, stream } = wordsOf();
  await testStream(
    stream.groupBy('word').agg({ total: sum('value') }),
    { session, outputMode: 'update', select: ({ word, total }) => [word, total] },
    addData(
      input,
      [10, 20].flatMap((value) => words('a', 0, value)),
    ),
    addData(input, [...words('b', 0, 1), ...words('b', 0, 2), ...words('c', 0, 1)]),
    checkNewAnswer([
      ['a', 30n],
      ['b', 3n],
      ['c', 1n],
    ]),
  );
});

test('StreamingAggregationSuite: SPARK-21977 a global count, with batches of nothing between', async () => {
  const { session, input, stream } = numbersOf();
  await testStream(
    stream.groupBy().agg({ events: count() }),
    { session, outputMode: 'complete', select: ({ events }) => events },
    addData(input, numbers(1)),
    checkAnswer([1n]),
    addData(input, []),
    // There a batch runs, with the same result; here nothing new is no batch.
    checkNewAnswer([]),
    checkAnswer([1n]),
    addData(input, numbers(2, 3)),
    checkAnswer([3n]),
  );
});

test('StreamingAggregationSuite: SPARK-21977 a restart under a global key', async () => {
  const { session, input, stream } = numbersOf();
  await testStream(
    stream.groupBy(({ value }) => [value.mod(1).alias('key')]).agg({ events: count() }),
    { session, outputMode: 'complete', select: ({ key, events }) => [Number(key), Number(events)] },
    addData(input, numbers(1)),
    checkAnswer([[0, 1]]),
    stop(),
    restart(),
    processAllAvailable(),
    addData(input, numbers(2, 3, 4)),
    checkAnswer([[0, 4]]),
  );
});

test('StreamingAggregationSuite: SPARK-22230: last should change with new batches', async () => {
  const { session, input, stream } = numbersOf();
  await testStream(
    stream.groupBy().agg({ end: last('value') }),
    { session, outputMode: 'update', select: ({ end }) => end },
    addData(input, numbers(1, 2, 3)),
    checkNewAnswer([3]),
    addData(input, numbers(4, 5, 6)),
    checkNewAnswer([6]),
    addData(input, []),
    checkNewAnswer([]),
    crash(),
    restart(),
    addData(input, numbers(0)),
    checkNewAnswer([0]),
  );
});

test('StreamingAggregationSuite: midbatch failure, after the sink had the batch', async () => {
  const { input, counts, options } = countsOf();
  await testStream(
    counts,
    { ...options, outputMode: 'update' },
    addData(input, numbers(1, 2)),
    crash(),
    restart(),
    addData(input, numbers(2)),
    // The batch of the crash comes first and as it was, then the new rows.
    checkAnswer(
      [
        [1, 1],
        [2, 1],
        [2, 2],
      ],
      { inOrder: true },
    ),
  );
});

test('DataFrameTimeWindowingSuite: sliding window grouping, with a start, as a stream', async () => {
  const { session, input, stream } = numbersOf();
  await testStream(
    stream
      .withWatermark('at', '0 seconds')
      .groupBy(({ at }) => [window(at, '10 seconds', '3 seconds', '2 seconds')])
      .agg({ events: count(), most: max('value') }),
    { session, outputMode: 'update', select: (row) => [...startAndCount(row), Number(row.most)] },
    addData(input, numbers(27, 34)),
    // 27 is in [20, 30), [23, 33) and [26, 36), and 34 in [26, 36), [29, 39) and [32, 42).
    checkNewAnswer([
      [20, 1, 27],
      [23, 1, 27],
      [26, 2, 34],
      [29, 1, 34],
      [32, 1, 34],
    ]),
  );
});
