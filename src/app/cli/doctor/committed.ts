/** How far the query has read, from its checkpoint. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Shorter than the time limit of a check, because it blocks this thread. */
const BUSY_TIMEOUT_MS = 2_000;

/**
 * The offset of the next record that the query will read, by partition; empty before the first commit. It reads the table
 * that docs/how-to/query-the-checkpoint.md has for people. The caller has checked that the checkpoint exists and is sound.
 */
export function committedOffsets(checkpointLocation: string): ReadonlyMap<number, number> {
  // Opened like a writer, because a read-only connection fails if the shared files are missing.
  const database = new DatabaseSync(join(checkpointLocation, 'checkpoint.db'), { timeout: BUSY_TIMEOUT_MS });
  try {
    database.exec('PRAGMA query_only = ON');
    const rows = database.prepare('SELECT "partition" AS part, next_offset AS next FROM partitions').all();
    return new Map(rows.map(({ part, next }) => [part as number, next as number]));
  } finally {
    database.close();
  }
}
