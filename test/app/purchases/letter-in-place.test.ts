import assert from 'node:assert/strict';
import { test } from 'node:test';
import { header, letterInPlaceOf, type LetterRecord } from '../../../src/app/purchases/letter-in-place.ts';

const BASE: LetterRecord = {
  key: Buffer.from('customer_1'),
  value: Buffer.alloc(2_000),
  headers: [header('trace', 'x'.repeat(500)), header('__connect.errors.offset', 41)],
  eventHeaders: 1,
  position: 'purchases/3/41',
  timestampMs: 4_000_000_000_000,
};

const headersOf = ({ headers }: LetterRecord) =>
  headers.map(({ name, value }) => [name, Buffer.from(value).toString()]);

test('a letter that is too large loses its largest part, one after the other, and says how large each was', () => {
  const withoutValue = letterInPlaceOf(BASE, 'too large');
  assert.deepEqual([withoutValue?.value, withoutValue?.key], [null, BASE.key]);
  const withoutHeaders = letterInPlaceOf(withoutValue as LetterRecord, 'too large');
  const withoutKey = letterInPlaceOf(withoutHeaders as LetterRecord, 'too large');
  assert.equal(withoutKey?.key, null);
  assert.deepEqual(headersOf(withoutKey), [
    ['__connect.errors.offset', '41'],
    ['tallystream.value.omitted', '2000'],
    ['tallystream.headers.omitted', '505'],
    ['tallystream.key.omitted', '10'],
  ]);
  assert.equal(letterInPlaceOf(withoutKey, 'too large'), undefined);
});

test('headers of the event that are larger than its value go first, whatever their names', () => {
  const headers = [
    header('__connect.errors.topic', 'y'.repeat(5_000)),
    header('__connect.errors.offset', 41),
  ];
  const smaller = letterInPlaceOf({ ...BASE, headers }, 'too large');
  assert.equal(smaller?.value, BASE.value);
  assert.deepEqual(headersOf(smaller), [
    ['__connect.errors.offset', '41'],
    ['tallystream.headers.omitted', '5022'],
  ]);
});

test('a time that the topic does not take is replaced once, and kept in a header', () => {
  const now = letterInPlaceOf(BASE, 'timestamp');
  assert.equal(now?.timestampMs, undefined);
  assert.deepEqual(headersOf(now as LetterRecord).at(-1), [
    'tallystream.timestamp.original',
    '4000000000000',
  ]);
  assert.equal(letterInPlaceOf(now as LetterRecord, 'timestamp'), undefined);
});

test('a letter without a key that is refused gets its position as the key, once', () => {
  const keyed = letterInPlaceOf({ ...BASE, key: null }, 'invalid');
  assert.equal(Buffer.from(keyed?.key ?? []).toString(), 'purchases/3/41');
  assert.deepEqual(headersOf(keyed as LetterRecord).at(-1), ['tallystream.key.added', 'purchases/3/41']);
  assert.equal(letterInPlaceOf(keyed as LetterRecord, 'invalid'), undefined);
});
