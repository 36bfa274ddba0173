/** Appending to the embedded log: one transaction, and one fsync, for all partitions of a call. */
import type { AppendedRange, RecordBlock, RecordInput } from '../../contracts/log.ts';
import { crc32 } from '../shared/crc32.ts';
import { planAppend, planBlockAppend, type PartitionAppend } from '../shared/append-plan.ts';
import type { Acknowledged } from './acknowledged.ts';
import { chainAfter } from './chain.ts';
import { inTransaction, type LogFile } from './file.ts';
import type { PartitionRow } from './statements.ts';
import { findTopic, missingTopic } from './topics.ts';
import { checksumAt, type EncodedBatch } from '../shared/record-batch.ts';

interface SummedAppend extends PartitionAppend {
  readonly bodyChecksums: readonly number[];
}

/** @throws TOPIC_NOT_FOUND, RECORD_TOO_LARGE, LOG_UNAVAILABLE, STORAGE_FULL */
export function append(file: LogFile, topicName: string, records: readonly RecordInput[]): AppendedRange[] {
  const topic = findTopic(file, topicName);
  return write(
    file,
    topicName,
    planAppend(topic, records, file.keyless, file.clock.nowMs()),
    topic.topic_key,
  );
}

/** @throws what `append` throws */
export function appendBlock(file: LogFile, topicName: string, block: RecordBlock): AppendedRange[] {
  const topic = findTopic(file, topicName);
  return write(
    file,
    topicName,
    planBlockAppend(topic, block, file.keyless, file.clock.nowMs()),
    topic.topic_key,
  );
}

function write(
  file: LogFile,
  topicName: string,
  planned: readonly PartitionAppend[],
  topicKey: number,
): AppendedRange[] {
  // Encoding and summing take most of the time, so they are done before the lock that other producers wait for.
  const appends = planned.map(withChecksums);
  if (appends.length === 0) return [];
  const added = inTransaction(file, () =>
    appends.map((partitionAppend) => {
      const row = file.statements.partition.get(topicKey, partitionAppend.partition);
      // The topic was removed between the two; a later one of the same name has another key.
      if (row === undefined) throw missingTopic(file, topicName);
      return addBatches(file, row as unknown as PartitionRow, partitionAppend);
    }),
  );
  for (const { entry } of added) file.begun.add(entry.partitionKey);
  file.acknowledged?.put(added.map(({ entry }) => entry));
  // Asked after the commit: what is acknowledged was in the file that is at the path.
  file.checkPresence();
  return added.map(({ range }) => range);
}

function withChecksums(partitionAppend: PartitionAppend): SummedAppend {
  return { ...partitionAppend, bodyChecksums: partitionAppend.batches.map(({ body }) => crc32(body)) };
}

function addBatches(
  file: LogFile,
  row: PartitionRow,
  { count, batches, bodyChecksums }: SummedAppend,
): { readonly range: AppendedRange; readonly entry: Acknowledged } {
  const { addBatch, extendPartition, beginGeneration } = file.statements;
  const { partition_key: partitionKey } = row;
  if (!file.begun.has(partitionKey)) beginGeneration.run(partitionKey, row.latest, file.generation);
  let offset = row.latest;
  let { chain } = row;
  let addedBytes = 0;
  for (const [index, batch] of batches.entries()) {
    const { body, timestampMsMax }: EncodedBatch = batch;
    const checksum = checksumAt(bodyChecksums[index] as number, offset);
    chain = chainAfter(chain, file.generation, { checksum, baseOffset: offset, count: batch.count });
    addBatch.run(partitionKey, offset, batch.count, body.length, timestampMsMax, checksum, chain, body);
    offset += batch.count;
    addedBytes += body.length;
  }
  extendPartition.run(offset, addedBytes, chain, partitionKey);
  return {
    range: { partition: row.partition, baseOffset: row.latest, count },
    entry: { partitionKey, nextOffset: offset, chain },
  };
}
