/** The cases of Apache Spark's StreamingSessionWindowSuite, as event-time-watermark.test.ts has those of its suite. */
import { test } from 'node:test';
import { count, first, last, max, min, sum } from '../../src/plan/measure.ts';
import { sessionWindow } from '../../src/plan/session-window.ts';
import {
  addData,
  checkAccounting,
  checkAnswer,
  checkNewAnswer,
  crash,
  expectFailure,
  restart,
  testStream,
} from '../../src/testing/index.ts';
import { numbers, numbersOf, secondsOf, spanAndSum, words, wordsOf } from './numbers.ts';

/** Words in sessions with a gap of 10 seconds, and a delay of 30, as `word start end count`. */
function sessionsOf() {
  const { session, input, stream } = wordsOf();
  const sessions = stream
    .withWatermark('at', '30 seconds')
    .groupBy(({ at }) => [sessionWindow(at, '10 seconds'), 'word'])
    .agg({ events: count() });
  type Span = { readonly start: string | null; readonly end: string | null };
  const select = (row: {
    readonly session_window: Span;
    readonly word: string;
    readonly events: bigint | null;
  }): string => {
    const { start, end } = row.session_window;
    return `${row.word} ${secondsOf(start)} ${secondsOf(end)} ${String(row.events)}`;
  };
  return { input, sessions, stream, session, options: { session, select } };
}

const FIRST_LINES = [
  ...words('hello world spark streaming', 40),
  ...words('world hello structured streaming', 41),
];

const FIRST_SESSIONS = [
  'hello 40 51 2',
  'world 40 51 2',
  'streaming 40 51 2',
  'spark 40 50 1',
  'structured 41 51 1',
];

const CONCATENATED = [
  'spark 25 50 3',
  'streaming 25 51 4',
  'hello 40 51 2',
  'world 40 51 2',
  'structured 41 51 1',
];

const SIXTIES = ['hello 60 70 1', 'apache 60 70 1', 'spark 60 70 1'];

test('StreamingSessionWindowSuite: complete mode - session window', async () => {
  const { input, sessions, options } = sessionsOf();
  await testStream(
    sessions,
    { ...options, outputMode: 'complete' },
    addData(input, FIRST_LINES),
    checkNewAnswer(FIRST_SESSIONS),
    addData(input, words('spark streaming', 25)),
    checkNewAnswer(['spark 25 35 1', 'streaming 25 35 1', ...FIRST_SESSIONS]),
    addData(input, words('spark streaming', 30.5)),
    // There 30, which ends where the sessions of 40 begin; see "a gap of exactly the session's gap".
    checkNewAnswer(CONCATENATED),
    addData(input, words('hello apache spark', 60)),
    checkNewAnswer([...CONCATENATED, ...SIXTIES]),
    addData(input, words('structured streaming', 90)),
    checkNewAnswer([...CONCATENATED, ...SIXTIES, 'structured 90 100 1', 'streaming 90 100 1']),
  );
});

test('StreamingSessionWindowSuite: complete mode - session window, a gap of exactly the gap', async () => {
  // Differs: "a gap of exactly the session's gap". There 30 joins [25, 35) and [40, 51): spark is [25, 50] with 3.
  const { input, sessions, options } = sessionsOf();
  await testStream(
    sessions,
    { ...options, outputMode: 'complete' },
    addData(input, [...words('spark', 40), ...words('spark', 25), ...words('spark', 30)]),
    checkNewAnswer(['spark 25 40 2', 'spark 40 50 1']),
  );
});

test('StreamingSessionWindowSuite: complete mode - session window - multiple col key', async () => {
  const { session, input, stream } = wordsOf();
  await testStream(
    stream
      .withWatermark('at', '30 seconds')
      .groupBy(({ at }) => [sessionWindow(at, '10 seconds'), 'word', 'value'])
      .agg({ events: count() }),
    {
      session,
      outputMode: 'complete',
      select: (row) =>
        `${row.word} ${String(row.value)} ${secondsOf(row.session_window.end)} ${String(row.events)}`,
    },
    addData(input, [...words('a', 40, 1), ...words('a', 41, 2), ...words('a', 42, 1), ...words('b', 42, 1)]),
    addData(input, words('a', 43, null)),
    checkNewAnswer(['a 1 52 2', 'a 2 51 1', 'b 1 52 1', 'a null 53 1']),
  );
});

