import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { openEmbeddedLog } from '../../../src/log/embedded/log.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';

const openFiles = () => readdirSync('/proc/self/fd').length;
const noProc = process.platform === 'linux' ? false : 'it counts the open files in /proc';

test('a log that cannot record what it acknowledges leaves no file open', { skip: noProc }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-behind-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'log.db');
  await (await openEmbeddedLog({ path, clock: systemClock })).close();
  rmSync(`${path}-ack`);
  const other = new DatabaseSync(path);
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  const refused = () =>
    assert.rejects(openEmbeddedLog({ path, clock: systemClock, busyTimeoutMs: 1 }), {
      code: 'LOG_UNAVAILABLE',
    });
  // SQLite itself keeps one file for as long as this process has another connection to the log.
  await refused();
  const before = openFiles();
  for (let attempt = 0; attempt < 3; attempt += 1) await refused();
  assert.equal(openFiles(), before);
  other.exec('ROLLBACK');
  await (await openEmbeddedLog({ path, clock: systemClock })).close();
});
