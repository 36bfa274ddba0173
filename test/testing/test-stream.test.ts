/** The kit for users' tests: what a script does, and what it says when it fails. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { optional, required, schema, types } from '../../src/columns/schema/schema.ts';
import { count, sum } from '../../src/plan/measure.ts';
import { window } from '../../src/plan/window.ts';
import {
  type Action,
  addBytes,
  addData,
  advanceClock,
  assertOnQuery,
  checkAccounting,
  checkAnswer,
  checkNewAnswer,
  crash,
  createTestSession,
  expectFailure,
  processAllAvailable,
  restart,
  stop,
  StreamTestError,
  testStream,
} from '../../src/testing/index.ts';

const SALE = schema([
  required('id', types.string(), 'identity'),
  required('at', types.timestamp(), 'event time'),
  optional('pieces', types.int(), 'how many'),
]);

const sale = (id: string, time: string, pieces: number | null = 1) => {
  return { id, at: `2026-01-01T${time}:00Z`, pieces };
};

function salesOf() {
  const session = createTestSession({ startMs: Date.UTC(2026, 0, 2) });
  const sales = session.memoryStream(SALE);
  const stream = session.readStream.format('memory', sales).load(SALE);
  return { session, sales, stream, ids: { session, select: ({ id }: { id: string }) => id } };
}

async function failureOf(script: Promise<void>): Promise<StreamTestError> {
  const failure = await script.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(failure instanceof StreamTestError, `no StreamTestError: ${String(failure)}`);
  return failure;
}

test('rows are checked as objects, in any order unless it is asked for', async () => {
  const { session, sales, stream } = salesOf();
  await testStream(
    stream.select('id', 'pieces'),
    { session },
    addData(sales, [sale('a', '10:00', 2)]),
    addData(sales, [sale('b', '10:01', null)]),
    checkNewAnswer([
      { pieces: null, id: 'b' },
      { pieces: 2, id: 'a' },
    ]),
    addData(sales, [sale('c', '10:02')]),
    checkNewAnswer([{ id: 'c', pieces: 1 }], { inOrder: true }),
    checkNewAnswer([]),
    checkAnswer(
      [
        { id: 'a', pieces: 2 },
        { id: 'b', pieces: null },
        { id: 'c', pieces: 1 },
      ],
      { inOrder: true },
    ),
    assertOnQuery((query) => assert.equal(query.lastProgress?.batchId, 1)),
  );
  assert.equal(existsSync(session.dataDir), false);
});

test('in complete mode the answer is the last result', async () => {
  const { session, sales, stream } = salesOf();
  await testStream(
    stream.groupBy('id').agg({ pieces: sum('pieces') }),
    { session, outputMode: 'complete', select: ({ id, pieces }) => [id, pieces] },
    addData(sales, [sale('a', '10:00', 2)]),
    checkNewAnswer([['a', 2n]]),
    addData(sales, [sale('b', '10:01', 3)]),
    checkNewAnswer([
      ['a', 2n],
      ['b', 3n],
    ]),
    checkNewAnswer([]),
    checkAnswer([
      ['a', 2n],
      ['b', 3n],
    ]),
  );
});

test('a crash leaves the batch uncommitted, and it is repeated with the same rows', async () => {
  const { sales, stream, ids } = salesOf();
  await testStream(
    stream,
    ids,
    addData(sales, [sale('a', '10:00')]),
    checkNewAnswer(['a']),
    addData(sales, [sale('b', '10:01')]),
    crash(),
    checkNewAnswer(['b']),
    checkAccounting({ read: 1 }),
    addData(sales, [sale('c', '10:02')]),
    restart(),
    checkNewAnswer(['c']),
    checkAnswer(['a', 'b', 'c'], { inOrder: true }),
    checkAccounting({ read: 3, accepted: 3 }),
    addData(sales, [sale('d', '10:03')]),
    crash('before the sink'),
    checkNewAnswer([]),
    restart(),
    checkNewAnswer(['d']),
  );
});

test('a crash where nothing is in hand just ends the query', async () => {
  const { sales, stream, ids } = salesOf();
  await testStream(
    stream,
    ids,
    addData(sales, [sale('a', '10:00')]),
    processAllAvailable(),
    crash(),
    restart(),
    addData(sales, [sale('b', '10:01')]),
    checkAnswer(['a', 'b']),
  );
});

test('a restart goes on from the checkpoint, and rows of a stopped query are not lost', async () => {
  const { session, sales, stream } = salesOf();
  const runs = new Set<string>();
  await testStream(
    stream.groupBy('id').agg({ events: count() }),
    { session, outputMode: 'update', select: ({ id, events }) => [id, events] },
    addData(sales, [sale('a', '10:00')]),
    checkNewAnswer([['a', 1n]]),
    assertOnQuery(({ runId }) => runs.add(runId)),
    stop(),
    addData(sales, [sale('a', '10:01')]),
    restart(),
    checkNewAnswer([['a', 2n]]),
    assertOnQuery(({ runId }) => runs.add(runId)),
  );
  assert.equal(runs.size, 2);
});

test('the clock moves triggers', async () => {
  const { session, sales, stream, ids } = salesOf();
  await testStream(
    stream,
    { ...ids, session, trigger: { processingTime: '10 seconds' } },
    addData(sales, [sale('a', '10:00')]),
    checkNewAnswer(['a']),
    addData(sales, [sale('b', '10:01')]),
    advanceClock(5000),
    assertOnQuery((query) => query.lastProgress?.batchId === 0, 'batch 1 is not due'),
    advanceClock(5000),
    assertOnQuery((query) => query.lastProgress?.batchId === 1, 'batch 1 was due'),
  );
});

test('a query that ends by itself is started again for what comes then', async () => {
  const { session, sales, stream, ids } = salesOf();
  await testStream(
    stream,
    { ...ids, session, trigger: { availableNow: true } },
    addData(sales, [sale('a', '10:00')]),
    checkAnswer(['a']),
    addData(sales, [sale('b', '10:01')]),
    restart(),
    checkNewAnswer(['b']),
  );
});

test('verdicts are counted over restarts', async () => {
  const { session, sales, stream, ids } = salesOf();
  await testStream(
    stream.withWatermark('at', '10 minutes').dropDuplicatesWithinWatermark('id'),
    { ...ids, session },
    addData(sales, [sale('a', '10:00'), sale('a', '10:00'), sale('b', '10:30')]),
    addBytes(sales, ['{', null]),
    checkNewAnswer(['a', 'b']),
    crash(),
    restart(),
    addData(sales, [sale('c', '10:19')]),
    checkNewAnswer([]),
    checkAccounting({ read: 6, accepted: 2, invalid: 2, duplicate: 1, late: 1 }),
  );
});

test('an expected failure is told by its code or its text', async () => {
  const { session, sales, stream, ids } = salesOf();
  let isBroken = true;
  await testStream(
    stream,
    {
      ...ids,
      session,
      configure: (writer) =>
        writer.foreachBatch(() => {
          if (isBroken) throw new Error('the disk is full');
        }),
    },
    addData(sales, [sale('a', '10:00')]),
    expectFailure(/disk is full/),
    checkAnswer([]),
    restart(),
    expectFailure(/disk/),
    assertOnce(() => (isBroken = false)),
    restart(),
    checkAnswer(['a']),
  );
  await testStream(
    stream.groupBy('id').agg({ n: count() }),
    { session, outputMode: 'append' },
    expectFailure('USAGE'),
  );
});

/** A step that only changes something around the script. */
const assertOnce = (act: () => unknown) => addBytes({ addBytes: async () => void act() }, []);

