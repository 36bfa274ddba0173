/**
 * The cases of Apache Spark's StreamingDeduplicationSuite and StreamingDeduplicationWithinWatermarkSuite, as
 * event-time-watermark.test.ts has those of its suite. There is one operation here, `dropDuplicatesWithinWatermark`: without a
 * watermark it remembers for ever, as `dropDuplicates` does there.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count, sum } from '../../src/plan/measure.ts';
import { window } from '../../src/plan/window.ts';
import {
  addData,
  checkAccounting,
  checkAnswer,
  checkNewAnswer,
  crash,
  restart,
  stop,
  testStream,
} from '../../src/testing/index.ts';
import { numbers, numbersOf, secondsOf, startAndCount, words, wordsOf } from './numbers.ts';

const FIVE_TIMES = Array.from({ length: 5 }, () => [10, 11, 12, 13, 14, 15]).flat();

function distinctNumbers(delay: '10 seconds' | '0 seconds' = '10 seconds') {
  const { session, input, stream } = numbersOf();
  const distinct = stream.withWatermark('at', delay).dropDuplicatesWithinWatermark('at');
  const select = ({ value }: { readonly value: number }) => value;
  return { input, distinct, session, options: { session, select } };
}

/** Words with a value, each word once. */
function distinctWords() {
  const { session, input, stream } = wordsOf();
  const distinct = stream.dropDuplicatesWithinWatermark('word');
  const select = ({ word, value }: { readonly word: string; readonly value: number | null }) =>
    `${word} ${String(value)}`;
  return { session, input, distinct, options: { session, select } };
}

test('StreamingDeduplicationSuite: deduplicate with all columns', async () => {
  const { session, input, stream } = wordsOf();
  await testStream(
    stream.dropDuplicatesWithinWatermark('word', 'at', 'value'),
    { session, select: ({ word }) => word },
    addData(input, words('a', 0)),
    checkNewAnswer(['a']),
    addData(input, words('a', 0)),
    checkNewAnswer([]),
    checkAccounting({ accepted: 1, duplicate: 1 }),
    addData(input, words('b', 0)),
    checkNewAnswer(['b']),
  );
});

test('StreamingDeduplicationSuite: deduplicate with some columns', async () => {
  const { input, distinct, options } = distinctWords();
  await testStream(
    distinct,
    options,
    addData(input, words('a', 0, 1)),
    checkNewAnswer(['a 1']),
    addData(input, words('a', 0, 2)),
    checkNewAnswer([]),
    // Differs: "the same id, another content". Dropped there; here a conflict among the invalid events.
    checkAccounting({ accepted: 1, duplicate: 0, invalid: 1 }),
    addData(input, words('b', 0, 1)),
    checkNewAnswer(['b 1']),
  );
});

test('StreamingDeduplicationSuite: multiple deduplicates', () => {
  // Differs: there one follows the other; here an event has one name.
  const { stream } = wordsOf();
  const once = stream.dropDuplicatesWithinWatermark('word');
  assert.throws(() => once.dropDuplicatesWithinWatermark('value'), { code: 'USAGE' });
});

test('StreamingDeduplicationSuite: SPARK-35896: metrics in StateOperatorProgress are output correctly', async () => {
  const { input, distinct, options } = distinctNumbers();
  await testStream(
    distinct,
    options,
    addData(input, numbers(...FIVE_TIMES)),
    checkAnswer([10, 11, 12, 13, 14, 15]),
    checkAccounting({ read: 30, accepted: 6, duplicate: 24, late: 0 }),
    addData(input, numbers(25)),
    checkNewAnswer([25]),
    addData(input, numbers(10)),
    checkNewAnswer([]),
    // Differs: "a repeat that is also late". There it counts as dropped by the watermark; here it is a duplicate still.
    checkAccounting({ read: 32, accepted: 7, duplicate: 25, late: 0 }),
  );
});

test('StreamingDeduplicationSuite: deduplicate with watermark', async () => {
  const { input, distinct, options } = distinctNumbers();
  await testStream(
    distinct,
    options,
    addData(input, numbers(...FIVE_TIMES)),
    checkAnswer([10, 11, 12, 13, 14, 15]),
    addData(input, numbers(25)),
    checkNewAnswer([25]),
    addData(input, numbers(10)),
    checkNewAnswer([]),
    addData(input, numbers(45)),
    checkNewAnswer([45]),
    // Its id has stopped counting: late now, and not a duplicate.
    addData(input, numbers(10)),
    checkNewAnswer([]),
    checkAccounting({ accepted: 8, duplicate: 25, late: 1 }),
  );
});

