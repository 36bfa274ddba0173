/** Cases of Apache Spark's StreamSuite and of suites beside it, as event-time-watermark.test.ts has those of its suite. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count } from '../../src/plan/measure.ts';
import {
  addBytes,
  addData,
  assertOnQuery,
  checkAccounting,
  checkAnswer,
  checkNewAnswer,
  crash,
  restart,
  stop,
  testStream,
} from '../../src/testing/index.ts';
import { numbers, numbersOf } from './numbers.ts';

test('StreamSuite: map with recovery', async () => {
  const { session, input, stream } = numbersOf();
  await testStream(
    stream.withColumn('next', ({ value }) => value.plus(1)),
    { session, select: ({ next }) => Number(next) },
    addData(input, numbers(1, 2, 3)),
    checkAnswer([2, 3, 4]),
    stop(),
    addData(input, numbers(4, 5, 6)),
    restart(),
    checkAnswer([2, 3, 4, 5, 6, 7], { inOrder: true }),
  );
});

test('StreamSuite: sql queries', async () => {
  const { session, input, stream } = numbersOf();
  await testStream(
    stream.filter(({ value }) => value.mod(2).eq(0)),
    { session, select: ({ value }) => value },
    addData(input, numbers(1, 2, 3, 4)),
    checkAnswer([2, 4]),
    checkAccounting({ accepted: 4 }),
  );
});

test('StreamSuite: aggregation', async () => {
  const { session, input, stream } = numbersOf();
  await testStream(
    stream.groupBy('value').agg({ events: count() }),
    { session, outputMode: 'complete', select: ({ value, events }) => [value, Number(events)] },
    addData(input, numbers(3)),
    checkAnswer([[3, 1]]),
    addData(input, numbers(3, 2)),
    checkAnswer([
      [3, 2],
      [2, 1],
    ]),
    addData(input, numbers(3, 2, 1)),
    checkAnswer([
      [3, 3],
      [2, 2],
      [1, 1],
    ]),
  );
});

test('StreamingQuerySuite: OneTime trigger, commit log, and exception', async () => {
  const { session, input, stream } = numbersOf();
  await testStream(
    stream,
    { session, select: ({ value }) => value },
    addData(input, numbers(1, 2, 3)),
    crash('before the sink'),
    // The plan is durable: the batch is carried out with its own range, and what came since is the next batch.
    addData(input, numbers(4)),
    restart(),
    checkAnswer([1, 2, 3, 4], { inOrder: true }),
    assertOnQuery(({ recentProgress }) =>
      assert.deepEqual(
        recentProgress.map(({ batchId, numInputRows }) => [batchId, numInputRows]),
        [
          [0, 3],
          [1, 1],
        ],
      ),
    ),
  );
});

test('JsonFunctionsSuite: from_json invalid json, as a stream', async () => {
  // Differs: "malformed JSON". There a row of nulls by default; here a dead letter.
  const { session, input, stream } = numbersOf();
  await testStream(
    stream,
    { session, select: ({ value }) => value },
    addBytes(input, ['{"value":1,', '[]', '{"value":"1","at":"1970-01-01T00:00:00Z"}']),
    addData(input, numbers(2)),
    checkAnswer([2]),
    checkAccounting({ read: 4, accepted: 1, invalid: 3 }),
  );
});

test('KafkaMicroBatchSourceSuite: maxOffsetsPerTrigger', async () => {
  // Differs: "trigger and limit". There the rest waits for the next trigger; here it is read at once.
  const { session, input, stream } = numbersOf();
  await testStream(
    stream,
    {
      session,
      select: ({ value }) => value,
      configure: (writer) => writer.option('maxOffsetsPerTrigger', 2),
    },
    addData(input, numbers(1, 2, 3, 4, 5)),
    checkNewAnswer([1, 2, 3, 4, 5], { inOrder: true }),
    assertOnQuery(({ recentProgress }) =>
      assert.deepEqual(
        recentProgress.map(({ numInputRows }) => numInputRows),
        [2, 2, 1],
      ),
    ),
  );
});