test('a failing check shows the script with an arrow, what was expected and what was there', async () => {
  const { session, sales, stream } = salesOf();
  const failure = await failureOf(
    testStream(
      stream
        .withWatermark('at', '10 minutes')
        .groupBy(({ at }) => [window(at, '1 hour')])
        .agg({ events: count() }),
      { session, select: (row) => [String(row.window.start).slice(11, 16), row.events] },
      addData(sales, [sale('a', '10:00'), sale('b', '10:30')]),
      checkNewAnswer([]),
      addData(sales, [sale('c', '11:15')], 0),
      checkNewAnswer([['10:00', 3n]]),
      stop(),
    ),
  );
  assert.equal(failure.step, 3);
  assert.equal(
    failure.message,
    `Step 4 of 5 failed.

   addData([{ id: "a", at: "2026-01-01T10:00:00Z", pieces: 1 }, { id: "b", at: "2026-01-01T10:30:00Z", pieces: … (2 rows))
   checkNewAnswer([])
   addData([{ id: "c", at: "2026-01-01T11:15:00Z", pieces: 1 }], partition 0)
=> checkNewAnswer([["10:00", 3n]])
   stop()

Expected:
  ["10:00", 3n]
Was:
  ["10:00", 2n]
Missing:
  ["10:00", 3n]
Not expected:
  ["10:00", 2n]

Batches:
  0: { read: 2, accepted: 2, invalid: 0, duplicate: 0, late: 0 } []
  1: { read: 1, accepted: 1, invalid: 0, duplicate: 0, late: 0 } []
  2: { read: 0, accepted: 0, invalid: 0, duplicate: 0, late: 0 } [["10:00", 2n]]`,
  );
  assert.equal(existsSync(session.dataDir), false);
  assert.deepEqual(session.streams.active, []);
});

