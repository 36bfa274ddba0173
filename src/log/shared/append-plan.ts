/** What an append is to write, decided before any lock is taken: which records go to which partition, in what bytes. */
import type { RecordBlock, RecordInput } from '../../contracts/log.ts';
import { checkRecordSize, checkRowSize, partitionNotFound } from './errors.ts';
import { partitionOfKey, partitionOfKeyWithin } from './partition.ts';
import { encodeBatches, encodeRowBatches, type EncodedBatch } from './record-batch.ts';

export interface PartitionAppend {
  readonly partition: number;
  readonly count: number;
  readonly batches: readonly EncodedBatch[];
}

/**
 * Sticky round-robin for records without a key: those of one append call stay together, which makes few large batches,
 * and the next call takes the next partition.
 */
export class KeylessTurn {
  private turn = -1;

  take(partitions: number): number {
    this.turn = (this.turn + 1) % partitions;
    return this.turn;
  }
}

export interface PartitionRecords {
  readonly partition: number;
  readonly records: readonly RecordInput[];
}

/**
 * The records of one call by the partition they go to, in order of partition.
 * @throws RECORD_TOO_LARGE, TOPIC_NOT_FOUND (a record names a partition that the topic does not have)
 */
export function groupByPartition(
  topic: { readonly name: string; readonly partitions: number },
  records: readonly RecordInput[],
  keyless: KeylessTurn,
): PartitionRecords[] {
  const byPartition = new Map<number, RecordInput[]>();
  let keylessPartition: number | undefined;
  for (let index = 0; index < records.length; index += 1) {
    const record = records[index] as RecordInput;
    checkRecordSize(record, index);
    let { partition } = record;
    if (partition === undefined) {
      if (record.key !== null) partition = partitionOfKey(record.key, topic.partitions);
      else partition = keylessPartition ??= keyless.take(topic.partitions);
    } else if (!Number.isInteger(partition) || partition < 0 || partition >= topic.partitions) {
      throw partitionNotFound(topic.name, partition, topic.partitions);
    }
    const group = byPartition.get(partition);
    if (group === undefined) byPartition.set(partition, [record]);
    else group.push(record);
  }
  return [...byPartition]
    .toSorted(([left], [right]) => left - right)
    .map(([partition, group]) => ({ partition, records: group }));
}

export interface PartitionRows {
  readonly partition: number;
  /** Rows of the block, ascending. */
  readonly rows: Int32Array;
}

/**
 * The rows of a block by the partition they go to, in order of partition.
 * @throws RECORD_TOO_LARGE
 */
export function groupRowsByPartition(
  { partitions }: { readonly partitions: number },
  block: RecordBlock,
  keyless: KeylessTurn,
): PartitionRows[] {
  const { count, bytes, keyStart, keyEnd } = block;
  const partitionOf = new Int32Array(count);
  // Where the rows of each partition start, when they are sorted by partition.
  const starts = new Int32Array(partitions + 1);
  let keylessPartition: number | undefined;
  for (let row = 0; row < count; row += 1) {
    checkRowSize(block, row);
    const start = keyStart[row] as number;
    const partition =
      start < 0
        ? (keylessPartition ??= keyless.take(partitions))
        : partitionOfKeyWithin(bytes, start, keyEnd[row] as number, partitions);
    partitionOf[row] = partition;
    starts[partition + 1] = (starts[partition + 1] as number) + 1;
  }
  for (let partition = 0; partition < partitions; partition += 1) {
    starts[partition + 1] = (starts[partition + 1] as number) + (starts[partition] as number);
  }
  const next = starts.slice(0, partitions);
  const rows = new Int32Array(count);
  for (let row = 0; row < count; row += 1) {
    const partition = partitionOf[row] as number;
    const at = next[partition] as number;
    rows[at] = row;
    next[partition] = at + 1;
  }
  return Array.from(next, (end, partition) => ({
    partition,
    rows: rows.subarray(starts[partition], end),
  })).filter((group) => group.rows.length > 0);
}

/**
 * The same for the rows of a block.
 * @throws RECORD_TOO_LARGE
 */
export function planBlockAppend(
  topic: { readonly partitions: number },
  block: RecordBlock,
  keyless: KeylessTurn,
  nowMs: number,
): PartitionAppend[] {
  return groupRowsByPartition(topic, block, keyless).map(({ partition, rows }) => ({
    partition,
    count: rows.length,
    batches: encodeRowBatches(block, rows, nowMs),
  }));
}

/**
 * The appends of one call, in order of partition.
 * @throws RECORD_TOO_LARGE, TOPIC_NOT_FOUND (a record names a partition that the topic does not have)
 */
export function planAppend(
  topic: { readonly name: string; readonly partitions: number },
  records: readonly RecordInput[],
  keyless: KeylessTurn,
  nowMs: number,
): PartitionAppend[] {
  return groupByPartition(topic, records, keyless).map(({ partition, records: group }) => ({
    partition,
    count: group.length,
    batches: encodeBatches(group, nowMs),
  }));
}
