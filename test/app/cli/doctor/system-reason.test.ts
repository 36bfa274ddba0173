import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { systemReason } from '../../../../src/app/cli/doctor/system-reason.ts';

test('gives the system’s words and code without the path', () => {
  const path = new URL('./no-such-file', import.meta.url);
  assert.throws(
    () => readFileSync(path),
    (error) => systemReason(error) === 'no such file or directory (ENOENT)',
  );
});

test('gives the message of any other error, and whatever else was thrown', () => {
  assert.equal(systemReason(new Error('broken')), 'broken');
  assert.equal(systemReason('broken'), 'broken');
});
