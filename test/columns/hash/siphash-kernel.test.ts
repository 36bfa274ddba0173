import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createSipKernel, initialState, STATE_BYTES } from '../../../src/columns/hash/siphash.ts';
import { reference128, reference64 } from './siphash-reference.ts';

const KEY = Uint8Array.from({ length: 16 }, (_, index) => index * 7);
const ROWS = 8;
const COLUMN_AT = ROWS * STATE_BYTES;
const ENDS_AT = COLUMN_AT + ROWS * 4;
const HASHES_AT = COLUMN_AT + ROWS * 8;
const TEXTS_AT = HASHES_AT + ROWS * 16;

const { memory, functions: kernel } = createSipKernel(1);
const bytes = Buffer.from(memory.buffer);

function begin(bits: 64 | 128): void {
  const state = Buffer.from(initialState(KEY, bits).buffer);
  for (let row = 0; row < ROWS; row += 1) bytes.set(state, row * STATE_BYTES);
}

/** Lays texts one behind the other, those with an odd number in another place; undefined is null. */
function layTexts(texts: readonly (Uint8Array | undefined)[]): [number, number, number] {
  const split = 1000;
  const move = 20_000;
  let [low, high] = [0, split];
  texts.forEach((text, row) => {
    const start = text === undefined ? -1 : row % 2 === 0 ? low : high;
    const length = text?.length ?? 0;
    bytes.writeInt32LE(start, COLUMN_AT + row * 4);
    bytes.writeInt32LE(start + length, ENDS_AT + row * 4);
    if (text === undefined) return;
    bytes.set(text, TEXTS_AT + (row % 2 === 0 ? low : high + move));
    if (row % 2 === 0) low += length;
    else high += length;
  });
  return [split, TEXTS_AT, TEXTS_AT + move];
}

/** The words that a text is taken in as. */
function wordsOf(text: Uint8Array | undefined): bigint[] {
  if (text === undefined) return [0xffff_ffffn];
  const padded = Buffer.alloc(Math.ceil(text.length / 8) * 8);
  padded.set(text);
  const words = [BigInt(text.length)];
  for (let at = 0; at < padded.length; at += 8) words.push(padded.readBigUInt64LE(at));
  return words;
}

const texts = fc.array(fc.option(fc.uint8Array({ maxLength: 60 }), { nil: undefined }), {
  minLength: 1,
  maxLength: ROWS,
});

test('the 128-bit hash of each text is that of the paper', () => {
  fc.assert(
    fc.property(texts, (values) => {
      begin(128);
      kernel.texts128(COLUMN_AT, ENDS_AT, 0, HASHES_AT, values.length, ...layTexts(values));
      values.forEach((text, row) => {
        const hash = bytes.toString('hex', HASHES_AT + row * 16, HASHES_AT + (row + 1) * 16);
        assert.equal(hash, reference128(KEY, text ?? new Uint8Array(0)));
      });
    }),
  );
});

test('columns taken in one after the other give the hash of their words by the paper', () => {
  const column = fc.oneof(
    texts.map((values) => ({ kind: 'texts' as const, values })),
    fc
      .array(fc.double(), { minLength: ROWS, maxLength: ROWS })
      .map((values) => ({ kind: 'numbers' as const, values })),
    fc
      .array(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), { minLength: ROWS, maxLength: ROWS })
      .map((values) => ({ kind: 'words' as const, values })),
  );
  const scratch = Buffer.alloc(8);
  fc.assert(
    fc.property(fc.array(column, { maxLength: 5 }), fc.boolean(), (columns, together) => {
      begin(64);
      const stride = together ? 0 : STATE_BYTES;
      const expected = Array.from({ length: ROWS }, (): bigint[] => []);
      const take = (row: number, words: readonly bigint[]) => expected[together ? 0 : row]?.push(...words);
      for (const { kind, values } of columns) {
        if (kind === 'texts') {
          kernel.texts(COLUMN_AT, ENDS_AT, 0, stride, values.length, ...layTexts(values));
          values.forEach((text, row) => take(row, wordsOf(text)));
          continue;
        }
        values.forEach((value, row) => {
          if (typeof value === 'bigint') scratch.writeBigUInt64LE(value);
          else scratch.writeDoubleLE(value);
          bytes.set(scratch, COLUMN_AT + row * 8);
          take(row, [Number.isNaN(value) ? 0x7ff8_0000_0000_0000n : scratch.readBigUInt64LE()]);
        });
        kernel[kind](COLUMN_AT, 0, stride, ROWS);
      }
      kernel.finish(0, HASHES_AT, ROWS);
      expected.forEach((words, row) => {
        assert.equal(bytes.readBigUInt64LE(HASHES_AT + row * 8), reference64(KEY, words));
      });
    }),
    { numRuns: 300 },
  );
});

test('every NaN is the same null', () => {
  const hashes = [0x7ff8_0000_0000_0000n, 0xfff8_0000_0000_0000n, 0x7ff0_0000_0000_0001n].map((bits) => {
    begin(64);
    bytes.writeBigUInt64LE(bits, COLUMN_AT);
    kernel.numbers(COLUMN_AT, 0, STATE_BYTES, 1);
    kernel.finish(0, HASHES_AT, 1);
    return bytes.readBigUInt64LE(HASHES_AT);
  });
  assert.equal(new Set(hashes).size, 1);
});
