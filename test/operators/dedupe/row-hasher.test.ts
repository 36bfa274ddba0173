import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ColumnBatch } from '../../../src/columns/column-chunk.ts';
import { ContentHasher } from '../../../src/columns/hash/content-hash.ts';
import { createDecoder } from '../../../src/columns/decode/decoder.ts';
import { BLOCK_ROWS_MAX } from '../../../src/columns/hash/hash-stage.ts';
import { optional, required, schema, types } from '../../../src/columns/schema/schema.ts';
import { IdHasher } from '../../../src/operators/dedupe/id-hasher.ts';
import { CONTENT_WORDS, ID_WORDS, RowHasher } from '../../../src/operators/dedupe/row-hasher.ts';
import { anySchema, eventSample } from '../../columns/random-schema.ts';

const KEY = Uint8Array.from({ length: 16 }, (_, index) => index * 3);

function decoded(ofSchema: ConstructorParameters<typeof ColumnBatch>[0], events: readonly string[]) {
  const batch = new ColumnBatch(ofSchema, 1);
  const decoder = createDecoder(ofSchema, { valueBytesMax: 1 << 24 });
  const parts = events.map((event) => Buffer.from(event));
  batch.reset(Buffer.concat(parts), parts.length);
  let at = 0;
  parts.forEach((part, row) => {
    assert.equal(decoder.decode(batch, at, (at += part.length), row), undefined);
  });
  return batch;
}

/** Hashed many at once, cut at `cuts`, they are what they are one by one. */
function check(
  batch: ColumnBatch,
  rows: number,
  idColumns: readonly string[],
  cuts: readonly number[],
): void {
  const leafCount = batch.leaves.length;
  const together = new RowHasher(batch, { idColumns, hashKey: KEY, leafCount });
  const places = [0, ...cuts.map((cut) => cut % (rows + 1)), rows].toSorted((a, b) => a - b);
  for (let index = 1; index < places.length; index += 1)
    together.hashRows(places[index - 1] as number, places[index] as number);
  const ids = new IdHasher(idColumns, batch, KEY);
  const contents = new ContentHasher(batch, KEY);
  for (let row = 0; row < rows; row += 1) {
    ids.hash(row);
    contents.hash(row);
    const id = together.ids.subarray(row * ID_WORDS, (row + 1) * ID_WORDS);
    const content = together.contents.subarray(row * CONTENT_WORDS, (row + 1) * CONTENT_WORDS);
    assert.deepEqual([...id], [...ids.words], `id of row ${row}`);
    assert.deepEqual([...content], [...contents.words], `content of row ${row}`);
  }
}

test('rows hash together as one by one, whatever their schema', () => {
  fc.assert(
    fc.property(
      anySchema.chain((ofSchema) =>
        fc.tuple(
          fc.constant(ofSchema),
          fc.array(eventSample(ofSchema), { minLength: 1, maxLength: 8 }),
          fc.array(fc.nat(), { maxLength: 3 }),
        ),
      ),
      ([ofSchema, samples, cuts]) => {
        const batch = decoded(
          ofSchema,
          samples.map(({ json }) => json),
        );
        const texts = batch.leaves.filter(({ type }) => type.kind === 'string').map(({ path }) => path);
        const single = batch.leaves.filter(({ type }) => type.kind !== 'array').map(({ path }) => path);
        for (const idColumns of [texts.slice(0, 1), single.slice(0, 2)]) {
          if (idColumns.length > 0) check(batch, samples.length, idColumns, cuts);
        }
      },
    ),
    { numRuns: 200 },
  );
});

const NOTE = schema([
  required('id', types.string(), 'Names it.'),
  optional('tags', types.array(types.string()), 'Some words.'),
]);

test('blocks end where rows or bytes are many, and long texts and arrays are whole', () => {
  const many = Array.from({ length: BLOCK_ROWS_MAX * 2 + 7 }, (_, n) => `{"id":"note ${n}"}`);
  check(decoded(NOTE, many), many.length, ['id'], [BLOCK_ROWS_MAX + 1]);
  const long = Array.from({ length: 40 }, (_, n) => `{"id":"${'ab'.repeat(n * 2500)}\\u00e9${n}"}`);
  check(decoded(NOTE, long), long.length, ['id'], []);
  const huge = [`{"id":"${'x'.repeat(3_000_001)}"}`, '{"id":"after"}'];
  check(decoded(NOTE, huge), huge.length, ['id'], []);
  const tags = Array.from({ length: BLOCK_ROWS_MAX * 2 + 3 }, (_, n) => `"${n}"`).join(',');
  check(decoded(NOTE, [`{"id":"a","tags":[${tags}]}`, '{"id":"b","tags":[]}']), 2, ['id'], []);
});

test('a text that moved by one byte is another content, however long it is', () => {
  const hashes = Array.from({ length: 200 }, (_, n) => [n, 200 - n]).map(([a, b]) => {
    const batch = decoded(NOTE, [
      `{"id":"${'x'.repeat(a as number)}","tags":["${'x'.repeat(b as number)}"]}`,
    ]);
    const hasher = new ContentHasher(batch, KEY);
    hasher.hash(0);
    return hasher.words.join(' ');
  });
  assert.equal(new Set(hashes).size, hashes.length);
});

test('cleared dictionaries give their codes anew, and no hash changes by it', () => {
  const words = schema([required('id', types.string({ dictionary: true }), 'Names it.')]);
  const batch = decoded(words, ['{"id":"a"}', '{"id":"b"}']);
  const hasher = new ContentHasher(batch, KEY);
  const decoder = createDecoder(words, { valueBytesMax: 100 });
  const hashOf = (event: string) => {
    const bytes = Buffer.from(event);
    batch.reset(bytes, 1);
    assert.equal(decoder.decode(batch, 0, bytes.length, 0), undefined);
    hasher.hash(0);
    return hasher.words.join(' ');
  };
  const before = hashOf('{"id":"b"}');
  batch.clearDictionaries();
  assert.equal(hashOf('{"id":"b"}'), before);
  assert.notEqual(hashOf('{"id":"a"}'), before);
});
