/**
 * The bytes of a run of records in a log, laid out so that a reader maps them as columns and parses none.
 *
 * All numbers are little-endian, every array is aligned to its element, n is the number of records:
 *
 * | at       | type     | what                                                             |
 * |----------|----------|------------------------------------------------------------------|
 * | 0        | uint32   | magic, "TSB1"; the layout's version is its last character        |
 * | 4        | uint32   | n                                                                |
 * | 8        | uint32   | bytes of the headers block                                       |
 * | 12       | uint32   | bytes of the payload                                             |
 * | 16       | float64n | log timestamps, epoch milliseconds                               |
 * | 16 + 8n  | int32n   | key start, in the payload; -1 is a null key                      |
 * | 16 + 12n | int32n   | key end; -1 is a null key                                        |
 * | 16 + 16n | int32n   | value start; -1 is a null value                                  |
 * | 16 + 20n | int32n   | value end; -1 is a null value                                    |
 * | 16 + 24n | bytes    | headers block: empty if no record has headers (record-headers.ts) |
 * | then     | bytes    | payload: key and value of the first record, of the second, …     |
 *
 * Offsets are not in it, so that a batch can be encoded before the transaction that gives it its place. The checksum
 * is next to it, for the same reason, and covers the place too: {@link checksumOf}.
 */
import { crc32 } from './crc32.ts';
import type { Header, RecordBlock, RecordChunk, RecordInput } from '../../contracts/log.ts';
import { asBuffer, copyBytes } from './copy-bytes.ts';
import { decodeHeaders, encodeHeaders, headersBytesOf } from './record-headers.ts';

/** "TSB1" read as a little-endian number; a big-endian machine would read another one and refuse the batch. */
const MAGIC = 0x31425354;
const FIXED_BYTES = 16;
const COLUMN_BYTES_PER_RECORD = 24;

/** Bounds of one batch: a reader holds one at a time, and what it does to a record then stays in the cache. */
export const BATCH_BYTES_MAX = 1024 * 1024;
export const BATCH_RECORDS_MAX = 8192;

const NO_HEADERS: ReadonlyMap<number, readonly Header[]> = new Map();

export interface EncodedBatch {
  readonly count: number;
  /** The newest timestamp of the batch's records, epoch milliseconds. Retention by age looks at it. */
  readonly timestampMsMax: number;
  readonly body: Uint8Array;
}

export type DecodedBatch =
  | { readonly kind: 'ok'; readonly chunk: RecordChunk }
  | { readonly kind: 'corrupt'; readonly problem: string };

/**
 * Encodes records in order, as few batches as the bounds of a batch allow; a record above the bound is a batch alone.
 * `nowMs` is the timestamp of those that bring none.
 */
export function encodeBatches(records: readonly RecordInput[], nowMs: number): EncodedBatch[] {
  const batches: EncodedBatch[] = [];
  let from = 0;
  let payloadBytes = 0;
  let headersBytes = 0;
  for (let at = 0; at < records.length; at += 1) {
    const record = records[at] as RecordInput;
    const recordPayload = (record.key?.length ?? 0) + (record.value?.length ?? 0);
    const recordHeaders = headersBytesOf(record);
    const withRecord =
      payloadBytes + headersBytes + recordPayload + recordHeaders + COLUMN_BYTES_PER_RECORD * (at - from + 1);
    if (at > from && (withRecord > BATCH_BYTES_MAX - FIXED_BYTES || at - from === BATCH_RECORDS_MAX)) {
      batches.push(encodeBatch(records, from, at, payloadBytes, headersBytes, nowMs));
      from = at;
      payloadBytes = 0;
      headersBytes = 0;
    }
    payloadBytes += recordPayload;
    headersBytes += recordHeaders;
  }
  if (from < records.length) {
    batches.push(encodeBatch(records, from, records.length, payloadBytes, headersBytes, nowMs));
  }
  return batches;
}

function encodeBatch(
  records: readonly RecordInput[],
  from: number,
  to: number,
  payloadBytes: number,
  headersBytes: number,
  nowMs: number,
): EncodedBatch {
  const count = to - from;
  const { body, columns, headersAt, payload } = newBody(count, headersBytes, payloadBytes);
  let at = 0;
  let timestampMsMax = -Infinity;
  for (let row = 0; row < count; row += 1) {
    const { key, value, timestampMs = nowMs } = records[from + row] as RecordInput;
    columns.timestampsMs[row] = timestampMs;
    if (timestampMs > timestampMsMax) timestampMsMax = timestampMs;
    columns.keyStart[row] = key === null ? -1 : at;
    if (key !== null) {
      payload.set(key, at);
      at += key.length;
    }
    columns.keyEnd[row] = key === null ? -1 : at;
    columns.valueStart[row] = value === null ? -1 : at;
    if (value !== null) {
      payload.set(value, at);
      at += value.length;
    }
    columns.valueEnd[row] = value === null ? -1 : at;
  }
  if (headersBytes > 0) encodeHeaders(records, from, to, body.subarray(headersAt, headersAt + headersBytes));
  return { count, timestampMsMax, body };
}

function newBody(count: number, headersBytes: number, payloadBytes: number) {
  const headersAt = FIXED_BYTES + COLUMN_BYTES_PER_RECORD * count;
  // Every byte is written below, so none has to be zero before.
  const body = Buffer.allocUnsafeSlow(headersAt + headersBytes + payloadBytes);
  new Uint32Array(body.buffer, 0, 4).set([MAGIC, count, headersBytes, payloadBytes]);
  return {
    body,
    columns: columnsOf(body, count),
    headersAt,
    payload: body.subarray(headersAt + headersBytes),
  };
}

