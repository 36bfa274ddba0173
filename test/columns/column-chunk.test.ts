import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ColumnBatch } from '../../src/columns/column-chunk.ts';
import { createDecoder } from '../../src/columns/decode/decoder.ts';
import { rowOf } from '../../src/columns/rows.ts';
import { optional, schema, types, type Schema } from '../../src/columns/schema/schema.ts';

const ARRAYS = schema([
  optional('words', types.array(types.string({ dictionary: true })), ''),
  optional('texts', types.array(types.string(), { containsNull: true }), ''),
  optional('longs', types.array(types.long(), { containsNull: true }), ''),
  optional('flags', types.array(types.boolean(), { containsNull: true }), ''),
  optional('days', types.array(types.date()), ''),
  optional('last', types.int(), ''),
]);

const decoder = createDecoder(ARRAYS, { valueBytesMax: 1 << 20 });

/** Decodes events into rows 0 and on, and gives the rows; those with a problem are undefined. */
function decodeAll<S extends Schema>(batch: ColumnBatch<S>, events: readonly unknown[]) {
  const parts = events.map((event) => Buffer.from(typeof event === 'string' ? event : JSON.stringify(event)));
  batch.reset(Buffer.concat(parts), parts.length);
  let at = 0;
  const problems = parts.map((part, row) => decoder.decode(batch, at, (at += part.length), row));
  return problems.map((problem, row) =>
    problem === undefined ? { ...(rowOf(batch, row) as object) } : undefined,
  );
}

const NULLS = { words: null, texts: null, longs: null, flags: null, days: null, last: null };

test('elements outgrow the first room and keep what stood there, row by row', () => {
  const batch = new ColumnBatch(ARRAYS, 1);
  const many = Array.from({ length: 1000 }, (_, index) => index);
  const event = (shift: number) => ({
    words: many.map((index) => `w${(index + shift) % 7}`),
    texts: many.map((index) => (index % 5 === 0 ? null : `t${index + shift}`)),
    longs: many.map((index) => (index % 3 === 0 ? null : index + shift)),
    flags: many.map((index) => (index % 3 === 0 ? null : index % 2 === 0)),
    days: many.map((index) => new Date((index + shift) * 864e5).toISOString().slice(0, 10)),
  });
  const row = (shift: number) => ({
    ...NULLS,
    ...event(shift),
    longs: event(shift).longs.map((value) => (value === null ? null : BigInt(value))),
  });
  assert.deepEqual(decodeAll(batch, [event(0), {}, event(3)]), [row(0), NULLS, row(3)]);
  assert.deepEqual(decodeAll(batch, [event(5)]), [row(5)], 'in the next chunk too');
  assert.equal(batch.column('longs').itemsUsed, 1000, 'elements of the chunk before are gone');
});

test('an empty array is not null, and a batch without room takes both', () => {
  const batch = new ColumnBatch(ARRAYS, 0);
  const rows = decodeAll(batch, [{ longs: [], words: [] }, { longs: null }, { longs: [1] }]);
  assert.deepEqual(rows, [{ ...NULLS, longs: [], words: [] }, NULLS, { ...NULLS, longs: [1n] }]);
});

test('whatever an event with a problem had is in no row behind it', () => {
  const batch = new ColumnBatch(ARRAYS, 4);
  const rows = decodeAll(batch, [
    { longs: [1], last: 1 },
    { words: ['a', 'b'], longs: [2, 'x'] },
    { longs: [3, 4], last: 'x' },
    '{"longs":[9007199254740993,null]}',
  ]);
  assert.deepEqual(rows, [
    { ...NULLS, longs: [1n], last: 1 },
    undefined,
    undefined,
    { ...NULLS, longs: [9007199254740993n, null] },
  ]);
  for (const row of [1, 2]) assert.deepEqual({ ...(rowOf(batch, row) as object) }, NULLS);
});

test('an element is counted from the beginning of its own array, and a bad array leaves no elements', () => {
  const batch = new ColumnBatch(ARRAYS, 4);
  const text = '{"longs":[1,2,3]}{"longs":[4,5,"x"]}';
  batch.reset(Buffer.from(text), 2);
  assert.equal(decoder.decode(batch, 0, 17, 0), undefined);
  assert.equal(decoder.decode(batch, 17, text.length, 1)?.field, 'longs[2]');
  assert.equal(batch.column('longs').itemsUsed, 3);
});

test('a wide long of one chunk is not read in the next', () => {
  const batch = new ColumnBatch(ARRAYS, 1);
  decodeAll(batch, ['{"longs":[9007199254740993]}']);
  assert.equal(batch.column('longs').items.wide.size, 1);
  decodeAll(batch, ['{"longs":[7]}']);
  assert.equal(batch.column('longs').items.wide.size, 0);
});

test('dictionaries of elements are counted and forgotten with the others', () => {
  const batch = new ColumnBatch(ARRAYS, 1);
  decodeAll(batch, [{ words: ['Home', 'Books', 'Home'] }]);
  assert.equal(batch.dictionaryBytes, 9);
  batch.clearDictionaries();
  assert.equal(batch.dictionaryBytes, 0);
  assert.deepEqual(decodeAll(batch, [{ words: ['Books'] }]), [{ ...NULLS, words: ['Books'] }]);
});
