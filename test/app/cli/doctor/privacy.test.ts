import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspectPrivacy, judgePrivacy } from '../../../../src/app/cli/doctor/privacy.ts';
import { loadConfig } from '../../../../src/app/config/load.ts';

test(
  'names the files that other users can read, and only those',
  { skip: process.platform === 'win32' && 'Windows has no such rights' },
  async (t) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'tallystream-privacy-'));
    t.after(() => rmSync(dataDir, { recursive: true }));
    const { config } = await loadConfig({
      flags: { 'data-dir': dataDir },
      kafkaSettings: [],
      env: {},
      cwd: dataDir,
    });
    assert.deepEqual(await inspectPrivacy(config), []);
    mkdirSync(config.query.checkpointLocation, { recursive: true });
    const log = join(dataDir, 'log.db');
    const checkpoint = join(config.query.checkpointLocation, 'checkpoint.db');
    for (const file of [log, checkpoint]) writeFileSync(file, '');
    chmodSync(dataDir, 0o755);
    chmodSync(config.query.checkpointLocation, 0o700);
    chmodSync(log, 0o640);
    chmodSync(checkpoint, 0o644);
    assert.deepEqual(
      await inspectPrivacy(config),
      [log],
      'nobody comes through the folder of the checkpoint',
    );
    chmodSync(dataDir, 0o700);
    assert.deepEqual(await inspectPrivacy(config), []);
  },
);

test('warns of them, and says how to take the rights away', () => {
  const { status, found, hint } = judgePrivacy(['a', 'b', 'c', 'd']);
  assert.deepEqual(
    [status, found],
    ['warn', "Other users of this machine can read customers' data: a, b, c and 1 more."],
  );
  assert.match(hint ?? '', /chmod -R go-rwx/);
  assert.equal(judgePrivacy([]).status, 'pass');
});
