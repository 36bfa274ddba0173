import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspectFolder, judgeFolder } from '../../../../src/app/cli/doctor/folder.ts';
import { temporaryFolder } from './folders.ts';

test('passes a folder that can be written to, and leaves nothing in it', async (t) => {
  const folder = temporaryFolder(t);
  assert.deepEqual(judgeFolder(await inspectFolder(folder)), {
    status: 'pass',
    found: `${folder}, writable`,
    hint: null,
  });
  assert.deepEqual(readdirSync(folder), []);
});

test('passes a folder that can be made, and does not make it', async (t) => {
  const folder = join(temporaryFolder(t), 'deep', 'deeper');
  const { status, found } = judgeFolder(await inspectFolder(folder));
  assert.deepEqual([status, found], ['pass', `${folder} does not exist yet, and can be created`]);
  assert.equal(existsSync(join(folder, '..')), false);
});

test('fails a file in place of the folder, or above it', async (t) => {
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, '');
  for (const folder of [file, join(file, 'data'), join(file, 'deep', 'data')]) {
    const { status, found, hint } = judgeFolder(await inspectFolder(folder));
    assert.equal(status, 'fail', folder);
    assert.ok(found.includes(file) && found.includes('it is a file'), found);
    assert.match(hint ?? '', /--data-dir/);
  }
});

test('fails a folder that nobody can write to', { skip: !existsSync('/proc/self') }, async () => {
  for (const folder of ['/proc', '/proc/data']) {
    const { status, found } = judgeFolder(await inspectFolder(folder));
    assert.equal(status, 'fail');
    assert.match(found, /\(E[A-Z]+\)\.$/);
  }
});

test('fails a folder without the right to write', { skip: process.getuid?.() === 0 }, async (t) => {
  const folder = temporaryFolder(t);
  chmodSync(folder, 0o500);
  assert.match(judgeFolder(await inspectFolder(folder)).found, /permission denied \(EACCES\)/);
});
