import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder, makePrivateFile } from '../../src/sqlite/make-folder.ts';

test('makes what is missing, and says from where on', (t) => {
  const base = mkdtempSync(join(tmpdir(), 'tallystream-folder-'));
  t.after(() => rmSync(base, { recursive: true }));
  assert.equal(makeFolder(base), undefined);
  assert.equal(makeFolder(join(base, 'a', 'b', 'c')), join(base, 'a'));
  for (const made of [['a'], ['a', 'b'], ['a', 'b', 'c']])
    assert.equal(statSync(join(base, ...made)).mode & 0o077, 0, 'for its owner alone');
  assert.equal(makeFolder(join(base, 'a', 'b')), undefined);
  assert.equal(makeFolder(join(base, 'a', 'd')), join(base, 'a', 'd'));
  writeFileSync(join(base, 'file'), '');
  assert.throws(() => makeFolder(join(base, 'file')), { code: 'EEXIST' });
  assert.throws(() => makeFolder(join(base, 'file', 'deeper')), { code: 'ENOTDIR' });
});

test('ends where a folder takes no new names', { skip: process.platform !== 'linux' }, () => {
  assert.throws(() => makeFolder('/proc/none/of/these'), { code: 'ENOENT' });
});

test('makes a file for its owner alone, once, and follows no link', (t) => {
  const base = mkdtempSync(join(tmpdir(), 'tallystream-file-'));
  t.after(() => rmSync(base, { recursive: true }));
  const path = join(base, 'file');
  assert.equal(makePrivateFile(path), true);
  if (process.platform !== 'win32') assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(makePrivateFile(path), false);
  symlinkSync(join(base, 'elsewhere'), join(base, 'link'));
  assert.equal(makePrivateFile(join(base, 'link')), false);
  assert.equal(existsSync(join(base, 'elsewhere')), false);
});
