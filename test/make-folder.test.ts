import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder } from '../src/make-folder.ts';

test('makes what is missing, and says from where on', (t) => {
  const base = mkdtempSync(join(tmpdir(), 'tallystream-folder-'));
  t.after(() => rmSync(base, { recursive: true }));
  assert.equal(makeFolder(base), undefined);
  assert.equal(makeFolder(join(base, 'a', 'b', 'c'), 0o700), join(base, 'a'));
  assert.equal(statSync(join(base, 'a', 'b', 'c')).mode & 0o777, 0o700);
  assert.equal(makeFolder(join(base, 'a', 'b')), undefined);
  assert.equal(makeFolder(join(base, 'a', 'd')), join(base, 'a', 'd'));
  writeFileSync(join(base, 'file'), '');
  assert.throws(() => makeFolder(join(base, 'file')), { code: 'EEXIST' });
  assert.throws(() => makeFolder(join(base, 'file', 'deeper')), { code: 'ENOTDIR' });
});

test('ends where a folder takes no new names', { skip: process.platform !== 'linux' }, () => {
  assert.throws(() => makeFolder('/proc/none/of/these'), { code: 'ENOENT' });
});
