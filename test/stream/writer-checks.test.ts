/** What a writer refuses of programs in JavaScript, and of words that come from a configuration. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { SinkFormat, SinkOptions } from '../../src/options/sink-options.ts';
import { createSession } from '../../src/compose/session.ts';
import { required, schema, types } from '../../src/columns/schema/schema.ts';
import { silentLogger } from '../../src/observe/silent-logger.ts';
import { count, sum } from '../../src/plan/measure.ts';
import { createManualClock } from '../../src/testing/manual-clock.ts';

const SALE = schema([required('shop', types.string(), 'where'), required('amount', types.int(), 'how much')]);

function placeOf(t: TestContext) {
  const around = mkdtempSync(join(tmpdir(), 'tallystream-writer-'));
  t.after(() => rmSync(around, { recursive: true, force: true }));
  const dataDir = join(around, 'data');
  const clock = createManualClock(Date.UTC(2026, 0, 2));
  const session = createSession({ dataDir, clock, logger: silentLogger });
  const source = session.memoryStream(SALE);
  return { around, dataDir, source, stream: session.readStream.format('memory', source).load(SALE) };
}

for (const mode of ['Append', 'bogus', '', undefined, 'toString']) {
  test(`refuses the output mode ${String(mode)} with the modes that there are`, (t) => {
    const { stream } = placeOf(t);
    assert.throws(() => stream.writeStream.outputMode(mode as 'append'), {
      code: 'USAGE',
      message: /there is no mode .*append, update, complete/,
    });
  });
}

for (const trigger of [
  {},
  { continuous: '1 second' },
  { availableNow: false },
  { once: 1 },
  { ProcessingTime: '1 second' },
  { processingTime: 5 },
  { availableNow: true, processingTime: '1 second' },
  null,
  'once',
]) {
  test(`refuses the trigger ${JSON.stringify(trigger)} with the triggers that there are`, (t) => {
    const { stream } = placeOf(t);
    assert.throws(() => stream.writeStream.trigger(trigger as { once: true }), {
      code: 'USAGE',
      message: /there is no trigger .*processingTime: '10 seconds'.*availableNow: true.*once: true/,
    });
  });
}

for (const name of [
  '../../x',
  '..',
  '.',
  '',
  'a/b',
  'a\\b',
  '/tmp/x',
  'a\0b',
  'a\nb',
  'a.',
  ' a',
  'x'.repeat(201),
]) {
  test(`refuses the query name ${JSON.stringify(name).slice(0, 30)}, which is no folder's`, (t) => {
    const { stream, around } = placeOf(t);
    assert.throws(() => stream.writeStream.queryName(name), {
      code: 'USAGE',
      message: /cannot name a query/,
    });
    assert.deepEqual(readdirSync(around), []);
  });
}

test('takes names in any script, and keeps their checkpoints in the data folder', async (t) => {
  const { stream, dataDir } = placeOf(t);
  for (const name of ['Umsätze je Tag', '売上', 'a.b-c_d']) {
    const query = await stream.writeStream
      .queryName(name)
      .trigger({ availableNow: true })
      .foreachBatch(() => {})
      .start();
    await query.awaitTermination();
    assert.ok(existsSync(join(dataDir, 'checkpoints', name)));
  }
});

const two = (stream: ReturnType<typeof placeOf>['stream']) =>
  stream.aggregateEach((sales) => ({
    spend: sales.groupBy('shop').agg({ value: sum('amount') }),
    orders: sales.groupBy('shop').agg({ value: count() }),
  }));

for (const [format, options] of [
  ['table', { path: 'one.db', table: 'x' }],
  ['topic', { topic: 'x' }],
] as const) {
  test(`refuses two outputs of a query in one ${format}`, async (t) => {
    const { stream } = placeOf(t);
    await assert.rejects(
      two(stream).writeStream.queryName('q').outputMode('update').format(format, options).start(),
      { code: 'USAGE', message: /names x for 2 outputs: spend, orders\. One of them would replace/ },
    );
  });
}

test('refuses two sinks of a query with one target', async (t) => {
  const { stream, around } = placeOf(t);
  const path = join(around, 'out');
  const start = <F extends SinkFormat>(format: F, a: SinkOptions[F], b: SinkOptions[F]) =>
    stream.writeStream.queryName('q').format(format, a).format(format, b).start();
  const message = /Two outputs of the query q would both write the/;
  await assert.rejects(start('file', { path }, { path: `${path}/../out` }), { code: 'USAGE', message });
  await assert.rejects(start('topic', { topic: 'x' }, { topic: 'x' }), { code: 'USAGE', message });
  await assert.rejects(start('topic', { topic: 'x' }, { topic: 'x.control' }), { code: 'USAGE', message });
  await assert.rejects(start('table', { path, table: 'A' }, { path, table: 'a' }), {
    code: 'USAGE',
    message,
  });
  await assert.rejects(start('topic', { topic: 'memory' }, { topic: 'y' }), {
    code: 'USAGE',
    message: /write to the topic memory, which it reads/,
  });
  await assert.rejects(start('table', { path, table: 'tallystream_batches' }, { path, table: 'a' }), {
    code: 'USAGE',
    message: /cannot write to tallystream_batches/,
  });
});

test('refuses the target of another query that runs, and gives it free when that one ends', async (t) => {
  const { stream, around, source } = placeOf(t);
  const path = join(around, 'out.db');
  await source.addData([{ shop: 'a', amount: 1 }]);
  const start = (name: string) =>
    stream.writeStream.queryName(name).format('table', { path, table: 'rows' }).start();
  const first = await start('first');
  await assert.rejects(start('second'), { code: 'USAGE', message: /which the query first writes/ });
  await first.stop();
  const second = await start('second');
  await second.stop();
});

for (const [fileFormat, compression, takes] of [
  ['parquet', 'lzo', /Use one of snappy, gzip, zstd, none/],
  ['ndjson', 'snappy', /Use gzip or none for ndjson/],
] as const) {
  test(`refuses the compression ${compression} of ${fileFormat} files with those that there are`, async (t) => {
    const { stream, around } = placeOf(t);
    const options = { path: join(around, 'out'), fileFormat, compression } as object;
    await assert.rejects(async () => stream.writeStream.queryName('q').format('file', options).start(), {
      code: 'USAGE',
      message: takes,
    });
  });
}
