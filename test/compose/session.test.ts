/** A session depends on what the program passes, and on nothing that happens to be around it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'node:test';
import { openEmbedded } from '../../src/compose/log.ts';
import { systemClock } from '../../src/observe/system-clock.ts';

const SOURCES = pathToFileURL(join(import.meta.dirname, '../../src/')).href;
const PROGRAM = `
import { createSession } from '${SOURCES}compose/session.ts';
import { required, schema, types } from '${SOURCES}columns/schema/schema.ts';

const EVENT = schema([required('id', types.string(), 'which')]);
const read = (format, options) =>
  createSession({ dataDir: 'own' })
    .readStream.format(format)
    .options({ subscribe: 'events', ...options })
    .load(EVENT)
    .writeStream.queryName(format)
    .trigger({ availableNow: true })
    .foreachBatch((batch) => {
      for (const { id } of batch) console.log(id);
    })
    .start();
await (await read('embedded', {})).awaitTermination();
try {
  await read('kafka', {
    'kafka.bootstrap.servers': '127.0.0.1:1',
    'kafka.socket.connection.setup.timeout.ms': 200,
  });
} catch (error) {
  console.log(error.code);
}
`;

test('a program reads its logs in a folder with a configuration of its own and variables of the commands', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-surroundings-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'config'));
  writeFileSync(join(folder, 'config/config.yaml'), 'port: 3000\n');
  writeFileSync(join(folder, 'program.mjs'), PROGRAM);
  mkdirSync(join(folder, 'own'));
  const log = await openEmbedded(join(folder, 'own'), systemClock);
  await log.createTopic('events', { partitions: 1 });
  await log.append('events', [
    { key: null, value: new TextEncoder().encode('{"id":"first"}'), partition: 0 },
  ]);
  await log.close();

  const { stdout, stderr } = spawnSync(process.execPath, ['program.mjs'], {
    cwd: folder,
    encoding: 'utf8',
    env: {
      ...process.env,
      TALLYSTREAM_DATA_DIR: join(folder, 'elsewhere'),
      TALLYSTREAM_KAFKA_ACKS: 'what',
      TALLYSTREAM_PORT: '3000',
    },
  });
  assert.equal(stdout, 'first\nLOG_UNAVAILABLE\n', stderr);
});
