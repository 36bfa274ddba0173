/** Structs of events are given on as structs, wherever the events go. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { createSession } from '../../src/compose/session.ts';
import { optional, required, schema, types } from '../../src/columns/schema/schema.ts';
import type { Log } from '../../src/contracts/log.ts';
import { silentLogger } from '../../src/observe/silent-logger.ts';
import { logOf } from '../../src/stream/memory-stream.ts';
import { createManualClock } from '../../src/testing/manual-clock.ts';
import { readPartition } from '../contract/log/log-records.ts';
import { readParquet, withoutParquet } from '../sinks/read-parquet.ts';

const GEO = types.struct([
  required('country', types.string(), 'which'),
  required('at', types.struct([optional('lat', types.double(), 'north')]), 'where in it'),
]);
const VISIT = schema([
  required('id', types.string(), 'which'),
  required('geo', GEO, 'where'),
  optional('before', GEO, 'where before'),
]);
const FIRST = {
  id: '1',
  geo: { country: 'DE', at: { lat: 52.5 } },
  before: { country: 'FR', at: { lat: 1 } },
};
const SECOND = { id: '2', geo: { country: 'PL', at: { lat: null } } };

async function placeOf(t: TestContext) {
  const dataDir = mkdtempSync(join(tmpdir(), 'tallystream-structs-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const clock = createManualClock(Date.UTC(2026, 0, 2));
  const session = createSession({ dataDir, clock, logger: silentLogger });
  const source = session.memoryStream(VISIT);
  await source.addData([FIRST, { ...SECOND, before: null as never }]);
  const stream = session.readStream.format('memory', source).load(VISIT);
  return { dataDir, source, stream, log: logOf(source) as Log };
}

test('a handler gets them as the compiler says, and its frame selects, filters and groups by their fields', async (t) => {
  const { stream } = await placeOf(t);
  const seen: unknown[] = [];
  const query = await stream.writeStream
    .queryName('visits')
    .trigger({ availableNow: true })
    .foreachBatch((batch) => {
      seen.push(batch.toRows());
      seen.push([...batch.toJson()]);
      seen.push(batch.select('geo.country').toRows());
      seen.push(batch.filter(({ geo }) => geo.country.eq('PL')).toRows().length);
      seen.push(batch.groupBy('geo.country').agg({}).toRows().length);
    })
    .start();
  await query.awaitTermination();
  assert.deepEqual(seen, [
    [FIRST, { ...SECOND, before: { country: null, at: { lat: null } } }],
    [
      '{"id":"1","geo":{"country":"DE","at":{"lat":52.5}},"before":{"country":"FR","at":{"lat":1}}}',
      '{"id":"2","geo":{"country":"PL"}}',
    ],
    [{ country: 'DE' }, { country: 'PL' }],
    1,
    2,
  ]);
});

test('a struct within a struct is selected under its own name', async (t) => {
  const { stream } = await placeOf(t);
  let rows: unknown;
  const query = await stream
    .select('id', 'geo.at', 'before.country')
    .writeStream.queryName('visits')
    .trigger({ availableNow: true })
    .foreachBatch((batch) => void (rows = batch.toRows()))
    .start();
  await query.awaitTermination();
  assert.deepEqual(rows, [
    { id: '1', at: { lat: 52.5 }, country: 'FR' },
    { id: '2', at: { lat: null }, country: null },
  ]);
});

test('a topic has JSON that the same schema reads again, and an absent struct stays absent', async (t) => {
  const { stream, log } = await placeOf(t);
  const query = await stream.writeStream
    .queryName('visits')
    .trigger({ availableNow: true })
    .format('topic', { topic: 'copies' })
    .start();
  await query.awaitTermination();
  const records = await readPartition(log, 'copies', 0);
  assert.deepEqual(
    records.map(({ value }) => JSON.parse(Buffer.from(value ?? []).toString()) as unknown),
    [FIRST, { id: '2', geo: { country: 'PL', at: {} } }],
  );
});

test('a table has a column for each field', async (t) => {
  const { stream, dataDir } = await placeOf(t);
  const path = join(dataDir, 'out.db');
  const query = await stream
    .select('id', 'geo')
    .writeStream.queryName('visits')
    .trigger({ availableNow: true })
    .format('table', { path })
    .start();
  await query.awaitTermination();
  const database = new DatabaseSync(path);
  const rows = database.prepare('SELECT id, geo_country, geo_at_lat FROM visits ORDER BY id').all();
  database.close();
  assert.deepEqual(
    rows.map((row) => ({ ...row })),
    [
      { id: '1', geo_country: 'DE', geo_at_lat: 52.5 },
      { id: '2', geo_country: 'PL', geo_at_lat: null },
    ],
  );
});

for (const [compression, codec] of [
  ['snappy', 'SNAPPY'],
  ['gzip', 'GZIP'],
  ['zstd', 'ZSTD'],
  ['none', 'UNCOMPRESSED'],
] as const) {
  test(
    `a Parquet file has groups, and is compressed with ${compression} if that is asked for`,
    { skip: withoutParquet },
    async (t) => {
      const { stream, dataDir } = await placeOf(t);
      const query = await stream.writeStream
        .queryName('visits')
        .trigger({ availableNow: true })
        .format('file', { path: join(dataDir, 'out'), fileFormat: 'parquet', compression })
        .start();
      await query.awaitTermination();
      const bytes = readFileSync(join(dataDir, 'out', 'visits', 'batch-00000000.parquet'));
      const { parquetMetadata } = await import('hyparquet');
      const codecs = parquetMetadata(Uint8Array.from(bytes).buffer).row_groups.flatMap(({ columns }) =>
        columns.map(({ meta_data: meta }) => meta?.codec),
      );
      assert.deepEqual([...new Set(codecs)], [codec]);
      const { rows } = await readParquet(bytes);
      // The reader has undefined for a group that is absent.
      assert.deepEqual(rows, [FIRST, { ...SECOND, before: undefined }]);
    },
  );
}
