import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openEmbeddedLog } from '../../../src/log/embedded/log.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';

const record = { key: null, value: new Uint8Array(3) };

test('refuses to acknowledge into a log that was deleted or replaced while it is open', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-presence-'));
  try {
    const path = join(folder, 'log.db');
    const log = await openEmbeddedLog({ path, clock: systemClock });
    await log.createTopic('t', { partitions: 1 });
    await log.append('t', [record]);
    renameSync(path, join(folder, 'away.db'));
    await assert.rejects(log.append('t', [record]), {
      code: 'LOG_UNAVAILABLE',
      message: /deleted or replaced/,
    });
    await assert.rejects(log.offsets('t'), { code: 'LOG_UNAVAILABLE' });
    renameSync(join(folder, 'away.db'), path);
    await log.append('t', [record]);
    await log.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
