/** Whether the embedded log holds all that it has acknowledged. */
import type { DatabaseSync } from 'node:sqlite';
import { TallystreamError } from '../../errors.ts';
import {
  acknowledgedPath,
  AcknowledgedWriter,
  readAcknowledged,
  type Acknowledged,
  type AcknowledgedFile,
} from './acknowledged.ts';
import type { BatchRow, PartitionRow, Statements } from './statements.ts';

/** A topic has up to 1,024 partitions; a person needs the first. */
const RANGES_SHOWN_MAX = 20;

/**
 * Called whenever the log is opened.
 * @param known what the acknowledged file said before the log was opened
 * @throws DATA_LOSS with the ranges if the log ends before what was acknowledged, or holds other records there
 */
export function checkAcknowledged(
  statements: Statements,
  path: string,
  known: AcknowledgedFile | undefined,
): void {
  if (known === undefined) return;
  const logId = logIdOf(statements);
  // Another log's, which was at this path before.
  if (logId !== undefined && !isSame(logId, known.logId)) return;
  const missing = known.entries.flatMap((entry) => missingText(statements, entry) ?? []);
  if (missing.length === 0) return;
  const shown = missing.slice(0, RANGES_SHOWN_MAX).join(', ');
  const more = missing.length > RANGES_SHOWN_MAX ? ` and ${missing.length - RANGES_SHOWN_MAX} more` : '';
  throw new TallystreamError('DATA_LOSS', {
    what: `The log ${path} is missing records that it acknowledged: ${shown}${more}.`,
    why: 'An older copy was restored, or the end of its write-ahead log (-wal) was damaged, which SQLite ignores silently.',
    hint: `Restore the newest copy of the log together with its -wal. If there is none, remove ${acknowledgedPath(path)} to accept the log as it is, then produce those records again. A query that has read them reports what it lost.`,
  });
}

/**
 * Opens the file for a connection that appends, and creates it if it is missing or belongs to another log.
 * @param known what the file said before the log was opened
 */
export function openAcknowledged(
  db: DatabaseSync,
  statements: Statements,
  path: string,
  known: AcknowledgedFile | undefined,
): AcknowledgedWriter {
  const logId = logIdOf(statements) as Uint8Array;
  const writer = writerAt(path, logId);
  const isCurrent = (file: AcknowledgedFile | undefined) => file !== undefined && isSame(file.logId, logId);
  if (isCurrent(known)) return writer;
  try {
    begin(db, statements, writer, () => isCurrent(readAcknowledged(path)));
    return writer;
  } catch (error) {
    writer.close();
    throw error;
  }
}

function begin(
  db: DatabaseSync,
  statements: Statements,
  writer: AcknowledgedWriter,
  isCurrent: () => boolean,
): void {
  // Nobody appends meanwhile, so that no entry of another connection is overwritten.
  db.exec('BEGIN IMMEDIATE');
  try {
    if (!isCurrent()) {
      const rows = statements.partitionsOfAll.all() as unknown as PartitionRow[];
      writer.reset(
        rows.map(({ partition_key, latest, chain }) => ({
          partitionKey: partition_key,
          nextOffset: latest,
          chain,
        })),
      );
    }
  } finally {
    db.exec('ROLLBACK');
  }
}

/** @throws LOG_UNAVAILABLE */
function writerAt(path: string, logId: Uint8Array): AcknowledgedWriter {
  try {
    return new AcknowledgedWriter(path, logId);
  } catch (cause) {
    throw new TallystreamError('LOG_UNAVAILABLE', {
      what: `The file ${acknowledgedPath(path)}, which records what the log has acknowledged, cannot be opened for writing.`,
      why: `The system says: ${(cause as Error).message}.`,
      hint: 'Give this user write access to it and to its folder, or free some disk space.',
      cause,
    });
  }
}

function missingText(statements: Statements, entry: Acknowledged): string | undefined {
  const { partitionKey, nextOffset, chain } = entry;
  const row = statements.partitionByKey.get(partitionKey) as unknown as PartitionRow | undefined;
  if (row === undefined) {
    const keyMax = Number(statements.partitionKeyMax.get()?.['seq'] ?? 0);
    // A topic that was removed since has left its entries.
    if (partitionKey <= keyMax || nextOffset === 0) return undefined;
    return `${nextOffset} of a topic that it no longer has`;
  }
  const place = () =>
    `topic ${String(statements.topicOfPartition.get(partitionKey)?.['name'])}, partition ${row.partition}`;
  if (row.latest < nextOffset)
    return `${place()}, offsets ${row.latest} to ${nextOffset - 1} (${nextOffset - row.latest})`;
  if (chain === null || nextOffset <= row.earliest) return undefined;
  const last = statements.batchAt.get(partitionKey, nextOffset - 1) as unknown as BatchRow | undefined;
  const isThere = last !== undefined && last.base_offset + last.count === nextOffset;
  if (isThere && last.chain !== null && isSame(last.chain, chain)) return undefined;
  return `${place()}, offsets up to ${nextOffset - 1}, where others are now`;
}

/** undefined in a log that an older version made. */
function logIdOf(statements: Statements): Uint8Array | undefined {
  return statements.logId.get()?.['log_id'] as Uint8Array | undefined;
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}
