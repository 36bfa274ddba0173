/** Every statement of the embedded log, prepared once a connection, with the shapes of the rows they give. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';

export interface TopicRow {
  readonly topic_key: number;
  readonly name: string;
  readonly id: string;
  readonly partitions: number;
  readonly retention_ms: number | null;
  readonly retention_bytes: number | null;
}

export interface PartitionRow {
  readonly partition_key: number;
  readonly partition: number;
  readonly earliest: number;
  readonly latest: number;
  readonly bytes: number;
}

export interface BatchRow {
  readonly base_offset: number;
  readonly count: number;
  readonly checksum: number;
  readonly body: Uint8Array;
}

export type Statements = ReturnType<typeof prepareStatements>;

export function prepareStatements(db: DatabaseSync) {
  const prepare = (sql: string): StatementSync => db.prepare(sql);
  const topic = 'SELECT topic_key, name, id, partitions, retention_ms, retention_bytes FROM topics';
  const partition = 'SELECT partition_key, partition, earliest, latest, bytes FROM partitions';
  return {
    begin: prepare('BEGIN IMMEDIATE'),
    commit: prepare('COMMIT'),
    rollback: prepare('ROLLBACK'),
    dataVersion: prepare('PRAGMA data_version'),
    freePages: prepare('PRAGMA freelist_count'),

    topics: prepare(`${topic} ORDER BY name`),
    topicByName: prepare(`${topic} WHERE name = ?`),
    addTopic: prepare(
      'INSERT INTO topics (name, id, partitions, retention_ms, retention_bytes) VALUES (?, ?, ?, ?, ?)',
    ),
    setRetention: prepare('UPDATE topics SET retention_ms = ?, retention_bytes = ? WHERE topic_key = ?'),
    dropTopic: prepare('DELETE FROM topics WHERE topic_key = ?'),

    partitions: prepare(`${partition} WHERE topic_key = ? ORDER BY partition`),
    partition: prepare(`${partition} WHERE topic_key = ? AND partition = ?`),
    partitionByKey: prepare(`${partition} WHERE partition_key = ?`),
    addPartition: prepare('INSERT INTO partitions (topic_key, partition) VALUES (?, ?)'),
    extendPartition: prepare('UPDATE partitions SET latest = ?, bytes = bytes + ? WHERE partition_key = ?'),
    shortenPartition: prepare(
      'UPDATE partitions SET earliest = ?, bytes = bytes - ? WHERE partition_key = ?',
    ),
    dropPartitions: prepare('DELETE FROM partitions WHERE topic_key = ?'),

    addBatch: prepare(
      `INSERT INTO batches (partition_key, base_offset, count, bytes, timestamp_ms_max, checksum, body)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    /** From the batch that holds an offset, or the last before it, to the last that starts below an end. */
    batchesFrom: prepare(
      `SELECT base_offset, count, checksum, body FROM batches
       WHERE partition_key = :partitionKey AND base_offset < :end AND base_offset >= (
         SELECT base_offset FROM batches WHERE partition_key = :partitionKey AND base_offset <= :position
         ORDER BY base_offset DESC LIMIT 1)
       ORDER BY base_offset`,
    ),
    batchesOldestFirst: prepare(
      `SELECT base_offset AS baseOffset, count, bytes, timestamp_ms_max AS timestampMsMax FROM batches
       WHERE partition_key = ? ORDER BY base_offset`,
    ),
    dropBatchesBelow: prepare('DELETE FROM batches WHERE partition_key = ? AND base_offset < ?'),
    dropBatches: prepare(
      'DELETE FROM batches WHERE partition_key IN (SELECT partition_key FROM partitions WHERE topic_key = ?)',
    ),
  };
}