test('StreamingDeduplicationSuite: deduplicate with aggregate - append mode', async () => {
  const { input, distinct, session } = distinctNumbers();
  await testStream(
    distinct.groupBy(({ at }) => [window(at, '5 seconds')]).agg({ events: count() }),
    { session, select: startAndCount },
    addData(input, numbers(...FIVE_TIMES)),
    checkNewAnswer([]),
    addData(input, numbers(25)),
    checkNewAnswer([[10, 5]]),
    addData(input, numbers(10)),
    checkNewAnswer([]),
    addData(input, numbers(40)),
    checkNewAnswer([
      [15, 1],
      [25, 1],
    ]),
  );
});

for (const outputMode of ['update', 'complete'] as const) {
  test(`StreamingDeduplicationSuite: deduplicate with aggregate - ${outputMode} mode`, async () => {
    const { session, input, stream } = wordsOf();
    const isComplete = outputMode === 'complete';
    const a = (total: bigint): (string | bigint | null)[] => ['a', total];
    await testStream(
      stream
        .dropDuplicatesWithinWatermark('word', 'value')
        .groupBy('word')
        .agg({ total: sum('value') }),
      { session, outputMode, select: ({ word, total }) => [word, total] },
      addData(input, words('a', 0, 1)),
      checkNewAnswer([a(1n)]),
      addData(input, words('a', 0, 1)),
      checkNewAnswer(isComplete ? [a(1n)] : []),
      addData(input, words('a', 0, 2)),
      checkNewAnswer([a(3n)]),
      addData(input, words('b', 0, 1)),
      checkNewAnswer(isComplete ? [a(3n), ['b', 1n]] : [['b', 1n]]),
    );
  });
}

test('StreamingDeduplicationSuite: SPARK-19841: watermarkPredicate should filter based on keys', async () => {
  const { session, input, stream } = wordsOf();
  await testStream(
    stream.withWatermark('at', '1 second').dropDuplicatesWithinWatermark('word', 'at'),
    { session, select: ({ word }) => word },
    addData(input, [...words('1', 1), ...words('1', 1), ...words('2', 1)]),
    checkAnswer(['1', '2']),
    addData(input, [...words('1', 1), ...words('3', 2), ...words('4', 2)]),
    checkNewAnswer(['3', '4']),
    // On time, since the bound is 1: there the watermark is 1 too, and what is not above it is dropped.
    addData(input, [...words('0', 1), ...words('1', 1), ...words('5', 3), ...words('6', 3)]),
    checkNewAnswer(['0', '5', '6']),
    addData(input, [...words('0', 1), ...words('7', 4)]),
    checkNewAnswer(['7']),
    checkAccounting({ duplicate: 4, late: 0 }),
  );
});

test("StreamingDeduplicationSuite: SPARK-21546: dropDuplicates should ignore watermark when it's not a key", async () => {
  const { session, input, stream } = wordsOf();
  await testStream(
    stream.withWatermark('at', '1 second').dropDuplicatesWithinWatermark('word'),
    { session, select: ({ word, at }) => `${word} ${secondsOf(at)}` },
    addData(input, [...words('1', 1), ...words('1', 2), ...words('2', 2)]),
    checkAnswer(['1 1', '2 2']),
    // Differs: "the same id, another content": the time is a part of it.
    checkAccounting({ invalid: 1, duplicate: 0 }),
  );
});

test('StreamingDeduplicationSuite: SPARK-35880: custom metric numDroppedDuplicateRows in state operator progress', async () => {
  const { input, distinct, options } = distinctNumbers();
  await testStream(
    distinct,
    options,
    addData(input, numbers(...FIVE_TIMES)),
    checkAnswer([10, 11, 12, 13, 14, 15]),
    checkAccounting({ duplicate: 24 }),
    addData(input, numbers(14)),
    checkNewAnswer([]),
    checkAccounting({ duplicate: 25 }),
    addData(input, numbers(25)),
    checkNewAnswer([25]),
    addData(input, numbers(26, 26)),
    checkNewAnswer([26]),
    checkAccounting({ duplicate: 26, late: 0 }),
  );
});

