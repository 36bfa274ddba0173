/** Sinks by their formats, from the program's own words. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { createSession } from '../../src/compose/session.ts';
import { required, schema, types } from '../../src/columns/schema/schema.ts';
import { count, sum } from '../../src/plan/measure.ts';
import { createManualClock } from '../../src/testing/manual-clock.ts';
import { readPartition } from '../contract/log/log-records.ts';
import type { Log } from '../../src/contracts/log.ts';
import { logOf } from '../../src/stream/memory-stream.ts';

const SALE = schema([
  required('id', types.string(), 'identity'),
  required('shop', types.string(), 'where'),
  required('amount', types.decimal(10, 2), 'what'),
]);

function placeOf(t: TestContext) {
  const dataDir = mkdtempSync(join(tmpdir(), 'tallystream-sinks-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const session = createSession({ dataDir, clock: createManualClock(Date.UTC(2026, 0, 2)) });
  const sales = session.memoryStream(SALE);
  return { dataDir, session, sales, stream: session.readStream.format('memory', sales).load(SALE) };
}

const sale = (id: string, shop: string, amount: string) => ({ id, shop, amount });

test('a table holds the newest row of each group', async (t) => {
  const { dataDir, sales, stream } = placeOf(t);
  const path = join(dataDir, 'shops.db');
  const run = async () => {
    const query = await stream
      .groupBy('shop')
      .agg({ total: sum('amount'), events: count() })
      .writeStream.queryName('shops')
      .outputMode('update')
      .trigger({ availableNow: true })
      .format('table', { path, table: 'shops' })
      .start();
    await query.awaitTermination();
  };
  await sales.addData([sale('a', 'x', '1.00'), sale('b', 'y', '2.00')]);
  await run();
  await sales.addData([sale('c', 'x', '0.50')]);
  await run();
  const database = new DatabaseSync(path);
  const rows = database.prepare('SELECT shop, total, events FROM shops ORDER BY shop').all();
  database.close();
  assert.deepEqual(
    rows.map((row) => ({ ...row })),
    [
      { shop: 'x', total: '1.50', events: 2 },
      { shop: 'y', total: '2.00', events: 1 },
    ],
  );
});

test('files hold the events of each batch, exactly', async (t) => {
  const { dataDir, sales, stream } = placeOf(t);
  const path = join(dataDir, 'out');
  await sales.addData([sale('a', 'x', '90071992.41'), sale('b', 'y', '0.10')]);
  const query = await stream
    .filter(({ amount }) => amount.gt('1.00'))
    .writeStream.queryName('large')
    .trigger({ availableNow: true })
    .format('file', { path })
    .start();
  await query.awaitTermination();
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' });
  const [file = ''] = files.filter((name) => name.endsWith('.ndjson'));
  assert.equal(readFileSync(join(path, file), 'utf8'), '{"id":"a","shop":"x","amount":90071992.41}\n');
});

test('a topic of the same log holds each row once, keyed by its group', async (t) => {
  const { sales, stream } = placeOf(t);
  await sales.addData([sale('a', 'x', '1.00'), sale('b', 'x', '2.00')]);
  for (let run = 0; run < 2; run += 1) {
    const query = await stream
      .groupBy('shop')
      .agg({ total: sum('amount') })
      .writeStream.queryName('topic')
      .outputMode('update')
      .trigger({ availableNow: true })
      .format('topic', { topic: 'totals' })
      .start();
    await query.awaitTermination();
  }
  const records = await readPartition(logOf(sales) as Log, 'totals', 0);
  assert.deepEqual(
    records.map(({ key, value }) => [key, value]),
    [['{"shop":"x"}', '{"shop":"x","total":3.00}']],
  );
});

test('each row goes to a function, and several sinks of one query get the same', async (t) => {
  const { sales, stream } = placeOf(t);
  const seen: unknown[] = [];
  await sales.addData([sale('a', 'x', '1.00')]);
  const query = await stream.writeStream
    .queryName('two')
    .trigger({ once: true })
    .foreach((row) => void seen.push(row['id']))
    .foreachBatch((batch) => void seen.push(batch.count()))
    .start();
  await query.awaitTermination();
  assert.deepEqual(new Set(seen), new Set([1, 'a']));
});

test('a format or an option that there is not is refused in words', (t) => {
  const { stream } = placeOf(t);
  const writer = stream.writeStream.queryName('q');
  // @ts-expect-error no format
  assert.throws(() => writer.format('tabel'), /no sink format "tabel".*console, memory, table/);
  assert.throws(() => writer.format('table'), /needs the option path/);
  // @ts-expect-error no option
  assert.throws(() => writer.format('file', { pth: 'x' }), /no option pth\. Did you mean path\?.*fileFormat/);
});
