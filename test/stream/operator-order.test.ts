/** The order in which a query's operations are written is the order in which events meet them, as in Structured Streaming. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createSession } from '../../src/compose/session.ts';
import { required, schema, types } from '../../src/columns/schema/schema.ts';
import { silentLogger } from '../../src/observe/silent-logger.ts';
import { count } from '../../src/plan/measure.ts';
import { window } from '../../src/plan/window.ts';
import type { DataStream } from '../../src/stream/data-stream.ts';
import { describeStream } from '../../src/stream/describe-stream.ts';
import { createManualClock } from '../../src/testing/manual-clock.ts';

const ORDER = schema([
  required('id', types.string(), 'which'),
  required('at', types.timestamp(), 'when'),
  required('status', types.string(), 'how it is'),
]);
type Orders = DataStream<typeof ORDER>;

const order = (id: string, time: string, status: string) => ({ id, at: `2026-01-01T${time}:00Z`, status });

function ordersOf(t: TestContext) {
  const dataDir = mkdtempSync(join(tmpdir(), 'tallystream-order-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const clock = createManualClock(Date.UTC(2026, 0, 2));
  const session = createSession({ dataDir, clock, logger: silentLogger });
  const source = session.memoryStream(ORDER);
  const run = async (build: (stream: Orders) => Orders) => {
    const ids: string[] = [];
    const query = await build(session.readStream.format('memory', source).load(ORDER))
      .writeStream.queryName('orders')
      .trigger({ availableNow: true })
      .foreachBatch((batch) => void ids.push(...batch.toRows().map(({ id, status }) => `${id} ${status}`)))
      .start();
    await query.awaitTermination();
    return { ids, accounting: query.lastProgress?.accounting };
  };
  return { session, source, run };
}

test('a filter behind dropDuplicates holds back the event that was first, and its repeat is a duplicate', async (t) => {
  const { source, run } = ordersOf(t);
  await source.addData([
    order('a', '10:00', 'open'),
    order('a', '10:00', 'open'),
    order('b', '10:01', 'paid'),
  ]);
  const { ids, accounting } = await run((stream) =>
    stream
      .withWatermark('at', '1 hour')
      .dropDuplicatesWithinWatermark('id')
      .filter(({ status }) => status.eq('paid')),
  );
  assert.deepEqual(ids, ['b paid']);
  assert.deepEqual(accounting, { read: 3, accepted: 2, invalid: 0, duplicate: 1, late: 0 });
});

test('a filter before dropDuplicates hides what it holds back from it', async (t) => {
  const { source, run } = ordersOf(t);
  await source.addData([order('a', '10:00', 'open'), order('a', '10:00', 'paid')]);
  const { ids, accounting } = await run((stream) =>
    stream
      .withWatermark('at', '1 hour')
      .filter(({ status }) => status.eq('paid'))
      .dropDuplicatesWithinWatermark('id'),
  );
  assert.deepEqual(ids, ['a paid']);
  assert.deepEqual(accounting, { read: 2, accepted: 2, invalid: 0, duplicate: 0, late: 0 });
});

test('a repeat of what a filter held back behind dropDuplicates is known after a restart too', async (t) => {
  const { source, run } = ordersOf(t);
  const build = (stream: Orders) =>
    stream
      .withWatermark('at', '1 hour')
      .dropDuplicatesWithinWatermark('id')
      .filter(({ status }) => status.eq('paid'));
  await source.addData([order('a', '10:00', 'open')]);
  await run(build);
  await source.addData([order('a', '10:00', 'open'), order('a', '10:00', 'paid')]);
  const { ids, accounting } = await run(build);
  assert.deepEqual(ids, []);
  assert.deepEqual(accounting, { read: 2, accepted: 0, invalid: 1, duplicate: 1, late: 0 });
});

for (const [place, windows] of [
  ['behind', 1],
  ['before', 0],
] as const) {
  test(`a filter ${place} withWatermark lets what it holds back ${windows === 1 ? '' : 'not '}move the watermark`, async (t) => {
    const { session, source } = ordersOf(t);
    const starts: unknown[] = [];
    const failed = (stream: Orders) => stream.filter(({ status }) => status.eq('failed'));
    const run = async () => {
      const stream = session.readStream.format('memory', source).load(ORDER);
      const timed =
        place === 'behind'
          ? failed(stream.withWatermark('at', '1 minute'))
          : failed(stream).withWatermark('at', '1 minute');
      const query = await timed
        .groupBy(({ at }) => [window(at, '5 minutes')])
        .agg({ n: count() })
        .writeStream.queryName('windows')
        .trigger({ availableNow: true })
        .foreachBatch((batch) => void starts.push(...batch.toRows().map((row) => row.window.start)))
        .start();
      await query.awaitTermination();
    };
    await source.addData([order('1', '00:01', 'failed')]);
    await run();
    for (const hour of [1, 2]) {
      await source.addData([order(`x${hour}`, `0${hour}:00`, 'ok')]);
      await run();
    }
    assert.equal(starts.length, windows);
  });
}

test('an event that a filter behind withWatermark holds back is accepted, however old it is', async (t) => {
  const { source, run } = ordersOf(t);
  await source.addData([
    order('a', '10:00', 'paid'),
    order('b', '01:00', 'open'),
    order('c', '01:00', 'paid'),
  ]);
  const { ids, accounting } = await run((stream) =>
    stream.withWatermark('at', '1 hour').filter(({ status }) => status.eq('paid')),
  );
  assert.deepEqual(ids, ['a paid']);
  assert.deepEqual(accounting, { read: 3, accepted: 2, invalid: 0, duplicate: 0, late: 1 });
});

test('a filter in the plan names the operations that it is behind', () => {
  const stream = describeStream(ORDER)
    .filter(({ status }) => status.ne('test'))
    .withWatermark('at', '1 hour')
    .filter(({ status }) => status.ne('draft'))
    .dropDuplicatesWithinWatermark('id')
    .filter(({ status }) => status.eq('paid'));
  const steps = stream['parts'].steps.map((step) =>
    step.kind === 'filter' ? (step.behind ?? []) : step.kind,
  );
  assert.deepEqual(steps, [[], ['watermark'], ['watermark', 'dedupe']]);
});

test('rules behind a filter are refused, since they are checked when an event is read', () => {
  const filtered = describeStream(ORDER).filter(({ status }) => status.ne('test'));
  assert.throws(() => filtered.validate([{ kind: 'characters', field: 'id', min: 1, max: 9 }]), {
    code: 'USAGE',
    message: /validate: it follows a filter.*Call validate before filter/,
  });
});

/** What JavaScript makes of `a && b`, which the linter would not let stand. */
const both = <T>(a: unknown, b: T): T => (a === undefined ? (undefined as T) : b);

test('conditions that && leaves out are refused', () => {
  assert.throws(() => describeStream(ORDER).filter(({ id, status }) => both(id.eq('a'), status.eq('paid'))), {
    code: 'USAGE',
    message: /id = 'a' was built, but it is not part of status = 'paid'.*a\.and\(b\)/,
  });
});
