/** What an append is to write, decided before any lock is taken: which records go to which partition, in what bytes. */
import type { RecordInput } from '../contracts/log.ts';
import { checkRecordSize, partitionNotFound } from './faults.ts';
import { partitionOfKey } from './partition.ts';
import { encodeBatches, type EncodedBatch } from './record-batch.ts';

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
