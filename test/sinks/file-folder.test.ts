/** Files of a sink hold events: who may read them is decided by the folder, and no link leads them elsewhere. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { writeWhole } from '../../src/sinks/file-folder.ts';

const NO_MODES = process.platform === 'win32' && 'Windows has no such rights';

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-file-folder-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const modeOf = (path: string): number => statSync(path).mode & 0o777;

test('makes folders and files for their owner alone', { skip: NO_MODES }, async (t) => {
  const folder = join(folderOf(t), 'out', 'totals');
  await writeWhole(join(folder, 'a'), ['text'], undefined, 1);
  assert.deepEqual([modeOf(folder), modeOf(join(folder, 'a'))], [0o700, 0o600]);
});

test('lets those read a file who may read the folder that was there', { skip: NO_MODES }, async (t) => {
  const before = process.umask(0);
  t.after(() => process.umask(before));
  const folder = join(folderOf(t), 'shared');
  mkdirSync(folder, { mode: 0o750 });
  await writeWhole(join(folder, 'a'), ['text'], undefined, 1);
  assert.equal(modeOf(join(folder, 'a')), 0o640);
});

test('does not write through a link that has the hidden name of the file', async (t) => {
  const folder = folderOf(t);
  const elsewhere = join(folder, 'elsewhere');
  writeFileSync(elsewhere, 'as it was');
  symlinkSync(elsewhere, join(folder, '.batch-00000001.ndjson.7.tmp'));
  await writeWhole(join(folder, 'batch-00000001.ndjson'), ['text'], undefined, 7);
  assert.equal(readFileSync(elsewhere, 'utf8'), 'as it was');
  assert.equal(readFileSync(join(folder, 'batch-00000001.ndjson'), 'utf8'), 'text');
  assert.equal(statSync(join(folder, 'batch-00000001.ndjson'), {}).isFile(), true);
});
