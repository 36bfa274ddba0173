import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { compressionsAlgorithms } from '@platformatic/kafka';
import { decompress } from '../../../../src/log/kafka/read/decompress.ts';

const MEBIBYTE = 1024 * 1024;
const XERIAL_HEADER = Buffer.from('82534e41505059000000000100000001', 'hex');

/** By the bits that a batch's attributes have for it. */
const COMPRESSED: Readonly<Record<string, readonly [number, (plain: Buffer) => Buffer]>> = {
  gzip: [1, (plain) => gzipSync(plain)],
  snappy: [2, (plain) => Buffer.from(compressionsAlgorithms.snappy.compressSync(plain))],
  'snappy, as Java frames it': [2, xerial],
  lz4: [3, (plain) => Buffer.from(compressionsAlgorithms.lz4.compressSync(plain))],
  zstd: [4, (plain) => zstdCompressSync(plain)],
};

for (const [name, [method, compress]] of Object.entries(COMPRESSED)) {
  test(`${name} comes out as it went in, up to the bound and not beyond`, () => {
    const plain = Buffer.alloc(3 * MEBIBYTE, 'some words that come again; ');
    const bytes = compress(plain);
    assert.ok(plain.equals(decompress(method, bytes, 4 * MEBIBYTE)));
    assert.throws(() => decompress(method, bytes, 2 * MEBIBYTE), RangeError);
  });

  test(`${name} that says it becomes gigabytes is refused without the memory for them`, () => {
    const bytes = compress(Buffer.alloc(160 * MEBIBYTE));
    assert.throws(() => decompress(method, bytes), RangeError);
  });
}

test('a method that is none is an error', () => {
  assert.throws(() => decompress(7, Buffer.alloc(1)), /method 7 is unknown/);
});

function xerial(plain: Buffer): Buffer {
  const pieces: Buffer[] = [XERIAL_HEADER];
  for (let at = 0; at < plain.length; at += 32 * 1024) {
    const piece = Buffer.from(compressionsAlgorithms.snappy.compressSync(plain.subarray(at, at + 32 * 1024)));
    const length = Buffer.alloc(4);
    length.writeInt32BE(piece.length);
    pieces.push(length, piece);
  }
  return Buffer.concat(pieces);
}
