/** Kafka's record batch, version 2: the positions of its fields, and which batches a block of fetched bytes holds. */
import type { HistoryMark } from '../../../contracts/log.ts';

export const MAGIC = 2;

/** Where the fields of a batch's fixed part start. */
export const FIELD = {
  baseOffset: 0,
  length: 8,
  /** The length counts from here. */
  afterLength: 12,
  leaderEpoch: 12,
  magic: 16,
  checksum: 17,
  /** The checksum covers everything from here on. */
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  sequence: 53,
  count: 57,
} as const;

export const HEADER_BYTES = 61;

const COMPRESSION_BITS = 0b111;
const LOG_APPEND_TIME_BIT = 1 << 3;
export const TRANSACTIONAL_BIT = 1 << 4;
const CONTROL_BIT = 1 << 5;

/** The fixed part of one batch, and where the batch is in its block. */
export interface BatchHeader {
  readonly start: number;
  readonly end: number;
  readonly magic: number;
  readonly checksum: number;
  /** Of the leader that wrote it; -1 if the log does not say. */
  readonly leaderEpoch: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly compression: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly baseTimestampMs: number;
  readonly exactBaseTimestamp: bigint;
  readonly exactMaxTimestamp: bigint;
  /** Every record's timestamp if the topic has the broker's time; undefined if records bring their own. */
  readonly appendTimeMs: number | undefined;
  readonly producerId: bigint;
  readonly count: number;
}

/** The whole batches of a block, in order. A broker cuts off the last one if the fetch's limit falls into it. */
export function batchesOf(block: Buffer): BatchHeader[] {
  const headers: BatchHeader[] = [];
  let start = 0;
  while (start + HEADER_BYTES <= block.length) {
    const end = start + FIELD.afterLength + block.readInt32BE(start + FIELD.length);
    if (end > block.length || end < start + HEADER_BYTES) break;
    headers.push(headerAt(block, start, end));
    start = end;
  }
  return headers;
}

/** What the batches of a block say about a range of offsets. */
export interface Coverage {
  /** The offset after the last whole batch, from which the next fetch starts; undefined if the block holds none. */
  readonly next: number | undefined;
  /** Where the last whole batch starts that begins below the range's end; undefined if none does. */
  readonly lastStart: number | undefined;
  /** The first offsets of the range that no batch covers although a later batch came. */
  readonly gap: { readonly start: number; readonly end: number } | undefined;
}

/** Reads three numbers of each batch and makes no object of it, so that it costs almost nothing compared with decoding. */
export function coverageOf(block: Buffer, start: number, end: number): Coverage {
  let at = 0;
  let next: number | undefined;
  let lastStart: number | undefined;
  let gap: Coverage['gap'];
  let expected = start;
  while (at + HEADER_BYTES <= block.length) {
    const batchEnd = at + FIELD.afterLength + block.readInt32BE(at + FIELD.length);
    if (batchEnd > block.length || batchEnd < at + HEADER_BYTES) break;
    const baseOffset = offsetAt(block, at);
    next = baseOffset + block.readInt32BE(at + FIELD.lastOffsetDelta) + 1;
    if (baseOffset > expected && expected < end) {
      gap ??= { start: expected, end: Math.min(baseOffset, end) };
    }
    if (baseOffset < end) lastStart = at;
    // Batches before the range may come first.
    expected = Math.max(expected, next);
    at = batchEnd;
  }
  return { next, lastStart, gap };
}

/** The offset after the last whole batch of a block; undefined if it holds none. */
export function nextOffsetOf(block: Buffer): number | undefined {
  return coverageOf(block, 0, 0).next;
}

/** The mark of the batch that starts here. */
export function markAt(block: Buffer, start: number): HistoryMark {
  const { baseOffset, lastOffset, checksum, leaderEpoch } = headerAt(block, start, block.length);
  return markOf(baseOffset, lastOffset, checksum, leaderEpoch);
}

export function markOf(
  baseOffset: number,
  lastOffset: number,
  checksum: number,
  leaderEpoch: number,
): HistoryMark {
  return {
    baseOffset,
    nextOffset: lastOffset + 1,
    checksum,
    leaderEpoch: leaderEpoch < 0 ? null : leaderEpoch,
    chain: null,
  };
}

/** Without the bigint, of which there would be one a batch. Offsets beyond 2^53 are none that a log reaches. */
function offsetAt(block: Buffer, at: number): number {
  return block.readUInt32BE(at + FIELD.baseOffset) * 2 ** 32 + block.readUInt32BE(at + FIELD.baseOffset + 4);
}

function headerAt(block: Buffer, start: number, end: number): BatchHeader {
  const attributes = block.readInt16BE(start + FIELD.attributes);
  const baseOffset = offsetAt(block, start);
  const exactBaseTimestamp = block.readBigInt64BE(start + FIELD.baseTimestamp);
  const exactMaxTimestamp = block.readBigInt64BE(start + FIELD.maxTimestamp);
  return {
    start,
    end,
    magic: block.readInt8(start + FIELD.magic),
    checksum: block.readUInt32BE(start + FIELD.checksum),
    leaderEpoch: block.readInt32BE(start + FIELD.leaderEpoch),
    baseOffset,
    lastOffset: baseOffset + block.readInt32BE(start + FIELD.lastOffsetDelta),
    compression: attributes & COMPRESSION_BITS,
    isTransactional: (attributes & TRANSACTIONAL_BIT) !== 0,
    isControl: (attributes & CONTROL_BIT) !== 0,
    baseTimestampMs: Number(exactBaseTimestamp),
    exactBaseTimestamp,
    exactMaxTimestamp,
    appendTimeMs: (attributes & LOG_APPEND_TIME_BIT) === 0 ? undefined : Number(exactMaxTimestamp),
    producerId: block.readBigInt64BE(start + FIELD.producerId),
    count: block.readInt32BE(start + FIELD.count),
  };
}
