/** Kafka's record batch, version 2: where its fields lie, and which batches a block of fetched bytes holds. */

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

/** The fixed part of one batch, and where the batch lies in its block. */
export interface BatchHeader {
  readonly start: number;
  readonly end: number;
  readonly magic: number;
  readonly checksum: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly compression: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly baseTimestampMs: number;
  readonly exactBaseTimestamp: bigint;
  readonly exactMaxTimestamp: bigint;
  /** Every record's timestamp where the topic has the broker's time; undefined where records bring their own. */
  readonly appendTimeMs: number | undefined;
  readonly producerId: bigint;
  readonly count: number;
}

/** The whole batches of a block, in order. A broker cuts the last one off where the fetch's limit falls into it. */
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

/** The offset after the last whole batch of a block, where the next fetch starts; undefined where it holds none. */
export function nextOffsetOf(block: Buffer): number | undefined {
  const last = batchesOf(block).at(-1);
  return last && last.lastOffset + 1;
}

function headerAt(block: Buffer, start: number, end: number): BatchHeader {
  const attributes = block.readInt16BE(start + FIELD.attributes);
  const baseOffset = Number(block.readBigInt64BE(start + FIELD.baseOffset));
  const exactBaseTimestamp = block.readBigInt64BE(start + FIELD.baseTimestamp);
  const exactMaxTimestamp = block.readBigInt64BE(start + FIELD.maxTimestamp);
  return {
    start,
    end,
    magic: block.readInt8(start + FIELD.magic),
    checksum: block.readUInt32BE(start + FIELD.checksum),
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
