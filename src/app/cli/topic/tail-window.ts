/** The newest records of a topic, or those from an offset on, within limits of count and bytes. */
import type { Header, Log, PartitionOffsets } from '../../../contracts/log.ts';
import { exactTimestamp } from '../../../engine/clock/record-times.ts';

/** If compaction or transactions left gaps, this many offsets are searched for each requested record. */
const OFFSETS_A_RECORD_MAX = 64;

/** One record, copied out of its chunk. */
export interface TailRecord {
  readonly partition: number;
  readonly offset: number;
  /** As in the log; a bigint if it is not a safe integer. */
  readonly timestampMs: number | bigint;
  readonly key: Uint8Array | null;
  /** At most the first `valueBytesMax` bytes. */
  readonly value: Uint8Array | null;
  /** The size of the whole value. */
  readonly valueBytes: number;
  readonly headers: readonly Header[];
}

export interface TailLimits {
  readonly recordsMax: number;
  /** For keys, values and headers of all records together. One record is always kept, even a larger one. */
  readonly bytesMax: number;
  /** How much of one value is kept. */
  readonly valueBytesMax: number;
}

export interface Tail {
  /** In order of log timestamp, then partition and offset. */
  readonly records: readonly TailRecord[];
  /** Whether records were left out because of the byte limit. */
  readonly isCut: boolean;
}

/** The last records of these partitions. */
export async function newest(
  log: Log,
  topic: string,
  partitions: readonly PartitionOffsets[],
  limits: TailLimits,
): Promise<Tail> {
  let tail: Tail = { records: [], isCut: false };
  for (const offsets of partitions) {
    const added = await newestOf(log, topic, offsets, limits);
    const cut = keepNewest([...tail.records, ...added.records].sort(byTime), limits);
    tail = { records: cut.records, isCut: tail.isCut || added.isCut || cut.isCut };
  }
  return tail;
}

/** The first records of one partition at or after `start`. */
export async function following(
  log: Log,
  topic: string,
  { partition, latest }: PartitionOffsets,
  start: number,
  limits: TailLimits,
): Promise<Tail> {
  const records: TailRecord[] = [];
  let bytes = 0;
  for await (const record of recordsIn(log, topic, partition, start, latest, limits)) {
    if (records.length >= limits.recordsMax) break;
    bytes += bytesOf(record);
    if (records.length > 0 && bytes > limits.bytesMax) return { records, isCut: true };
    records.push(record);
  }
  return { records, isCut: false };
}

/** Reads backwards in steps that double, until there are enough. */
async function newestOf(
  log: Log,
  topic: string,
  { partition, earliest, latest }: PartitionOffsets,
  limits: TailLimits,
): Promise<Tail> {
  const lowest = Math.max(earliest, latest - limits.recordsMax * OFFSETS_A_RECORD_MAX);
  let tail: Tail = { records: [], isCut: false };
  let end = latest;
  let step = limits.recordsMax;
  while (end > lowest && tail.records.length < limits.recordsMax && !tail.isCut) {
    const start = Math.max(lowest, end - step);
    const older: TailRecord[] = [];
    let isCut = false;
    for await (const record of recordsIn(log, topic, partition, start, end, limits)) {
      older.push(record);
      // Later records are newer, so the limit also holds while a step is read, not only after it.
      const kept = keepNewest(older, limits);
      if (kept.records.length < older.length) older.splice(0, older.length - kept.records.length);
      isCut ||= kept.isCut;
    }
    const kept = keepNewest([...older, ...tail.records], limits);
    tail = { records: kept.records, isCut: isCut || kept.isCut };
    end = start;
    step *= 2;
  }
  return tail;
}

/** The last of `records` that the limits allow. */
function keepNewest(records: readonly TailRecord[], { recordsMax, bytesMax }: TailLimits): Tail {
  let bytes = 0;
  let first = records.length;
  while (first > 0 && records.length - first < recordsMax) {
    bytes += bytesOf(records[first - 1]!);
    if (bytes > bytesMax && first < records.length) return { records: records.slice(first), isCut: true };
    first -= 1;
  }
  return { records: records.slice(first), isCut: false };
}

async function* recordsIn(
  log: Log,
  topic: string,
  partition: number,
  start: number,
  end: number,
  { valueBytesMax }: TailLimits,
): AsyncGenerator<TailRecord> {
  if (start >= end) return;
  for await (const chunk of log.read({ topic, partition, start, end })) {
    const { bytes, keyStart, keyEnd, valueStart, valueEnd } = chunk;
    for (let row = 0; row < chunk.count; row += 1) {
      const from = valueStart[row]!;
      const to = valueEnd[row]!;
      yield {
        partition,
        offset: chunk.offsets[row]!,
        timestampMs: exactTimestamp(chunk, row),
        key: keyStart[row]! < 0 ? null : bytes.slice(keyStart[row], keyEnd[row]),
        value: from < 0 ? null : bytes.slice(from, Math.min(to, from + valueBytesMax)),
        valueBytes: from < 0 ? 0 : to - from,
        headers: (chunk.headers.get(row) ?? []).map(({ name, value }) => ({ name, value: value.slice() })),
      };
    }
  }
}

function bytesOf({ key, value, headers }: TailRecord): number {
  const headerBytes = headers.reduce(
    (sum, { name, value: bytes }) => sum + name.length + bytes.byteLength,
    0,
  );
  return (key?.byteLength ?? 0) + (value?.byteLength ?? 0) + headerBytes;
}

function byTime(left: TailRecord, right: TailRecord): number {
  return (
    compare(left.timestampMs, right.timestampMs) ||
    left.partition - right.partition ||
    left.offset - right.offset
  );
}

function compare(left: number | bigint, right: number | bigint): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
