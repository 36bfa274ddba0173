import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KAFKA_NAMES } from '../../src/options/kafka-names.ts';
import { KEYS } from '../../src/app/config/key-list.ts';
import { holdsSecret, looksLikeSecret, looksMade, shownWord } from '../../src/values/secrets.ts';

test('what looks like a secret is told from what people write', () => {
  for (const text of [
    '-----BEGIN PRIVATE KEY-----\nMII',
    'eyJhbGciOiJub25lIn0.eyJzdWIi',
    'amqp://till:pw@host/x',
    'sasl.password = x',
    '"password":"x"',
    'api_key: 9',
  ]) {
    assert.ok(holdsSecret(text) && looksLikeSecret(text), text);
  }
  for (const text of ['1 s sasl_password', 'Kanarie77Xkq9', 'a 9f86d081884c7d659a2feaa0c55ad015 b'])
    assert.ok(looksLikeSecret(text) && !holdsSecret(text), text);
  for (const text of [
    '10 seconds',
    '2025-06-26T14:00:00+02:00',
    'Europe/Belrin',
    'purchase-totals-2025',
    '/srv/tally/data2/v1/shop-7',
    'a:9092,broker-2.example.org:9092',
    'x'.repeat(500),
    '12345678901234567890',
  ]) {
    assert.ok(!looksLikeSecret(text), text);
  }
});

test('no name or default of ours looks as if a program had made it', () => {
  for (const { path, environment, defaultText } of KEYS)
    for (const text of [path, environment, defaultText]) assert.ok(!looksMade(text), text);
  for (const name of KAFKA_NAMES) assert.ok(!looksMade(`kafka.${name}`), name);
});

test('a word is shown within bounds, and as asterisks where it looks like a secret', () => {
  assert.equal(shownWord('yesterday'), 'yesterday');
  assert.equal(shownWord('x'.repeat(61)), `${'x'.repeat(60)}…`);
  assert.equal(shownWord('Kanarie77Xkq9'), '********');
});
