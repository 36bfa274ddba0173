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
  /** The chain's value at `latest`; null before the first batch, and after those of a version without chains. */
  readonly chain: Uint8Array | null;
}

export interface BatchRow {
  readonly base_offset: number;
  readonly count: number;
  readonly checksum: number;
  /** null in a batch that a version without chains wrote. */
  readonly chain: Uint8Array | null;
  readonly body: Uint8Array;
}

/** In place of what a log without chains cannot answer, or is never asked while it is open for reading; up to 3 values. */
const NO_ROWS = 'SELECT NULL WHERE 0 AND coalesce(?, ?, ?) IS NULL';

export type Statements = ReturnType<typeof prepareStatements>;

/** @param hasChains false in a log of an older version, which is open for reading only */
export function prepareStatements(db: DatabaseSync, hasChains: boolean) {
  const prepare = (sql: string): StatementSync => db.prepare(sql);
  const prepareChained = (sql: string) => prepare(hasChains ? sql : NO_ROWS);
  const chain = hasChains ? 'chain' : 'NULL AS chain';
  const topic = 'SELECT topic_key, name, id, partitions, retention_ms, retention_bytes FROM topics';
  const partition = `SELECT partition_key, partition, earliest, latest, bytes, ${chain} FROM partitions`;
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
    extendPartition: prepareChained(
      'UPDATE partitions SET latest = ?, bytes = bytes + ?, chain = ? WHERE partition_key = ?',
    ),
    shortenPartition: prepare(
      'UPDATE partitions SET earliest = ?, bytes = bytes - ? WHERE partition_key = ?',
    ),
    dropPartitions: prepare('DELETE FROM partitions WHERE topic_key = ?'),

    addBatch: prepareChained(
      `INSERT INTO batches (partition_key, base_offset, count, bytes, timestamp_ms_max, checksum, chain, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    /** The batch that holds the offset, or the last one before it; without its body. */
    batchAt: prepare(
      `SELECT base_offset, count, checksum, ${chain} FROM batches
       WHERE partition_key = ? AND base_offset <= ? ORDER BY base_offset DESC LIMIT 1`,
    ),
    bodyAt: prepare('SELECT body FROM batches WHERE partition_key = ? AND base_offset = ?'),
    /** From the batch that holds an offset, or the last before it, to the last that starts below an end. */
    batchesFrom: prepare(
      `SELECT base_offset, count, checksum, ${chain}, body FROM batches
       WHERE partition_key = :partitionKey AND base_offset < :end AND base_offset >= (
         SELECT base_offset FROM batches WHERE partition_key = :partitionKey AND base_offset <= :position
         ORDER BY base_offset DESC LIMIT 1)
       ORDER BY base_offset`,
    ),
    batchesOldestFirst: prepare(
      `SELECT base_offset AS baseOffset, count, bytes, timestamp_ms_max AS timestampMsMax FROM batches
       WHERE partition_key = ? ORDER BY base_offset`,
    ),
    ...prepareHistory(prepareChained),
    /** The largest key that a partition ever had: a larger one belongs to a later state of the log. */
    partitionKeyMax: prepare("SELECT seq FROM sqlite_sequence WHERE name = 'partitions'"),
    partitionsOfAll: prepare(partition),
    topicOfPartition: prepare(
      'SELECT name FROM topics WHERE topic_key = (SELECT topic_key FROM partitions WHERE partition_key = ?)',
    ),

    dropBatchesBelow: prepare('DELETE FROM batches WHERE partition_key = ? AND base_offset < ?'),
    dropBatches: prepare(
      'DELETE FROM batches WHERE partition_key IN (SELECT partition_key FROM partitions WHERE topic_key = ?)',
    ),
  };
}

/** Generations and the log's id, which a log of an older version does not have. */
function prepareHistory(prepareChained: (sql: string) => StatementSync) {
  return {
    beginGeneration: prepareChained('INSERT OR REPLACE INTO generations VALUES (?, ?, ?)'),
    /** Where the first generation begins at or after an offset. */
    generationFrom: prepareChained(
      'SELECT min(start_offset) AS start FROM generations WHERE partition_key = ? AND start_offset >= ?',
    ),
    generationsWithin: prepareChained(
      `SELECT start_offset AS start FROM generations WHERE partition_key = ? AND start_offset > ? AND start_offset < ?
       ORDER BY start_offset`,
    ),
    dropGenerations: prepareChained(
      'DELETE FROM generations WHERE partition_key IN (SELECT partition_key FROM partitions WHERE topic_key = ?)',
    ),
    dropGenerationsBelow: prepareChained(
      'DELETE FROM generations WHERE partition_key = ? AND start_offset < ?',
    ),
    logId: prepareChained('SELECT log_id FROM log_identity'),
  };
}
