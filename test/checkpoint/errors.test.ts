import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkpointFailure } from '../../src/checkpoint/errors.ts';
import { InvariantError, TallystreamError } from '../../src/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'tallystream-failure-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const here = join(folder, 'here');
mkdirSync(here);
writeFileSync(join(here, 'checkpoint.db'), '');

const failureOf = (errcode: number, message = 'said so', location = here) =>
  checkpointFailure(Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode }), { location });
const systemFailureOf = (code: string) =>
  checkpointFailure(Object.assign(new Error(`${code}: said so`), { code, syscall: 'stat' }), {
    location: here,
  });

for (const [name, errcode, code] of [
  ['a full disk', 13, 'STORAGE_FULL'],
  ['a busy file', 5, 'CHECKPOINT_LOCKED'],
  ['a file that is busy recovering', 261, 'CHECKPOINT_LOCKED'],
  ['a damaged file', 11, 'CHECKPOINT_CORRUPT'],
  ['a damaged index', 779, 'CHECKPOINT_CORRUPT'],
  ['no database', 26, 'CHECKPOINT_CORRUPT'],
  ['a failed read', 266, 'CHECKPOINT_UNAVAILABLE'],
  ['a failed read of a disk that is damaged', 8458, 'CHECKPOINT_UNAVAILABLE'],
  ['a failed write', 778, 'CHECKPOINT_UNAVAILABLE'],
  ['a failed fsync', 1034, 'CHECKPOINT_UNAVAILABLE'],
  ['shared memory that cannot grow', 4874, 'CHECKPOINT_UNAVAILABLE'],
  ['a call that got no memory', 3082, 'CHECKPOINT_UNAVAILABLE'],
  ['no memory', 7, 'CHECKPOINT_UNAVAILABLE'],
  ['a lock that was taken too often', 15, 'CHECKPOINT_LOCKED'],
  ['a file that could not be opened for a moment', 14, 'CHECKPOINT_UNAVAILABLE'],
  ['a file that cannot be written', 8, 'CONFIG_INVALID'],
] as const) {
  test(`says ${code} for ${name}`, () => {
    const failure = failureOf(errcode);
    assert.ok(
      failure instanceof TallystreamError && failure.code === code && failure.message.includes('here'),
    );
    assert.ok(failure.cause instanceof Error);
    assert.doesNotMatch(failure.message, /delete the folder|kill/);
    if (code !== 'CHECKPOINT_CORRUPT') assert.doesNotMatch(failure.message, /from the start/);
  });
}

test('names what was tried in vain, and keeps the folder', () => {
  assert.match(
    String(failureOf(1034, 'disk I/O error')),
    /disk I\/O error \(flushing\).*Do not change the folder/,
  );
  assert.deepEqual(readdirSync(here), ['checkpoint.db'], 'nothing is left of looking for the cause');
});

for (const [code, found] of [
  ['ENOSPC', 'STORAGE_FULL'],
  ['EDQUOT', 'STORAGE_FULL'],
  ['EIO', 'CHECKPOINT_UNAVAILABLE'],
  ['EMFILE', 'CHECKPOINT_UNAVAILABLE'],
  ['EACCES', 'CONFIG_INVALID'],
  ['EROFS', 'CONFIG_INVALID'],
] as const) {
  test(`says ${found} where the system says ${code}`, () => {
    const failure = systemFailureOf(code);
    assert.ok(failure instanceof TallystreamError && failure.code === found);
  });
}

test('says what lies in the place of the file where that cannot be opened', () => {
  const location = join(folder, 'wrong');
  mkdirSync(join(location, 'checkpoint.db'), { recursive: true });
  const failure = failureOf(14, 'unable to open database file', location);
  assert.ok(failure instanceof TallystreamError && failure.code === 'CONFIG_INVALID');
  assert.match(failure.message, /checkpoint\.db is not a regular file/);
});

test('tells a file that lost its name from a disk that fails', () => {
  const failure = failureOf(266, 'disk I/O error', join(folder, 'gone'));
  assert.ok(failure instanceof TallystreamError && /was deleted or replaced/.test(failure.message));
});

test('tells a missing table from a mistake of our own', () => {
  const missing = failureOf(1, 'no such table: meta');
  assert.ok(missing instanceof TallystreamError && missing.code === 'CHECKPOINT_CORRUPT');
  assert.ok(failureOf(1, 'near "SELCT": syntax error') instanceof InvariantError);
  assert.ok(failureOf(1555, 'UNIQUE constraint failed') instanceof InvariantError);
});

test('leaves errors that are not of SQLite as they are', () => {
  const errors = [
    new Error('x'),
    new TypeError('y'),
    new InvariantError('z'),
    new TallystreamError('USAGE', { what: 'w' }),
    'text',
  ];
  for (const error of errors) assert.equal(checkpointFailure(error, { location: 'here' }), error);
});
