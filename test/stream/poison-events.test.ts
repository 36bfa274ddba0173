/** An event that an expression of the query has no value for is a dead letter, and the query goes on. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createSession } from '../../src/compose/session.ts';
import { required, schema, types } from '../../src/columns/schema/schema.ts';
import { silentLogger } from '../../src/observe/silent-logger.ts';
import { lit } from '../../src/plan/expression/functions.ts';
import { count, sum } from '../../src/plan/measure.ts';
import type { DataStream } from '../../src/stream/data-stream.ts';
import type { StreamWriter } from '../../src/stream/stream-writer.ts';
import { createManualClock } from '../../src/testing/manual-clock.ts';

const READING = schema([
  required('id', types.string(), 'which'),
  required('text', types.string(), 'a number, mostly'),
  required('of', types.int(), 'what it is divided by'),
]);
type Readings = DataStream<typeof READING>;

function readingsOf(t: TestContext) {
  const dataDir = mkdtempSync(join(tmpdir(), 'tallystream-poison-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const clock = createManualClock(Date.UTC(2026, 0, 2));
  const session = createSession({ dataDir, clock, logger: silentLogger });
  const source = session.memoryStream(READING);
  return { source, stream: (): Readings => session.readStream.format('memory', source).load(READING) };
}

const row = (id: string, text: string, of = 1) => ({ id, text, of });

async function run(writer: StreamWriter<never>) {
  const letters: unknown[] = [];
  const rows: unknown[] = [];
  const query = await writer
    .queryName('readings')
    .trigger({ availableNow: true })
    .foreachBatch((batch, _id, info) => {
      rows.push(...batch.toRows());
      for (const { reason, field, expected, actual, offset } of info.deadLetters())
        letters.push([offset, reason, field, expected, actual]);
    })
    .start();
  await query.awaitTermination();
  return { letters, rows, accounting: query.lastProgress?.accounting };
}

test('text that is no number makes the event a dead letter, with the expression and the text', async (t) => {
  const { source, stream } = readingsOf(t);
  await source.addData([row('a', '1'), row('b', '1,000'), row('c', '9999999999'), row('d', '2')]);
  const { letters, rows, accounting } = await run(
    stream()
      .withColumn('n', ({ text }) => text.cast('int'))
      .select('id', 'n').writeStream as never,
  );
  assert.deepEqual(rows, [
    { id: 'a', n: 1 },
    { id: 'd', n: 2 },
  ]);
  assert.deepEqual(letters, [
    [1, 'WRONG_TYPE', 'cast(text as int)', 'a whole number', '1,000'],
    [2, 'OUT_OF_RANGE', 'cast(text as int)', 'from -2147483648 to 2147483647', '9999999999'],
  ]);
  assert.deepEqual(accounting, { read: 4, accepted: 2, invalid: 2, duplicate: 0, late: 0 });
});

test('so does a division by zero in a filter, and text that is no number in a key', async (t) => {
  const { source, stream } = readingsOf(t);
  await source.addData([row('a', '1', 0), row('b', 'x'), row('c', '3'), row('d', '3')]);
  const { letters, rows } = await run(
    stream()
      .filter(({ of }) => lit(6).mod(of).eq(0))
      .groupBy(({ text }) => [text.cast('int').alias('n')])
      .agg({ events: count() })
      .writeStream.outputMode('complete') as never,
  );
  assert.deepEqual(rows, [{ n: 3, events: 2n }]);
  assert.deepEqual(letters, [
    [0, 'OUT_OF_RANGE', '6 % of', 'a divisor other than 0', '0'],
    [1, 'WRONG_TYPE', 'cast(text as int)', 'a whole number', 'x'],
  ]);
});

test('an event that a filter holds back is not asked for what comes behind it', async (t) => {
  const { source, stream } = readingsOf(t);
  await source.addData([row('a', 'none'), row('b', '2')]);
  const { letters, accounting } = await run(
    stream()
      .filter(({ text }) => text.ne('none'))
      .withColumn('n', ({ text }) => text.cast('int')).writeStream as never,
  );
  assert.deepEqual(letters, []);
  assert.equal(accounting?.accepted, 2);
});

test('tryCast gives null, also within what fails for another reason', async (t) => {
  const { source, stream } = readingsOf(t);
  await source.addData([row('a', '1'), row('b', 'x'), row('c', '2', 0)]);
  const { letters, rows } = await run(
    stream()
      .withColumn('n', ({ text }) => text.tryCast('int'))
      .withColumn('m', ({ of }) => lit(6).mod(of).tryCast('string'))
      .select('id', 'n', 'm').writeStream as never,
  );
  assert.deepEqual(rows, [
    { id: 'a', n: 1, m: '0' },
    { id: 'b', n: null, m: '0' },
  ]);
  assert.deepEqual(letters, [[2, 'OUT_OF_RANGE', '6 % of', 'a divisor other than 0', '0']]);
});

test('an expression without columns fails for every event, so it ends the query', async (t) => {
  const { source, stream } = readingsOf(t);
  await source.addData([row('a', '1')]);
  await assert.rejects(run(stream().withColumn('n', () => lit('x').cast('int')).writeStream as never), {
    code: 'EXPRESSION_FAILED',
    message: /It has no columns, so it fails for every event/,
  });
});

test('a sum of longs beyond 64 bits ends the query with the measure and the group', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tallystream-sum-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const session = createSession({ dataDir, clock: createManualClock(Date.UTC(2026, 0, 2)) });
  const COUNT = schema([required('shop', types.string(), 'where'), required('n', types.long(), 'how many')]);
  for (const hasSink of [true, false]) {
    const source = session.memoryStream(COUNT);
    await source.addData([
      { shop: 'x', n: 2n ** 63n - 1n },
      { shop: 'x', n: 1n },
    ]);
    const writer = session.readStream
      .format('memory', source)
      .load(COUNT)
      .groupBy('shop')
      .agg({ pieces: sum('n') })
      .writeStream.queryName(`sums ${hasSink}`)
      .outputMode('complete')
      .trigger({ availableNow: true });
    const query = await (hasSink ? writer.foreachBatch(() => {}) : writer).start();
    await assert.rejects(query.awaitTermination(), {
      code: 'SUM_OVERFLOW',
      message:
        /Aggregate result: Group \["x"\]: pieces, the sum of n: .* does not fit 64 bits: 9223372036854775808/,
    });
  }
});
