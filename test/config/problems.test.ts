import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KEYS } from '../../src/config/key-list.ts';
import { configInvalid, describeMismatch } from '../../src/config/problems.ts';

test('a wrong secret is refused without being quoted', () => {
  const key = { ...KEYS[0]!, secret: true as const };
  const message = describeMismatch(key, 'canary7f3a', { kind: 'mismatch' });
  assert.equal(message, 'data_dir must be the path of a folder, and is something else.');
});

test('a place cannot act on the terminal either', () => {
  const { message } = configInvalid([{ where: 'a\u001b[2J.yaml:1:1', what: 'No.' }]);
  assert.equal(message, 'a\\u{1b}[2J.yaml:1:1: No.');
});
