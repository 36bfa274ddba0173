/** A topic in memory: its partitions' batches, what it takes, and how it is compacted. */
import type {
  HistoryBreak,
  HistoryMark,
  RecordChunk,
  RecordInput,
  RecordRefusal,
  TopicDescription,
  TopicOptions,
} from '../../contracts/log.ts';
import { InvariantError, TallystreamError } from '../../errors.ts';
import { isRecordTooLarge } from '../shared/errors.ts';
import { checksumOf, decodeBatch, encodeBatches, type EncodedBatch } from '../shared/record-batch.ts';
import type { StoredBatch } from '../shared/retention.ts';

export interface MemoryBatch extends StoredBatch {
  readonly body: Uint8Array;
}

export interface MemoryPartition {
  earliest: number;
  latest: number;
  /** In order of offset; compaction leaves gaps between them, and none within one. */
  batches: MemoryBatch[];
}

export interface MemoryTopic extends TopicDescription {
  options: TopicOptions;
  readonly stored: readonly MemoryPartition[];
}

/** Why the topic does not take the record; undefined if it does. */
export function refusalBy({ options }: MemoryTopic, record: RecordInput): RecordRefusal | undefined {
  const { compacted = false, recordBytesMax = Infinity } = options;
  if (isRecordTooLarge(record) || recordBytes(record) > recordBytesMax) return 'too large';
  return compacted && record.key === null ? 'invalid' : undefined;
}

/** @throws RECORD_TOO_LARGE, CONFIG_INVALID (a record without a key in a compacted topic) */
export function checkRecords({ name, options }: MemoryTopic, records: readonly RecordInput[]): void {
  const { compacted = false, recordBytesMax = Infinity } = options;
  for (const [index, record] of records.entries()) {
    const bytes = recordBytes(record);
    if (bytes > recordBytesMax) {
      throw new TallystreamError('RECORD_TOO_LARGE', {
        what: `Record ${index} of the append has ${bytes} bytes, over the limit of topic ${name}, ${recordBytesMax} bytes.`,
        hint: 'Omit the record, or split it into smaller ones. None of this append was written.',
      });
    }
    if (compacted && record.key === null) {
      throw new TallystreamError('CONFIG_INVALID', {
        what: `Record ${index} of the append has no key, and topic ${name} is compacted.`,
        why: 'A compacted topic decides by key which records it keeps.',
        hint: 'Give every record a key, or create the topic without compaction.',
      });
    }
  }
}

export function pushBatch(partition: MemoryPartition, { body, count, timestampMsMax }: EncodedBatch): void {
  partition.batches.push({ baseOffset: partition.latest, count, bytes: body.length, timestampMsMax, body });
  partition.latest += count;
}

/** The batch that holds the offset, or else the first one after it, by bisection: tests read long logs batch by batch. */
export function batchFrom(batches: readonly MemoryBatch[], offset: number): MemoryBatch | undefined {
  let low = 0;
  let high = batches.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const { baseOffset, count } = batches[middle] as MemoryBatch;
    if (baseOffset + count <= offset) low = middle + 1;
    else high = middle;
  }
  return batches[low];
}

export function chunkOf(batch: MemoryBatch, partition: number): RecordChunk {
  const { body, baseOffset } = batch;
  const checksum = checksumOf(body, baseOffset);
  const decoded = decodeBatch(body, checksum, partition, baseOffset);
  if (decoded.kind === 'corrupt')
    throw new InvariantError(`a batch in memory is corrupt: ${decoded.problem}`);
  return { ...decoded.chunk, mark: markOf(batch, checksum) };
}

/** The marks that the batches at the same places do not have now; a batch that was compacted is gone, and no break. */
export function breaksOf(
  { earliest, latest, batches }: MemoryPartition,
  marks: readonly HistoryMark[],
): Omit<HistoryBreak, 'partition'>[] {
  return marks.flatMap((mark) => {
    const { baseOffset, nextOffset } = mark;
    const end = nextOffset;
    if (latest < nextOffset) return [{ start: latest, end, why: `The partition ends at offset ${latest}.` }];
    const batch = baseOffset < earliest ? undefined : batchFrom(batches, baseOffset);
    if (batch?.baseOffset !== baseOffset) return [];
    if (checksumOf(batch.body, baseOffset) === mark.checksum) return [];
    return [{ start: baseOffset, end, why: `Offsets ${baseOffset} to ${end - 1} now hold other records.` }];
  });
}

function markOf({ baseOffset, count }: MemoryBatch, checksum: number): HistoryMark {
  return { baseOffset, nextOffset: baseOffset + count, checksum, leaderEpoch: null, chain: null };
}

/** Leaves the newest record of every key, at the offset that it has. */
export function compact(partition: MemoryPartition): void {
  const chunks = partition.batches.map((batch) => chunkOf(batch, 0));
  const newest = new Map<string, number>();
  for (const chunk of chunks) {
    for (let row = 0; row < chunk.count; row += 1) newest.set(keyOf(chunk, row), offsetOf(chunk, row));
  }
  const stays = (chunk: RecordChunk, row: number) => newest.get(keyOf(chunk, row)) === offsetOf(chunk, row);
  partition.batches = partition.batches.flatMap((batch, index) => {
    const chunk = chunks[index] as RecordChunk;
    const rows = Array.from({ length: chunk.count }, (_, row) => row).filter((row) => stays(chunk, row));
    if (rows.length === chunk.count) return [batch];
    return rows.flatMap((row) => batchesOfRow(chunk, row));
  });
}

function batchesOfRow(chunk: RecordChunk, row: number): MemoryBatch[] {
  const record: RecordInput = {
    key: cell(chunk.bytes, chunk.keyStart[row], chunk.keyEnd[row]),
    value: cell(chunk.bytes, chunk.valueStart[row], chunk.valueEnd[row]),
    headers: chunk.headers.get(row) ?? [],
  };
  return encodeBatches([record], chunk.timestampsMs[row] as number).map(
    ({ body, count, timestampMsMax }) => ({
      baseOffset: offsetOf(chunk, row),
      count,
      bytes: body.length,
      timestampMsMax,
      body,
    }),
  );
}

function recordBytes({ key, value, headers = [] }: RecordInput): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) bytes += Buffer.byteLength(header.name) + header.value.length;
  return bytes;
}

function offsetOf(chunk: RecordChunk, row: number): number {
  return chunk.offsets[row] as number;
}

/** Bytes as text of one character a byte, so that equal keys are equal strings. */
function keyOf(chunk: RecordChunk, row: number): string {
  const key = cell(chunk.bytes, chunk.keyStart[row], chunk.keyEnd[row]);
  return Buffer.from(key ?? []).toString('latin1');
}

function cell(bytes: Uint8Array, start = -1, end = -1): Uint8Array | null {
  return start < 0 ? null : bytes.subarray(start, end);
}
