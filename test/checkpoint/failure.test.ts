import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkpointFailure } from '../../src/checkpoint/failure.ts';
import { InvariantError, TallystreamError } from '../../src/errors.ts';

const failureOf = (errcode: number, message = 'said so') =>
  checkpointFailure(Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode }), {
    location: 'here',
  });

for (const [name, errcode, code] of [
  ['a full disk', 13, 'STORAGE_FULL'],
  ['a busy file', 5, 'CHECKPOINT_LOCKED'],
  ['a file that is busy recovering', 261, 'CHECKPOINT_LOCKED'],
  ['a damaged file', 11, 'CHECKPOINT_CORRUPT'],
  ['a damaged index', 779, 'CHECKPOINT_CORRUPT'],
  ['no database', 26, 'CHECKPOINT_CORRUPT'],
  ['a failed fsync', 1034, 'CHECKPOINT_CORRUPT'],
  ['a file that cannot be opened', 14, 'CONFIG_INVALID'],
  ['a file that cannot be written', 8, 'CONFIG_INVALID'],
] as const) {
  test(`says ${code} for ${name}`, () => {
    const failure = failureOf(errcode);
    assert.ok(
      failure instanceof TallystreamError && failure.code === code && failure.message.includes('here'),
    );
    assert.ok(failure.cause instanceof Error);
  });
}

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