test('beside StreamingDeduplicationSuite: ids are remembered over a stop and a crash', async () => {
  const { input, distinct, options } = distinctWords();
  await testStream(
    distinct,
    options,
    addData(input, words('a b', 0, 1)),
    checkNewAnswer(['a 1', 'b 1']),
    stop(),
    restart(),
    addData(input, words('a c', 0, 1)),
    crash(),
    restart(),
    checkNewAnswer(['c 1']),
    addData(input, words('a b c d', 0, 1)),
    checkNewAnswer(['d 1']),
    checkAccounting({ read: 8, accepted: 4, duplicate: 4 }),
  );
});

test('StreamingDeduplicationWithinWatermarkSuite: deduplicate without event time column should result in error', async () => {
  // Differs: "duplicates without a watermark". Refused there; here ids are remembered for ever.
  const { input, distinct, options } = distinctWords();
  await testStream(
    distinct,
    options,
    addData(input, words('a', 1_000_000_000)),
    addData(input, words('a b', 0)),
    checkAnswer(['a null', 'b null']),
    checkAccounting({ late: 0 }),
  );
});

test('StreamingDeduplicationWithinWatermarkSuite: deduplicate with all columns with event time column in DataFrame', async () => {
  const { input, distinct, options } = distinctNumbers();
  await testStream(
    distinct,
    options,
    addData(input, numbers(...FIVE_TIMES)),
    checkAnswer([10, 11, 12, 13, 14, 15]),
    addData(input, numbers(13, 14, 15, 16, 17)),
    checkNewAnswer([16, 17]),
    addData(input, numbers(5)),
    checkNewAnswer([]),
    checkAccounting({ late: 1 }),
    addData(input, numbers(35)),
    checkNewAnswer([35]),
    addData(input, numbers(55)),
    checkNewAnswer([55]),
  );
});

test('StreamingDeduplicationWithinWatermarkSuite: deduplicate with subset of columns which event time column is not in subset', async () => {
  const { session, input, stream } = wordsOf();
  await testStream(
    stream.withWatermark('at', '2 seconds').dropDuplicatesWithinWatermark('word'),
    { session, select: ({ word, at }) => `${word} ${secondsOf(at)}` },
    addData(input, words('a', 17)),
    checkNewAnswer(['a 17']),
    addData(input, words('a', 16)),
    checkNewAnswer([]),
    // Differs: "the same id, another content", and what is known is looked at before what is late.
    addData(input, words('a', 13)),
    checkNewAnswer([]),
    checkAccounting({ invalid: 2, late: 0 }),
    addData(input, [...words('b', 22), ...words('c', 21)]),
    checkNewAnswer(['b 22', 'c 21']),
    // The id of 17 counts up to 19, and the bound is 20: a new event under the old id.
    addData(input, words('a', 21)),
    checkNewAnswer(['a 21']),
    addData(input, words('d', 25)),
    checkNewAnswer(['d 25']),
    checkAccounting({ accepted: 5, invalid: 2 }),
  );
});

test('StreamingDeduplicationWithinWatermarkSuite: an id within one batch stops counting with the watermark', async () => {
  // Differs: "ids within a batch". There ids go between batches, so the second a of the one batch is a duplicate.
  const { session, input, stream } = wordsOf();
  await testStream(
    stream.withWatermark('at', '2 seconds').dropDuplicatesWithinWatermark('word'),
    { session, select: ({ word, at }) => `${word} ${secondsOf(at)}` },
    addData(input, [...words('a', 17), ...words('b', 22), ...words('a', 21)]),
    checkAnswer(['a 17', 'b 22', 'a 21']),
  );
});

test('StreamingDeduplicationWithinWatermarkSuite: SPARK-50492: drop event time column after dropDuplicatesWithinWatermark', async () => {
  const { session, input, stream } = wordsOf();
  await testStream(
    stream.withWatermark('at', '10 seconds').dropDuplicatesWithinWatermark('word').select('word'),
    { session },
    addData(input, words('two two', 1)),
    checkAnswer([{ word: 'two' }]),
  );
});