test('each step can fail, and says how', async () => {
  const { session, sales, stream, ids } = salesOf();
  const messages: string[] = [];
  const say = async (...actions: Action<string>[]) => {
    const failure = await failureOf(testStream(stream, { ...ids, stepTimeoutMs: 2000 }, ...actions));
    messages.push((failure.message.split('\n\n')[2] ?? '').replaceAll(/\n\s*/g, ' | '));
  };
  await say(
    addData(sales, [sale('a', '10:00'), sale('b', '10:00')]),
    checkAnswer(['b', 'a'], { inOrder: true }),
  );
  await say(checkAnswer(['a', 'a', 'b']));
  await say(checkAccounting({ accepted: 1 }));
  await say(assertOnQuery(() => false));
  await say(
    assertOnQuery(() => {
      throw new Error('not this one');
    }),
  );
  await say(expectFailure('DATA_LOSS'));
  await say(stop(), addData(sales, []), checkAnswer([]));
  await say(processAllAvailable(), restart());
  await say(assertOnQuery(() => new Promise(() => {})));
  assert.deepEqual(messages, [
    'Expected in this order: | "b" | "a" | Was: | "a" | "b"',
    'Expected: | "a" | "a" | "b" | Was: | "a" | "b" | Missing: | "a"',
    'Expected: | { accepted: 1 } | Was: | { read: 2, accepted: 2, invalid: 0, duplicate: 0, late: 0 }',
    'Expected true. Was: false.',
    'Expected no failure. Was: | Error: not this one',
    'Expected a failure. The query had none.',
    'The query has ended: restart() comes before this step.',
    'The query is running: stop() or crash() comes before restart().',
    'Took more than 2000 ms.',
  ]);
  const other = await failureOf(
    testStream(
      stream,
      {
        ...ids,
        session,
        configure: (writer) =>
          writer.foreachBatch(() => {
            throw new TypeError('no such column');
          }),
      },
      expectFailure('DATA_LOSS'),
    ),
  );
  assert.match(other.message, /Expected a failure DATA_LOSS\. Was:\n {2}no such column/);
  assert.ok(other.cause instanceof TypeError);
});

test('a repeat of a batch with other rows fails the script', async () => {
  const { session, sales, stream } = salesOf();
  let looks = 0;
  const failure = await failureOf(
    testStream(
      stream,
      { session, select: ({ id }) => `${id}${(looks += 1)}` },
      addData(sales, [sale('a', '10:00')]),
      crash(),
      restart(),
      processAllAvailable(),
    ),
  );
  assert.match(failure.message, /Batch 0 was repeated with other rows\. First:\n {2}"a1"\nThen:\n {2}"a2"/);
});

test('answers are checked by the compiler too', async () => {
  const { session, stream } = salesOf();
  const script = () =>
    testStream(
      stream.select('id'),
      { session },
      // @ts-expect-error a row has an id, and no name
      checkAnswer([{ name: 'a' }]),
    );
  assert.match((await failureOf(script())).message, /Missing:\n {2}\{ name: "a" \}/);
});