/** Encodes rows of a block as `encodeBatches` does records; `nowMs` is the timestamp of all. */
export function encodeRowBatches(block: RecordBlock, rows: Int32Array, nowMs: number): EncodedBatch[] {
  const { valueStart, valueEnd, keyStart, keyEnd } = block;
  const batches: EncodedBatch[] = [];
  let from = 0;
  let payloadBytes = 0;
  for (let at = 0; at < rows.length; at += 1) {
    const row = rows[at] as number;
    const rowBytes =
      (valueEnd[row] as number) -
      (valueStart[row] as number) +
      (keyEnd[row] as number) -
      (keyStart[row] as number);
    const withRow = payloadBytes + rowBytes + COLUMN_BYTES_PER_RECORD * (at - from + 1);
    if (at > from && (withRow > BATCH_BYTES_MAX - FIXED_BYTES || at - from === BATCH_RECORDS_MAX)) {
      batches.push(encodeRowBatch(block, rows.subarray(from, at), payloadBytes, nowMs));
      from = at;
      payloadBytes = 0;
    }
    payloadBytes += rowBytes;
  }
  if (from < rows.length) batches.push(encodeRowBatch(block, rows.subarray(from), payloadBytes, nowMs));
  return batches;
}

function encodeRowBatch(
  block: RecordBlock,
  rows: Int32Array,
  payloadBytes: number,
  nowMs: number,
): EncodedBatch {
  const bytes = asBuffer(block.bytes);
  const { body, columns, payload } = newBody(rows.length, 0, payloadBytes);
  columns.timestampsMs.fill(nowMs);
  let at = 0;
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index] as number;
    const keyStart = block.keyStart[row] as number;
    columns.keyStart[index] = keyStart < 0 ? -1 : at;
    if (keyStart >= 0) at = copyBytes(payload, at, bytes, keyStart, block.keyEnd[row] as number);
    columns.keyEnd[index] = keyStart < 0 ? -1 : at;
    const valueStart = block.valueStart[row] as number;
    columns.valueStart[index] = valueStart < 0 ? -1 : at;
    if (valueStart >= 0) at = copyBytes(payload, at, bytes, valueStart, block.valueEnd[row] as number);
    columns.valueEnd[index] = valueStart < 0 ? -1 : at;
  }
  return { count: rows.length, timestampMsMax: nowMs, body };
}

/** CRC-32 of a batch's bytes and then of the offset it is at, so that a batch in a wrong place does not pass either. */
export function checksumOf(body: Uint8Array, baseOffset: number): number {
  return checksumAt(crc32(body), baseOffset);
}

/** The same from the checksum of the bytes alone, which a writer computes before it knows the offset. */
export function checksumAt(bodyChecksum: number, baseOffset: number): number {
  return crc32(new Uint8Array(Float64Array.of(baseOffset).buffer), bodyChecksum);
}

/**
 * Maps a batch as columns, without copying a byte (but for a body that is not aligned to 8 bytes, which is copied once).
 * Bytes that are not what was written are an answer, `corrupt`, since only the caller knows how to name their place.
 */
export function decodeBatch(
  stored: Uint8Array,
  checksum: number,
  partition: number,
  baseOffset: number,
): DecodedBatch {
  const body = stored.byteOffset % 8 === 0 ? stored : stored.slice();
  if (body.length < FIXED_BYTES) return corrupt(`it has ${body.length} bytes, fewer than a batch header`);
  if (checksumOf(body, baseOffset) !== checksum) return corrupt('its checksum does not match its bytes');
  const fixed = new Uint32Array(body.buffer, body.byteOffset, 4);
  const [magic = 0, count = 0, headersBytes = 0, payloadBytes = 0] = fixed;
  if (magic !== MAGIC) return corrupt('this version does not know its format');
  const headersAt = FIXED_BYTES + COLUMN_BYTES_PER_RECORD * count;
  if (headersAt + headersBytes + payloadBytes !== body.length)
    return corrupt('the sizes of its parts do not add up to its total size');
  const offsets = new Float64Array(count);
  for (let row = 0; row < count; row += 1) offsets[row] = baseOffset + row;
  const bytes = body.subarray(headersAt + headersBytes);
  const headers =
    headersBytes === 0 ? NO_HEADERS : decodeHeaders(body.subarray(headersAt, headersAt + headersBytes));
  return { kind: 'ok', chunk: { partition, count, bytes, offsets, headers, ...columnsOf(body, count) } };
}

function columnsOf(body: Uint8Array, count: number) {
  const { buffer, byteOffset } = body;
  const int32At = (column: number) => byteOffset + FIXED_BYTES + (8 + 4 * column) * count;
  return {
    timestampsMs: new Float64Array(buffer, byteOffset + FIXED_BYTES, count),
    keyStart: new Int32Array(buffer, int32At(0), count),
    keyEnd: new Int32Array(buffer, int32At(1), count),
    valueStart: new Int32Array(buffer, int32At(2), count),
    valueEnd: new Int32Array(buffer, int32At(3), count),
  };
}

function corrupt(problem: string): DecodedBatch {
  return { kind: 'corrupt', problem };
}
