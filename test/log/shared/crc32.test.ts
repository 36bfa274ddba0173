import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 as portable } from 'node:zlib';
import { crc32 } from '../../../src/log/shared/crc32.ts';

/** Around the length from which on another implementation is taken, where there is one. */
const LENGTHS = [0, 1, 9, 16_383, 16_384, 16_385, 100_003];

test('is the checksum that the standard names', () => {
  assert.equal(crc32(new TextEncoder().encode('123456789')), 0xcbf43926);
});

test('gives for bytes of any length, from any place and after others, what Node gives', () => {
  const bytes = Uint8Array.from({ length: 100_010 }, (_, index) => (index * index) >> 3);
  for (const length of LENGTHS) {
    for (const from of [0, 3]) {
      for (const seed of [0, 1, 0xffffffff]) {
        const part = bytes.subarray(from, from + length);
        assert.equal(crc32(part, seed), portable(part, seed), `${length} from ${from} after ${seed}`);
      }
    }
  }
});
