/** What a batch's records are compressed by, undone: never into more memory than a batch may take. */
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { compressionsAlgorithms } from '../wire/client.ts';

/** A producer compresses some MiB into a batch of one; what says that it is much more is no batch that one made. */
const DECOMPRESSED_BYTES_MAX = 128 * 1024 * 1024;

/** What zlib gives out at a time: the records of most batches in one piece, which then need no joining. */
const CHUNK_BYTES = 256 * 1024;

/** The bits of a batch's attributes. */
const GZIP = 1;
const SNAPPY = 2;
const LZ4 = 3;
const ZSTD = 4;

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

const LZ4_MAGIC_BYTES = 4;
const LZ4_CONTENT_SIZE_BIT = 1 << 3;
const LZ4_DICTIONARY_BIT = 1;
const LZ4_BLOCK_CHECKSUM_BIT = 1 << 4;

/** @throws Error if the bytes are no such thing, the method is none, or what comes out is above the bound */
export function decompress(method: number, bytes: Buffer, bytesMax = DECOMPRESSED_BYTES_MAX): Uint8Array {
  switch (method) {
    case GZIP:
      return gunzipSync(bytes, { maxOutputLength: bytesMax, chunkSize: CHUNK_BYTES });
    case SNAPPY:
      checkBound(snappyBytesOf(bytes), bytesMax);
      return compressionsAlgorithms.snappy.decompressSync(bytes);
    case LZ4:
      checkBound(lz4BytesMaxOf(bytes), bytesMax);
      return compressionsAlgorithms.lz4.decompressSync(bytes);
    case ZSTD:
      return zstdDecompressSync(bytes, { maxOutputLength: bytesMax, chunkSize: CHUNK_BYTES });
    default:
      throw new Error(`method ${method} is unknown`);
  }
}

function checkBound(bytes: number, bytesMax: number): void {
  if (bytes > bytesMax)
    throw new RangeError(`its decompressed size is declared as more than ${bytesMax} bytes`);
}

/** A block begins with what it becomes, as a varint; several follow the header that Java writes. */
function snappyBytesOf(bytes: Buffer): number {
  if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return varintAt(bytes, 0);
  let sum = 0;
  for (let at = XERIAL_HEADER_BYTES; at + 4 < bytes.length; at += 4 + bytes.readUInt32BE(at)) {
    sum += varintAt(bytes, at + 4);
  }
  return sum;
}

function varintAt(bytes: Buffer, start: number): number {
  let value = 0;
  for (let length = 0; length < 5; length += 1) {
    const byte = bytes[start + length] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * length);
    if (byte < 0x80) break;
  }
  return value;
}

/**
 * At most what a frame becomes: each of its blocks no more than the frame's block size, and no more than 255 times its own
 * (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md).
 */
function lz4BytesMaxOf(bytes: Buffer): number {
  const flags = bytes[LZ4_MAGIC_BYTES] ?? 0;
  const blockBytesMax = 2 ** (8 + 2 * (((bytes[LZ4_MAGIC_BYTES + 1] ?? 0) >> 4) & 0b111));
  let at = LZ4_MAGIC_BYTES + 3;
  if ((flags & LZ4_CONTENT_SIZE_BIT) !== 0) at += 8;
  if ((flags & LZ4_DICTIONARY_BIT) !== 0) at += 4;
  const checksumBytes = (flags & LZ4_BLOCK_CHECKSUM_BIT) === 0 ? 0 : 4;
  let sum = 0;
  while (at + 4 <= bytes.length) {
    const size = bytes.readUInt32LE(at);
    if (size === 0) break;
    // The highest bit says that the block is stored as it is.
    const length = size % 2 ** 31;
    sum += size === length ? Math.min(blockBytesMax, length * 255) : length;
    at += 4 + length + checksumBytes;
  }
  return sum;
}