test('StreamingSessionWindowSuite: append mode - session window', async () => {
  const { input, sessions, options } = sessionsOf();
  await testStream(
    sessions,
    options,
    addData(input, FIRST_LINES),
    checkNewAnswer([]),
    addData(input, words('spark streaming', 25)),
    checkNewAnswer([]),
    addData(input, words('spark streaming', 0)),
    checkNewAnswer([]),
    checkAccounting({ late: 2 }),
    addData(input, words('spark streaming', 30.5)),
    checkNewAnswer([]),
    addData(input, words('hello apache spark', 60)),
    checkNewAnswer([]),
    addData(input, words('structured streaming', 90)),
    checkNewAnswer(CONCATENATED),
  );
});

test('StreamingSessionWindowSuite: append mode - session window, through crashes', async () => {
  const { input, sessions, options } = sessionsOf();
  await testStream(
    sessions,
    options,
    addData(input, FIRST_LINES),
    crash(),
    restart(),
    addData(input, words('spark streaming', 25)),
    crash('before the sink'),
    restart(),
    addData(input, words('spark streaming', 30.5)),
    checkNewAnswer([]),
    addData(input, words('structured streaming', 90)),
    crash(),
    restart(),
    checkAnswer(CONCATENATED),
  );
});

test('StreamingSessionWindowSuite: append mode - session window, an event below the watermark whose session is open', async () => {
  // Differs: "late for a window". There 5 counts, since its end 15 is above 11.
  const { input, sessions, options } = sessionsOf();
  await testStream(
    sessions,
    options,
    addData(input, words('hello', 41)),
    checkNewAnswer([]),
    addData(input, words('hello', 5)),
    checkNewAnswer([]),
    checkAccounting({ late: 1 }),
  );
});

for (const outputMode of ['complete', 'append'] as const) {
  test(`StreamingSessionWindowSuite: ${outputMode} mode - session window - no key`, async () => {
    // Differs: "sessions without another key". Refused there.
    const { session, input, stream } = numbersOf();
    await testStream(
      stream
        .withWatermark('at', '10 seconds')
        .groupBy(({ at }) => [sessionWindow(at, '5 seconds')])
        .agg({ events: count(), total: sum('value') }),
      { session, outputMode, select: spanAndSum },
      addData(input, numbers(40, 42)),
      checkAnswer(outputMode === 'complete' ? [[40, 47, 2, 82]] : []),
      addData(input, numbers(70)),
      checkNewAnswer([[40, 47, 2, 82], ...(outputMode === 'complete' ? [[70, 75, 1, 70]] : [])]),
    );
  });
}

test('StreamingSessionWindowSuite: update mode - session window', async () => {
  const { input, sessions, options } = sessionsOf();
  await testStream(
    sessions,
    { ...options, outputMode: 'update' },
    addData(input, words('hello', 40)),
    expectFailure(/update has no meaning for the session windows/),
  );
});

test('StreamingSessionWindowSuite: update mode - session window - no key', async () => {
  const { session, stream } = numbersOf();
  await testStream(
    stream.groupBy(({ at }) => [sessionWindow(at, '5 seconds')]).agg({ events: count() }),
    { session, outputMode: 'update' },
    expectFailure('USAGE'),
  );
});

test('StreamingSessionWindowSuite: session window with first/last function', async () => {
  const { session, input, stream } = wordsOf();
  await testStream(
    stream
      .withWatermark('at', '30 seconds')
      .groupBy(({ at }) => [sessionWindow(at, '10 seconds'), 'word'])
      .agg({ head: first('at'), tail: last('at'), least: min('at'), most: max('at') }),
    {
      session,
      select: ({ word, session_window: { start, end }, head, tail, least, most }) =>
        [word, ...[start, end, head, tail, least, most].map((each) => String(secondsOf(each)))].join(' '),
    },
    addData(input, [...words('a', 41), ...words('a', 42)]),
    addData(input, words('a', 40)),
    checkAnswer([]),
    addData(input, [...words('b', 100), ...words('b', 101)]),
    // The first and the last are left open there; here they are those in order of reading, in one batch or several.
    checkAnswer(['a 40 52 41 40 40 42']),
  );
});

test('beside StreamingSessionWindowSuite: first and last of sessions that an event joins', async () => {
  const { session, input, stream } = wordsOf();
  await testStream(
    stream
      .withWatermark('at', '1 hour')
      .groupBy(({ at }) => [sessionWindow(at, '10 seconds'), 'word'])
      .agg({ head: first('value'), tail: last('value') }),
    { session, outputMode: 'complete', select: ({ head, tail }) => [head, tail] },
    addData(input, [...words('a', 85, 1), ...words('a', 100, 2), ...words('a', 93, 3)]),
    checkNewAnswer([[1, 3]]),
  );
});
