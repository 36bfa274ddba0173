/** The rows of a block as a record batch: what encode.ts does for records, without an object per record. */
import type { RecordBlock } from '../../../contracts/log.ts';
import { asBuffer, copyBytes } from '../../shared/copy-bytes.ts';
import { type Block, BlockPool } from './buffer-pool.ts';
import { HEADER_BYTES } from './record-batch.ts';
import { finishBatch, type EncodedKafkaBatch, type EncodeOptions } from './encode.ts';
import { VARINT_BYTES_MAX, writeVarint } from './varint.ts';

/** Attributes, time delta and number of headers, all of them zero. */
const FIXED_BYTES = 3;
/** What a record takes in addition to its key and value: those, its length, its offset, and two lengths. */
const FRAME_BYTES_MAX = FIXED_BYTES + 4 * VARINT_BYTES_MAX;

/** Smaller batches are in memory of the heap's, larger ones in memory of their own. */
const BLOCK_BYTES_MIN = 32 * 1024;
const BLOCK_BYTES_MAX = 1024 * 1024;
/** Of one size. Six appends of 1 MiB need no more, with however many partitions, since a block is at least half full. */
const KEPT_BYTES = 12 * 1024 * 1024;
/** By the size of their blocks, a power of two. */
const pools = new Map<number, BlockPool>();

/** As many of the rows from the `from`-th on as fit, at least one. All have the timestamp `options.nowMs`. */
export function encodeKafkaRows(
  input: RecordBlock,
  rows: Int32Array,
  from: number,
  options: EncodeOptions,
): EncodedKafkaBatch {
  const { to, sizeMax } = extentOf(input, rows, from, options.bytesMax);
  const { valueStart, valueEnd, keyStart, keyEnd } = input;
  const source = asBuffer(input.bytes);
  const block = takeBlock(sizeMax);
  const target = block?.buffer ?? Buffer.allocUnsafe(sizeMax);
  let at = HEADER_BYTES;
  for (let index = from; index < to; index += 1) {
    const row = rows[index] as number;
    const keyAt = keyStart[row] as number;
    const keyTo = keyEnd[row] as number;
    const valueAt = valueStart[row] as number;
    const valueTo = valueEnd[row] as number;
    const offsetDelta = index - from;
    const length =
      FIXED_BYTES + varintBytes(offsetDelta) + partBytes(keyAt, keyTo) + partBytes(valueAt, valueTo);
    at = writeVarint(target, at, length);
    target[at] = 0;
    target[at + 1] = 0;
    at = writeVarint(target, at + 2, offsetDelta);
    at = writePart(target, at, source, keyAt, keyTo);
    at = writePart(target, at, source, valueAt, valueTo);
    target[at] = 0;
    at += 1;
  }
  const nowMs = Math.floor(options.nowMs);
  const plain = target.subarray(0, at);
  const batch = finishBatch(plain, { count: to - from, baseMs: nowMs, maxMs: nowMs }, options);
  // Compressed, it is elsewhere.
  const release = batch.bytes === plain ? block?.share() : undefined;
  block?.release();
  return release === undefined ? batch : { ...batch, release };
}

function takeBlock(bytes: number): Block | undefined {
  if (bytes < BLOCK_BYTES_MIN || bytes > BLOCK_BYTES_MAX) return undefined;
  const blockBytes = 2 ** Math.ceil(Math.log2(bytes));
  let pool = pools.get(blockBytes);
  if (pool === undefined) {
    pool = new BlockPool(blockBytes, KEPT_BYTES / blockBytes);
    pools.set(blockBytes, pool);
  }
  return pool.take(bytes);
}

function extentOf(
  { valueStart, valueEnd, keyStart, keyEnd }: RecordBlock,
  rows: Int32Array,
  from: number,
  bytesMax: number,
): { readonly to: number; readonly sizeMax: number } {
  let sizeMax = HEADER_BYTES;
  let to = from;
  for (; to < rows.length; to += 1) {
    const row = rows[to] as number;
    const rowBytesMax =
      FRAME_BYTES_MAX +
      ((valueEnd[row] as number) - (valueStart[row] as number)) +
      ((keyEnd[row] as number) - (keyStart[row] as number));
    if (to > from && sizeMax + rowBytesMax > bytesMax) break;
    sizeMax += rowBytesMax;
  }
  return { to, sizeMax };
}

/** A null has the length -1, one byte, and no bytes. */
function partBytes(start: number, end: number): number {
  return start < 0 ? 1 : varintBytes(end - start) + (end - start);
}

function writePart(target: Buffer, at: number, source: Buffer, start: number, end: number): number {
  if (start < 0) return writeVarint(target, at, -1);
  return copyBytes(target, writeVarint(target, at, end - start), source, start, end);
}

/** Bytes of a number that is not negative, as `writeVarint` writes it. */
function varintBytes(value: number): number {
  let bytes = 1;
  for (let bound = 64; value >= bound; bound *= 128) bytes += 1;
  return bytes;
}
