/** A query waits for its handler, so what is called in a handler must never wait for the query. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createSession } from '../../src/compose/session.ts';
import { required, schema, types } from '../../src/columns/schema/schema.ts';
import type { StreamingQuery } from '../../src/stream/query.ts';
import { createManualClock } from '../../src/testing/manual-clock.ts';

const NUMBERS = schema([required('n', types.int(), 'which')]);

async function sessionOf(t: TestContext) {
  const dataDir = mkdtempSync(join(tmpdir(), 'tallystream-handlers-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const session = createSession({ dataDir, clock: createManualClock(Date.UTC(2026, 0, 2)) });
  const numbers = session.memoryStream(NUMBERS);
  const stream = session.readStream.format('memory', numbers).load(NUMBERS);
  await numbers.addData([{ n: 1 }]);
  /** A query whose first batch calls `handle` with the query itself, once `start` has resolved. */
  const start = async (name: string, handle: (query: StreamingQuery) => Promise<void>) => {
    const { promise, resolve } = Promise.withResolvers<StreamingQuery>();
    const query = await stream.writeStream
      .queryName(name)
      .foreachBatch(async () => handle(await promise))
      .start();
    resolve(query);
    return query;
  };
  return { session, numbers, stream, start };
}

test('stop in a handler resolves at once, and the query ends after that batch is committed', async (t) => {
  const { start, numbers } = await sessionOf(t);
  const query = await start('stops', async (self) => {
    await numbers.addData([{ n: 2 }]);
    await self.stop();
    assert.equal(self.isActive, true);
  });
  await query.awaitTermination();
  assert.deepEqual([query.isActive, query.lastProgress?.batchId], [false, 0]);
});

test('stop of the session in a handler resolves at once, and every query ends', async (t) => {
  const { session, start } = await sessionOf(t);
  const other = await start('other', async () => {});
  const query = await start('stops', () => session.stop());
  await Promise.all([query.awaitTermination(), other.awaitTermination()]);
  assert.deepEqual(session.streams.active, []);
});

for (const method of ['awaitTermination', 'processAllAvailable'] as const) {
  test(`${method} in a handler rejects at once, and says why`, async (t) => {
    const { start } = await sessionOf(t);
    const query = await start('waits', (self) => self[method]());
    await assert.rejects(query.awaitTermination(), {
      message: new RegExp(`${method} of the query waits was called in one of its handlers`),
    });
    assert.equal(query.lastProgress, undefined);
  });
}

test('awaitAnyTermination in a handler rejects at once', async (t) => {
  const { session, start } = await sessionOf(t);
  const query = await start('waits', () => session.streams.awaitAnyTermination());
  await assert.rejects(query.awaitTermination(), /awaitAnyTermination was called in a handler/);
});

test('a writer of rows is a handler too', async (t) => {
  const { stream } = await sessionOf(t);
  const { promise, resolve } = Promise.withResolvers<StreamingQuery>();
  const query = await stream.writeStream
    .queryName('rows')
    .foreach(async () => (await promise).processAllAvailable())
    .start();
  resolve(query);
  await assert.rejects(query.awaitTermination(), /called in one of its handlers/);
});

test('two handlers that stop each other’s query do not wait for each other', async (t) => {
  const { start } = await sessionOf(t);
  const queries = new Map<string, StreamingQuery>();
  const both = Promise.withResolvers<undefined>();
  const stopping = (name: string) => async (): Promise<void> => {
    await both.promise;
    await queries.get(name)?.stop();
  };
  for (const [name, other] of [
    ['first', 'second'],
    ['second', 'first'],
  ] as const) {
    queries.set(name, await start(name, stopping(other)));
  }
  both.resolve(undefined);
  for (const query of queries.values()) await query.awaitTermination();
  assert.deepEqual(
    [...queries.values()].map(({ lastProgress }) => lastProgress?.batchId),
    [0, 0],
  );
});

test('what a handler started and did not wait for may wait for the query afterwards', async (t) => {
  const { start } = await sessionOf(t);
  const committed = Promise.withResolvers<undefined>();
  let later: Promise<boolean> | undefined;
  const query = await start('later', async (self) => {
    later = committed.promise.then(async () => {
      await self.stop();
      return self.isActive;
    });
  });
  await query.processAllAvailable();
  committed.resolve(undefined);
  assert.equal(await later, false);
});
