import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readLineFacts } from '../../../src/producer/lines/line-facts.ts';

const FIELDS = { keyField: 'customer_id', timestampField: 'timestamp' };
const facts = (text: string) => {
  const { key, timestampMs } = readLineFacts(Buffer.from(text), FIELDS);
  return { key: key === null ? null : Buffer.from(key).toString(), timestampMs };
};

test('reads key and time of an object', () => {
  assert.deepEqual(facts('{"timestamp":"2026-01-02T03:04:05.250+01:00","customer_id":"Zoë"}'), {
    key: 'Zoë',
    timestampMs: Date.UTC(2026, 0, 2, 2, 4, 5, 250),
  });
});

test('takes only a text of the object itself for a key', () => {
  for (const line of [
    '{"customer_id":5}',
    '{"customer_id":null}',
    '{}',
    '["customer_id"]',
    '"x"',
    'null',
    '',
    '{',
  ]) {
    assert.equal(facts(line).key, null, line);
  }
  assert.equal(
    readLineFacts(Buffer.from('{}'), { keyField: 'toString', timestampField: '__proto__' }).key,
    null,
  );
});

test('takes no time without a zone, and none that is no date', () => {
  for (const time of ['2026-01-02T03:04:05', '2026-13-02T03:04:05Z', 'yesterday', '2026-01-02']) {
    assert.equal(facts(JSON.stringify({ timestamp: time })).timestampMs, undefined, time);
  }
});

test('never throws, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      readLineFacts(bytes, FIELDS);
    }),
  );
  assert.equal(facts('['.repeat(100_000)).key, null);
});

test('takes no key that is longer than a key should be, so that one bad line keeps no other out', () => {
  const keyOf = (length: number) => facts(JSON.stringify({ customer_id: 'x'.repeat(length) })).key;
  assert.equal(keyOf(4096)?.length, 4096);
  assert.equal(keyOf(4097), null);
});
