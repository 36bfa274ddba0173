/** The public API, end to end on the memory source: what a user's own first program does. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createSession } from '../../src/compose/session.ts';
import { optional, required, schema, types } from '../../src/columns/schema/schema.ts';
import { toDate } from '../../src/plan/expression/functions.ts';
import { approxCountDistinct, avg, count, first, last, max, min, sum } from '../../src/plan/measure.ts';
import { sessionWindow } from '../../src/plan/session-window.ts';
import { window } from '../../src/plan/window.ts';
import { createManualClock } from '../../src/testing/manual-clock.ts';
import type { Session } from '../../src/stream/session.ts';

const SALE = schema([
  required('id', types.string(), 'identity'),
  required('at', types.timestamp(), 'event time'),
  required('shop', types.string(), 'where'),
  optional('amount', types.decimal(10, 2), 'what'),
  optional('pieces', types.int(), 'how many'),
]);

function sessionOf(t: TestContext): Session {
  const dataDir = mkdtempSync(join(tmpdir(), 'tallystream-session-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  return createSession({ dataDir, clock: createManualClock(Date.UTC(2026, 0, 2)) });
}

const sale = (id: string, time: string, shop: string, amount: string | null = '1.00', pieces = 1) => {
  return { id, at: `2026-01-01T${time}:00Z`, shop, amount, pieces };
};

test('filters, computes and hands on events, with the same rows for a repeat', async (t) => {
  const session = sessionOf(t);
  const sales = session.memoryStream(SALE);
  const seen: unknown[] = [];
  await sales.addData([sale('a', '10:00', 'x', '2.50', 4), sale('b', '10:01', 'y', '1.00', 1)]);
  const query = await session.readStream
    .format('memory', sales)
    .load(SALE)
    .filter(({ pieces }) => pieces.gt(2))
    .withColumn('total', ({ amount, pieces }) => amount.times(pieces))
    .select('id', 'total')
    .writeStream.queryName('events')
    .trigger({ availableNow: true })
    .foreachBatch((batch, batchId) => {
      seen.push([batchId, batch.toRows().map(({ id, total }) => [id, total])]);
    })
    .start();
  await query.awaitTermination();
  assert.deepEqual(seen, [[0, [['a', '10.00']]]]);
  assert.equal(query.isActive, false);
  assert.equal(query.lastProgress?.accounting.accepted, 2);
});

test('groups by tumbling windows, and emits each once in append mode when the watermark has passed it', async (t) => {
  const session = sessionOf(t);
  const sales = session.memoryStream(SALE);
  const seen: unknown[] = [];
  const run = async () => {
    const query = await session.readStream
      .format('memory', sales)
      .load(SALE)
      .withWatermark('at', '10 minutes')
      .groupBy(({ at }) => [window(at, '1 hour'), 'shop'])
      .agg({ total: sum('amount'), events: count() })
      .writeStream.queryName('hours')
      .trigger({ availableNow: true })
      .foreachBatch((batch) => {
        for (const row of batch) seen.push([row.window.start, row.shop, row.total, row.events]);
      })
      .start();
    await query.awaitTermination();
  };
  await sales.addData([
    sale('a', '10:05', 'x', '1.00'),
    sale('b', '10:50', 'x', '2.00'),
    sale('c', '10:55', 'y'),
  ]);
  await run();
  assert.deepEqual(seen, []);
  await sales.addData([sale('d', '11:10', 'x', '4.00')]);
  await run();
  assert.deepEqual(seen, [
    ['2026-01-01T10:00:00.000Z', 'x', '3.00', 2n],
    ['2026-01-01T10:00:00.000Z', 'y', '1.00', 1n],
  ]);
  await sales.addData([sale('late', '10:59', 'x', '9.00')]);
  await run();
  assert.equal(seen.length, 2);
});

test('has every measure, nulls and all', async (t) => {
  const session = sessionOf(t);
  const sales = session.memoryStream(SALE);
  await sales.addData([
    sale('a', '10:00', 'x', null, 1),
    sale('b', '10:01', 'x', '2.00', 5),
    sale('c', '10:02', 'x', '1.01', 3),
    sale('d', '10:03', 'y', null, 2),
  ]);
  let rows: unknown[] = [];
  for (const part of [0, 1]) {
    if (part === 1) await sales.addData([sale('e', '10:04', 'x', '4.00', 5)]);
    const query = await session.readStream
      .format('memory', sales)
      .load(SALE)
      .groupBy('shop')
      .agg({
        rows: count(),
        amounts: count('amount'),
        total: sum('amount'),
        pieces: sum('pieces'),
        least: min('amount'),
        most: max('at'),
        mean: avg('amount'),
        meanPieces: avg('pieces'),
        head: first('amount'),
        tail: last('id'),
        kinds: approxCountDistinct('pieces'),
      })
      .writeStream.queryName('measures')
      .outputMode('complete')
      .trigger({ availableNow: true })
      .foreachBatch(
        (batch) =>
          void (rows = batch
            .orderBy('shop')
            .toRows()
            .map((row) => ({ ...row }))),
      )
      .start();
    await query.awaitTermination();
  }
  assert.deepEqual(rows, [
    {
      shop: 'x',
      rows: 4n,
      amounts: 3n,
      total: '7.01',
      pieces: 14n,
      least: '1.01',
      most: '2026-01-01T10:04:00.000Z',
      mean: '2.336667',
      meanPieces: 3.5,
      head: null,
      tail: 'e',
      kinds: 3n,
    },
    {
      shop: 'y',
      rows: 1n,
      amounts: 0n,
      total: null,
      pieces: 2n,
      least: null,
      most: '2026-01-01T10:03:00.000Z',
      mean: null,
      meanPieces: 2,
      head: null,
      tail: 'd',
      kinds: 1n,
    },
  ]);
});

test('sessions grow, merge and are emitted when they are over', async (t) => {
  const session = sessionOf(t);
  const sales = session.memoryStream(SALE);
  const seen: unknown[] = [];
  const run = async () => {
    const query = await session.readStream
      .format('memory', sales)
      .load(SALE)
      .withWatermark('at', '2 hours')
      .groupBy(({ at }) => [sessionWindow(at, '10 minutes'), 'shop'])
      .agg({ events: count(), total: sum('amount') })
      .writeStream.queryName('sessions')
      .trigger({ availableNow: true })
      .foreachBatch((batch) => {
        for (const row of batch) {
          seen.push([row.session_window.start, row.session_window.end, row.shop, row.events, row.total]);
        }
      })
      .start();
    await query.awaitTermination();
  };
  await sales.addData([sale('a', '10:00', 'x'), sale('b', '10:18', 'x')]);
  await run();
  await sales.addData([sale('c', '10:09', 'x'), sale('d', '10:40', 'x'), sale('e', '10:05', 'y')]);
  await run();
  await sales.addData([sale('f', '13:00', 'z')]);
  await run();
  assert.deepEqual(seen, [
    ['2026-01-01T10:00:00.000Z', '2026-01-01T10:28:00.000Z', 'x', 3n, '3.00'],
    ['2026-01-01T10:05:00.000Z', '2026-01-01T10:15:00.000Z', 'y', 1n, '1.00'],
    ['2026-01-01T10:40:00.000Z', '2026-01-01T10:50:00.000Z', 'x', 1n, '1.00'],
  ]);
});

test('a late event goes to the side output, with how late it is and the window that it missed', async (t) => {
  const session = sessionOf(t);
  const sales = session.memoryStream(SALE);
  const late: unknown[] = [];
  await sales.addData([sale('a', '12:00', 'x'), sale('late', '10:30', 'x')]);
  const query = await session.readStream
    .format('memory', sales)
    .load(SALE)
    .withWatermark('at', '1 hour')
    .groupBy(({ at }) => [window(at, '1 hour')])
    .agg({ events: count() })
    .writeStream.queryName('late')
    .trigger({ availableNow: true })
    .foreachBatch((_batch, _batchId, { deadLetters }) => {
      for (const letter of deadLetters()) late.push([letter.reason, letter.expected, letter.actual]);
    })
    .start();
  await query.awaitTermination();
  assert.deepEqual(late, [
    [
      'LATE',
      'not before 2026-01-01T11:00:00.000Z',
      '2026-01-01T10:30:00.000Z, 1800 s late, missed result from 2026-01-01T10:00:00.000Z to 2026-01-01T11:00:00.000Z',
    ],
  ]);
});

test('several aggregates are fed by one read, each a batch of its own', async (t) => {
  const session = sessionOf(t);
  const sales = session.memoryStream(SALE);
  await sales.addData([sale('a', '10:00', 'x'), sale('a', '10:00', 'x'), sale('b', '11:00', 'y', '2.00')]);
  const seen: Record<string, unknown> = {};
  const query = await session.readStream
    .format('memory', sales)
    .load(SALE)
    .withWatermark('at', '1 day')
    .dropDuplicatesWithinWatermark('id')
    .aggregateEach((stream) => ({
      days: stream.groupBy(({ at }) => [toDate(at).alias('day')]).agg({ total: sum('amount') }),
      shops: stream.groupBy('shop').agg({ events: count() }),
    }))
    .writeStream.queryName('each')
    .outputMode('update')
    .trigger({ availableNow: true })
    .foreachBatch(({ days, shops }) => {
      seen['days'] = days.toRows().map(({ day, total }) => [day, total]);
      seen['shops'] = shops.toRows().map(({ shop, events }) => [shop, events]);
    })
    .start();
  await query.awaitTermination();
  assert.deepEqual(seen, {
    days: [['2026-01-01', '3.00']],
    shops: [
      ['x', 1n],
      ['y', 1n],
    ],
  });
  assert.match(query.explain(), /Output update\n\+- Aggregate days: keys \[toDate\(at\) AS day\]/);
});

test('combinations without a meaning are refused, with what to do', async (t) => {
  const session = sessionOf(t);
  const stream = session.readStream.format('memory', session.memoryStream(SALE)).load(SALE);
  const grouped = stream.groupBy('shop').agg({ events: count() });
  const start = (writer: { start(): Promise<unknown> }) => writer.start();
  await assert.rejects(start(grouped.writeStream.queryName('q')), /append needs a window/);
  await assert.rejects(
    start(
      stream
        .groupBy(({ at }) => [window(at, '1 hour')])
        .agg({ n: count() })
        .writeStream.queryName('q'),
    ),
    /append needs a watermark/,
  );
  await assert.rejects(
    start(stream.writeStream.queryName('q').outputMode('complete')),
    /complete needs an aggregate/,
  );
  await assert.rejects(
    start(
      stream
        .groupBy(({ at }) => [sessionWindow(at, '1 minute')])
        .agg({ n: count() })
        .writeStream.queryName('q')
        .outputMode('update'),
    ),
    /no meaning for the session windows/,
  );
  await assert.rejects(start(stream.writeStream), /no name and no checkpointLocation/);
  assert.deepEqual(session.streams.active, []);
});

test('an operation behind an aggregate is refused by the compiler and by the stream, with the place where it belongs', (t) => {
  const session = sessionOf(t);
  const grouped = session.readStream
    .format('memory', session.memoryStream(SALE))
    .load(SALE)
    .groupBy('shop')
    .agg({ events: count() });
  const behind = (operation: string) => ({
    code: 'USAGE',
    message: new RegExp(
      `^${operation} cannot follow an aggregation.*before groupBy.*foreachBatch\\(\\(batch\\) => batch\\.`,
    ),
  });
  // @ts-expect-error "After an aggregation, do this in foreachBatch((batch) => …): its batch has filter, …"
  assert.throws(() => grouped.filter('events > 5'), behind('filter'));
  // @ts-expect-error The same.
  assert.throws(() => grouped.select('shop'), behind('select'));
  // @ts-expect-error The same.
  assert.throws(() => grouped.withColumn('more'), behind('withColumn'));
  // @ts-expect-error The same.
  assert.throws(() => grouped.groupBy('events'), behind('groupBy'));
});
