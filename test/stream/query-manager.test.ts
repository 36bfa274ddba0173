/** Queries as a program watches them: several in one session, what they say of themselves, and who hears of it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createSession } from '../../src/compose/session.ts';
import { required, schema, types } from '../../src/columns/schema/schema.ts';
import { count } from '../../src/plan/measure.ts';
import { createManualClock } from '../../src/testing/manual-clock.ts';

const NUMBERS = schema([required('n', types.int(), 'which')]);

function sessionOf(t: TestContext) {
  const dataDir = mkdtempSync(join(tmpdir(), 'tallystream-manager-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const session = createSession({ dataDir, clock: createManualClock(Date.UTC(2026, 0, 2)) });
  const numbers = session.memoryStream(NUMBERS);
  const stream = session.readStream.format('memory', numbers).load(NUMBERS);
  return { session, numbers, stream };
}

test('several queries run in one session, each with its own progress, and listeners hear of all', async (t) => {
  const { session, numbers, stream } = sessionOf(t);
  const heard: string[] = [];
  const names = new Map<string, string>();
  const listener = {
    onQueryStarted: ({ id, name }: { id: string; name: string }) => {
      names.set(id, name);
      heard.push(`started ${name}`);
    },
    onQueryProgress: ({
      name,
      batchId,
      numInputRows,
    }: {
      name: string;
      batchId: number;
      numInputRows: number;
    }) => void heard.push(`${name} batch ${batchId} of ${numInputRows}`),
    onQueryTerminated: ({ id, exception }: { id: string; exception: Error | undefined }) =>
      void heard.push(`ended ${names.get(id) ?? id} ${exception?.message ?? 'well'}`),
  };
  session.streams.addListener({
    onQueryProgress: () => {
      throw new Error('a listener of another');
    },
  });
  session.streams.addListener(listener);
  await numbers.addData([{ n: 1 }, { n: 2 }]);
  const all = await stream.writeStream
    .queryName('all')
    .foreachBatch(() => {})
    .start();
  const failing = await stream
    .filter(({ n }) => n.gt(1))
    .writeStream.queryName('failing')
    .foreachBatch(() => {
      throw new Error('the handler is broken');
    })
    .start();
  assert.deepEqual(
    session.streams.active.map(({ name }) => name),
    ['all', 'failing'],
  );
  assert.equal(session.streams.get(all.id), all);
  await assert.rejects(
    stream.writeStream
      .queryName('all')
      .foreachBatch(() => {})
      .start(),
    /A query named all is running/,
  );
  await assert.rejects(session.streams.awaitAnyTermination(), /the handler is broken/);
  assert.match(String(failing.exception?.message), /the handler is broken/);
  assert.equal(failing.isActive, false);
  await all.processAllAvailable();
  assert.equal(all.isActive, true);
  assert.equal(all.exception, undefined);
  await numbers.addData([{ n: 3 }]);
  await all.processAllAvailable();
  assert.deepEqual(
    all.recentProgress.map(({ numInputRows }) => numInputRows),
    [2, 1],
  );
  const { id, runId, name, batchId, accounting, durationMs, watermark } = all.lastProgress ?? assert.fail();
  assert.deepEqual([id, runId, name, batchId, watermark], [all.id, all.runId, 'all', 1, null]);
  assert.deepEqual(accounting, { read: 1, accepted: 1, invalid: 0, duplicate: 0, late: 0 });
  assert.ok('triggerExecution' in durationMs && 'addBatch' in durationMs);
  session.streams.removeListener(listener);
  await session.stop();
  assert.equal(all.isActive, false);
  assert.deepEqual(session.streams.active, []);
  assert.deepEqual(
    heard.filter((each) => each.includes('all')),
    ['started all', 'all batch 0 of 2', 'all batch 1 of 1'],
  );
  assert.deepEqual(
    heard.filter((each) => each.includes('failing')),
    ['started failing', `ended failing ${failing.exception?.message ?? ''}`],
  );
});

test('a query that is stopped finishes the batch in hand, and a later one goes on behind it', async (t) => {
  const { numbers, stream } = sessionOf(t);
  const seen: number[] = [];
  await numbers.addData([{ n: 1 }, { n: 2 }, { n: 3 }]);
  let stopped: Promise<void> | undefined;
  const start = () =>
    stream.writeStream
      .queryName('numbers')
      .option('maxOffsetsPerTrigger', 1)
      .foreachBatch((batch) => {
        // Asked for in the middle of the first batch.
        stopped ??= query.stop();
        seen.push(...batch.toRows().map(({ n }) => n));
      })
      .start();
  const query = await start();
  await query.awaitTermination();
  await stopped;
  assert.deepEqual(seen, [1]);
  assert.equal(query.lastProgress?.batchId, 0);
  const later = await start();
  await later.processAllAvailable();
  await later.stop();
  assert.deepEqual(seen, [1, 2, 3]);
  assert.equal(later.id, query.id);
  assert.notEqual(later.runId, query.runId);
});

test('progress says what state is held, and the option stateBytesMax bounds it', async (t) => {
  const { session, numbers, stream } = sessionOf(t);
  await numbers.addData(Array.from({ length: 500 }, (_, n) => ({ n })));
  const writer = stream
    .dropDuplicatesWithinWatermark('n')
    .groupBy('n')
    .agg({ rows: count() })
    .writeStream.queryName('bounded')
    .outputMode('update')
    .trigger({ availableNow: true })
    .foreachBatch(() => {});
  const small = await writer.option('stateBytesMax', 700_000).start();
  await assert.rejects(small.awaitTermination(), { code: 'STATE_TOO_LARGE', message: /stateBytesMax/ });
  assert.equal(small.lastProgress, undefined);
  const query = await writer.option('stateBytesMax', 8_000_000).start();
  await query.awaitTermination();
  const [groups, ids] = query.lastProgress?.stateOperators ?? [];
  assert.deepEqual(
    [groups?.operatorName, groups?.numRowsTotal, groups?.numRowsUpdated, groups?.numRowsRemoved],
    ['aggregate result', 500, 500, 0],
  );
  assert.ok(
    groups !== undefined && groups.memoryUsedBytes > 500 * 200 && groups.memoryUsedBytes < 500 * 1000,
  );
  assert.deepEqual(
    [ids?.operatorName, ids?.numRowsTotal, ids?.numRowsUpdated],
    ['dropDuplicatesWithinWatermark', 500, 500],
  );
  assert.ok(ids !== undefined && ids.memoryUsedBytes >= 500 * 32);
  await session.stop();
  // @ts-expect-error no size
  assert.throws(() => writer.option('stateBytesMax', 'much'), { code: 'USAGE' });
});

test('progress has what the batch read and wrote, by the names of Structured Streaming', async (t) => {
  const { session, numbers, stream } = sessionOf(t);
  await numbers.addData([{ n: 1 }, { n: 2 }, { n: 3 }]);
  const query = await stream.writeStream
    .queryName('read')
    .option('maxOffsetsPerTrigger', 2)
    .trigger({ availableNow: true })
    .foreachBatch(() => {})
    .start();
  await query.awaitTermination();
  const progress = query.lastProgress;
  const source = progress?.sources[0];
  assert.ok(progress !== undefined && source !== undefined);
  const [topic] = Object.keys(source.endOffset) as [string];
  assert.equal(source.description, `memory ${topic}`);
  assert.deepEqual(
    [source.startOffset, source.endOffset, source.latestOffset].map((offsets) => offsets[topic]),
    [{ 0: 2 }, { 0: 3 }, { 0: 3 }],
  );
  assert.equal(source.numInputRows, 1);
  assert.deepEqual(progress.sink, { description: 'foreachBatch' });
  assert.deepEqual(progress.eventTime, {});
  const first = query.recentProgress[0]?.sources[0];
  assert.deepEqual([first?.startOffset[topic], first?.endOffset[topic]], [{ 0: 0 }, { 0: 2 }]);
  await session.stop();
});

test('awaitAnyTermination rejects with a failure that came before the call, until that is reset', async (t) => {
  const { session, numbers, stream } = sessionOf(t);
  await numbers.addData([{ n: 1 }]);
  const start = (name: string, handle: () => void) =>
    stream.writeStream.queryName(name).trigger({ availableNow: true }).foreachBatch(handle).start();
  const failing = await start('failing', () => {
    throw new Error('the handler is broken');
  });
  await assert.rejects(failing.awaitTermination(), /the handler is broken/);
  await assert.rejects(session.streams.awaitAnyTermination(), /the handler is broken/);
  const well = await start('well', () => {});
  await well.awaitTermination();
  await assert.rejects(session.streams.awaitAnyTermination(), /the handler is broken/);

  session.streams.resetTerminated();
  const waiting = session.streams.awaitAnyTermination();
  const next = await start('next', () => {});
  await waiting;
  assert.equal(next.isActive, false);
  await session.streams.awaitAnyTermination();
});
