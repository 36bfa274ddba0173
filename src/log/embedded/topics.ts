/** Topics of the embedded log: making, finding and removing them, and their offsets. */
import { randomUUID } from 'node:crypto';
import type { PartitionOffsets, Retention, TopicDescription, TopicOptions } from '../../contracts/log.ts';
import { TallystreamError } from '../../errors.ts';
import { inTransaction, type LogFile } from './file.ts';
import type { PartitionRow, TopicRow } from './statements.ts';
import { checkTopic, partitionNotFound, topicNotFound } from '../shared/errors.ts';

export function topicRow(file: LogFile, name: string): TopicRow | undefined {
  return file.statements.topicByName.get(name) as unknown as TopicRow | undefined;
}

export function topicRows(file: LogFile): TopicRow[] {
  return file.statements.topics.all() as unknown as TopicRow[];
}

/** @throws TOPIC_NOT_FOUND */
export function findTopic(file: LogFile, name: string): TopicRow {
  const row = topicRow(file, name);
  if (row === undefined) throw missingTopic(file, name);
  return row;
}

export function missingTopic(file: LogFile, name: string) {
  return topicNotFound(
    name,
    topicRows(file).map((topic) => topic.name),
  );
}

/** @throws TOPIC_NOT_FOUND */
export function findPartition(file: LogFile, topicName: string, partition: number): PartitionRow {
  const topic = findTopic(file, topicName);
  const row = file.statements.partition.get(topic.topic_key, partition) as unknown as
    PartitionRow | undefined;
  // A partition that the topic has is missing then.
  if (row === undefined && partition >= 0 && partition < topic.partitions) partitionRows(file, topic);
  if (row === undefined) throw partitionNotFound(topicName, partition, topic.partitions);
  return row;
}

/** All partitions of the topic, in order. @throws LOG_CORRUPT if one is missing; TOPIC_NOT_FOUND if the topic was removed */
export function partitionRows(file: LogFile, topic: TopicRow): PartitionRow[] {
  const rows = (): PartitionRow[] =>
    file.statements.partitions.all(topic.topic_key) as unknown as PartitionRow[];
  const found = rows();
  if (isComplete(found, topic)) return found;
  // Another process may have removed the topic since its row was read; that is no damage.
  if (topicRow(file, topic.name)?.topic_key !== topic.topic_key) throw missingTopic(file, topic.name);
  throw incompleteTopic(file.path, topic, found);
}

/** A damaged index can hide a row, and a query would read the other partitions as if they were all. */
function isComplete(rows: readonly PartitionRow[], { partitions }: TopicRow): boolean {
  return (
    rows.length === partitions &&
    rows.every(
      ({ partition, earliest, latest }, index) => partition === index && earliest >= 0 && earliest <= latest,
    )
  );
}

function incompleteTopic(
  path: string,
  { name, partitions }: TopicRow,
  rows: readonly PartitionRow[],
): TallystreamError {
  const found = rows.map(
    ({ partition, earliest, latest }) => `${partition} (offsets ${earliest} to ${latest})`,
  );
  return new TallystreamError('LOG_CORRUPT', {
    what: `The log ${path} is damaged: partitions of topic ${name} are missing.`,
    why: `It should have partitions 0 to ${partitions - 1}. Found: ${found.join(', ') || 'none'}.`,
    hint: 'Stop everything that uses the log. If only an index is damaged, repair it with REINDEX in a SQLite client. Otherwise restore the file from a copy.',
  });
}

export function offsetsOf(file: LogFile, topic: TopicRow): PartitionOffsets[] {
  return partitionRows(file, topic).map(({ partition, earliest, latest }) => ({
    partition,
    earliest,
    latest,
  }));
}

export function describe({ name, id, partitions }: TopicRow): TopicDescription {
  return { name, id, partitions };
}

/** Writes only if something changes. @throws TOPIC_NOT_FOUND, CONFIG_INVALID, LOG_UNAVAILABLE, STORAGE_FULL */
export function setRetention(file: LogFile, name: string, retention: Retention): void {
  const topic = findTopic(file, name);
  checkTopic(name, { partitions: topic.partitions, ...retention });
  const { retentionMs = null, retentionBytes = null } = retention;
  if (topic.retention_ms === retentionMs && topic.retention_bytes === retentionBytes) return;
  inTransaction(file, () => file.statements.setRetention.run(retentionMs, retentionBytes, topic.topic_key));
}

/** @throws CONFIG_INVALID, LOG_UNAVAILABLE, STORAGE_FULL */
export function createTopic(file: LogFile, name: string, options: TopicOptions): TopicDescription {
  const existing = topicRow(file, name);
  if (existing !== undefined) return describe(existing);
  checkTopic(name, options);
  refuseUnkept(name, options);
  const { partitions, retentionMs = null, retentionBytes = null } = options;
  const { addTopic, addPartition } = file.statements;
  return inTransaction(file, () => {
    // Another process may have made it while this one waited for the lock; then its choices stand.
    const first = topicRow(file, name);
    if (first !== undefined) return describe(first);
    const id = randomUUID();
    const topicKey = addTopic.run(name, id, partitions, retentionMs, retentionBytes).lastInsertRowid;
    for (let partition = 0; partition < partitions; partition += 1) addPartition.run(topicKey, partition);
    return { name, id, partitions };
  });
}

/** What only other logs keep; taking it and not keeping it would be found out too late. @throws CONFIG_INVALID */
function refuseUnkept(name: string, { compacted, recordBytesMax }: TopicOptions): void {
  const refuse = (setting: string, why: string) =>
    new TallystreamError('CONFIG_INVALID', {
      what: `Topic ${name} cannot have ${setting} on the embedded log.`,
      why,
      hint: 'Omit it, or use Apache Kafka for this topic.',
    });
  if (compacted === true) {
    throw refuse('compacted', 'This log removes records by age and size, not by key.');
  }
  if (recordBytesMax !== undefined) {
    throw refuse('recordBytesMax', 'This log has one record size limit for all topics.');
  }
}

/** Whether there was a topic to remove. */
export function deleteTopic(file: LogFile, name: string): boolean {
  if (topicRow(file, name) === undefined) return false;
  const { dropBatches, dropGenerations, dropPartitions, dropTopic } = file.statements;
  return inTransaction(file, () => {
    const topic = topicRow(file, name);
    if (topic === undefined) return false;
    dropBatches.run(topic.topic_key);
    dropGenerations.run(topic.topic_key);
    dropPartitions.run(topic.topic_key);
    dropTopic.run(topic.topic_key);
    return true;
  });
}
