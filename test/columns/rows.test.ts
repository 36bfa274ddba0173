import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ColumnBatch } from '../../src/columns/column-chunk.ts';
import { createDecoder } from '../../src/columns/decode/decoder.ts';
import { rowOf } from '../../src/columns/rows.ts';
import { optional, required, schema, types } from '../../src/columns/schema/schema.ts';
import { Bench, PLAIN } from './events.ts';

test('a row shows decimals and instants as exact text, and structs as objects', () => {
  const bench = new Bench();
  const text = `${PLAIN.slice(0, -1)},"wide":1e33,"count":3,"category":"H\\u006fme","new":false,"place":{"country":"DE"}}`;
  assert.equal(bench.decode(text), undefined);
  assert.deepEqual(JSON.parse(JSON.stringify(rowOf(bench.batch, 1))), {
    id: 'a1',
    at: '2025-06-26T14:11:33.000Z',
    amount: '24.15',
    wide: `1${'0'.repeat(33)}.0000`,
    count: 3,
    category: 'Home',
    new: false,
    place: { country: 'DE', city: null },
    größe: null,
    'say "a\\b"': null,
    big: null,
    ratio: null,
    day: null,
    tags: null,
    words: null,
    prices: null,
    moments: null,
  });
});

test('an absent struct is an object of nulls', () => {
  const bench = new Bench();
  assert.equal(bench.decode(PLAIN), undefined);
  assert.deepEqual({ ...(rowOf(bench.batch, 1)['place'] as object) }, { country: null, city: null });
});

test('longs are bigints also where they are small, doubles are numbers, dates are text', () => {
  const bench = new Bench();
  const members =
    '"big":5,"ratio":1.50,"day":"2024-02-29","tags":[],"words":["Home",null],"prices":[1.5,1e33],"moments":["2025-06-26T16:11:33.000001+02:00"]';
  assert.equal(bench.decode(`${PLAIN.slice(0, -1)},${members}}`), undefined);
  const { big, ratio, day, tags, words, prices, moments } = rowOf(bench.batch, 1);
  assert.deepEqual(
    { big, ratio, day, tags, words, prices, moments },
    {
      big: 5n,
      ratio: 1.5,
      day: '2024-02-29',
      tags: [],
      words: ['Home', null],
      prices: ['1.5000', `1${'0'.repeat(33)}.0000`],
      moments: ['2025-06-26T14:11:33.000001Z'],
    },
  );
});

test('names of prototype members are fields like any other', () => {
  const odd = schema([
    optional('__proto__', types.struct([optional('constructor', types.int(), '')]), ''),
    optional('constructor', types.string(), ''),
  ]);
  const batch = new ColumnBatch(odd, 1);
  const bytes = Buffer.from('{"constructor":"x","__proto__":{"constructor":1}}');
  batch.reset(bytes, 1);
  assert.equal(createDecoder(odd, { valueBytesMax: 1000 }).decode(batch, 0, bytes.length, 0), undefined);
  const row = rowOf(batch, 0);
  assert.equal(Object.getPrototypeOf(row), Object.prototype);
  assert.deepEqual(Object.keys(row), ['__proto__', 'constructor']);
  assert.equal(JSON.stringify(row), '{"__proto__":{"constructor":1},"constructor":"x"}');
});

test('a row is a plain object, which a test compares with its own', () => {
  const place = schema([required('at', types.struct([required('city', types.string(), '')]), '')]);
  const batch = new ColumnBatch(place, 1);
  const bytes = Buffer.from('{"at":{"city":"Köln"}}');
  batch.reset(bytes, 1);
  assert.equal(createDecoder(place, { valueBytesMax: 1000 }).decode(batch, 0, bytes.length, 0), undefined);
  assert.deepStrictEqual(rowOf(batch, 0), { at: { city: 'Köln' } });
});
