/** Records as Kafka's record batch, version 2 (https://kafka.apache.org/documentation/#recordbatch). */
import { compressionsAlgorithms, crc32c, Writer } from './client.ts';
import type { RecordInput } from '../../../contracts/log.ts';
import { FIELD, HEADER_BYTES, MAGIC, TRANSACTIONAL_BIT } from './record-batch.ts';
import type { KafkaCompression } from '../cluster/options.ts';
import { VARINT_BYTES_MAX, VARLONG_BYTES_MAX, writeVarint } from './varint.ts';

export interface EncodedKafkaBatch {
  readonly count: number;
  readonly bytes: Buffer;
  /** Gives the memory of `bytes` to a later batch, once it is no longer used; a repeat does nothing. */
  readonly release?: () => void;
}

/** Who sends a batch, and which of their records it starts with: what a broker finds a repeat by. */
export interface BatchStamp {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly sequence: number;
}

export interface EncodeOptions {
  /** The timestamp of records that bring none. */
  readonly nowMs: number;
  /** Of a batch, before compression. */
  readonly bytesMax: number;
  readonly compression: KafkaCompression;
  readonly isTransactional?: boolean;
}

/**
 * As many of the records from `from` on as fit, at least one. The batch has no sender yet: `stampBatch` gives it one.
 */
export function encodeKafkaBatch(
  records: readonly RecordInput[],
  from: number,
  options: EncodeOptions,
): EncodedKafkaBatch {
  const nowMs = Math.floor(options.nowMs);
  const to = endOfBatch(records, from, options.bytesMax);
  let sizeMax = HEADER_BYTES;
  for (let at = from; at < to; at += 1) sizeMax += sizeBound(records[at] as RecordInput);
  const bytes = Buffer.allocUnsafe(sizeMax);
  const timestampOf = (record: RecordInput) => Math.floor(record.timestampMs ?? nowMs);
  const baseMs = timestampOf(records[from] as RecordInput);
  let maxMs = baseMs;
  let end = HEADER_BYTES;
  for (let at = from; at < to; at += 1) {
    const record = records[at] as RecordInput;
    const timestampMs = timestampOf(record);
    if (timestampMs > maxMs) maxMs = timestampMs;
    end = writeRecord(bytes, end, record, timestampMs - baseMs, at - from);
  }
  return finishBatch(bytes.subarray(0, end), { count: to - from, baseMs, maxMs }, options);
}

/** Writes the header in front of records that were written after {@link HEADER_BYTES}, and compresses these. */
export function finishBatch(
  plain: Buffer,
  { count, baseMs, maxMs }: { readonly count: number; readonly baseMs: number; readonly maxMs: number },
  { compression, isTransactional = false }: EncodeOptions,
): EncodedKafkaBatch {
  const algorithm = compressionsAlgorithms[compression];
  const whole =
    compression === 'none'
      ? plain
      : Buffer.concat([
          plain.subarray(0, HEADER_BYTES),
          algorithm.compressSync(plain.subarray(HEADER_BYTES)),
        ]);
  whole.writeBigInt64BE(0n, FIELD.baseOffset);
  whole.writeInt32BE(whole.length - FIELD.afterLength, FIELD.length);
  whole.writeInt32BE(-1, FIELD.leaderEpoch);
  whole.writeInt8(MAGIC, FIELD.magic);
  const attributes =
    (compression === 'none' ? 0 : algorithm.bitmask) | (isTransactional ? TRANSACTIONAL_BIT : 0);
  whole.writeInt16BE(attributes, FIELD.attributes);
  whole.writeInt32BE(count - 1, FIELD.lastOffsetDelta);
  whole.writeBigInt64BE(BigInt(baseMs), FIELD.baseTimestamp);
  whole.writeBigInt64BE(BigInt(maxMs), FIELD.maxTimestamp);
  whole.writeInt32BE(count, FIELD.count);
  return { count, bytes: whole };
}

/** Writes the sender into a batch, and the checksum, which covers it. The same stamp twice gives the same bytes. */
export function stampBatch(batch: EncodedKafkaBatch, stamp: BatchStamp): void {
  const { bytes } = batch;
  bytes.writeBigInt64BE(stamp.producerId, FIELD.producerId);
  bytes.writeInt16BE(stamp.producerEpoch, FIELD.producerEpoch);
  bytes.writeInt32BE(stamp.sequence, FIELD.sequence);
  bytes.writeUInt32BE(checksumOf(bytes.subarray(FIELD.attributes)), FIELD.checksum);
}

/** The client copies a plain buffer first, but not its own buffers. */
function checksumOf(bytes: Buffer): number {
  return crc32c(Writer.create().append(bytes).dynamicBuffer);
}

function endOfBatch(records: readonly RecordInput[], from: number, bytesMax: number): number {
  let to = from;
  for (let bytes = HEADER_BYTES; to < records.length; to += 1) {
    bytes += sizeBound(records[to] as RecordInput);
    if (to > from && bytes > bytesMax) break;
  }
  return to;
}

/** What a record takes at most. */
function sizeBound({ key, value, headers = [] }: RecordInput): number {
  let bytes = 1 + VARLONG_BYTES_MAX + 5 * VARINT_BYTES_MAX + (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) {
    bytes += 2 * VARINT_BYTES_MAX + Buffer.byteLength(header.name) + header.value.length;
  }
  return bytes;
}

function writeRecord(
  bytes: Buffer,
  start: number,
  record: RecordInput,
  timestampDelta: number,
  offsetDelta: number,
): number {
  // The length precedes the body and its size varies, so the body is written first and then moved into place.
  const bodyStart = start + VARINT_BYTES_MAX;
  bytes[bodyStart] = 0;
  let at = writeVarint(bytes, bodyStart + 1, timestampDelta);
  at = writeVarint(bytes, at, offsetDelta);
  at = writeBytes(bytes, at, record.key);
  at = writeBytes(bytes, at, record.value);
  const { headers = [] } = record;
  at = writeVarint(bytes, at, headers.length);
  for (const header of headers) {
    at = writeVarint(bytes, at, Buffer.byteLength(header.name));
    at += bytes.write(header.name, at, 'utf8');
    at = writeBytes(bytes, at, header.value);
  }
  const lengthEnd = writeVarint(bytes, start, at - bodyStart);
  bytes.copyWithin(lengthEnd, bodyStart, at);
  return lengthEnd + (at - bodyStart);
}

function writeBytes(bytes: Buffer, at: number, value: Uint8Array | null): number {
  if (value === null) return writeVarint(bytes, at, -1);
  const start = writeVarint(bytes, at, value.length);
  bytes.set(value, start);
  return start + value.length;
}
