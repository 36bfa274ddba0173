/** Whether a mark belongs to records that were not read, and whether there is a loss to accept. */
import type { DatabaseSync } from 'node:sqlite';
import { readRaisedLosses } from '../history/data-losses.ts';
import { allRows, type Row } from '../connection.ts';
import { HINT, type FindingParts } from './finding.ts';
import type { Seal } from '../seals/seal.ts';

export function* historyFindings(
  database: DatabaseSync,
  location: string,
  seal: Seal | undefined,
): Generator<FindingParts, void, undefined> {
  for (const [partition, baseOffset, nextOffset] of unreadMarks(database)) {
    yield {
      what: 'A partition has a mark for records that were not read.',
      where: `table history_marks, partition ${String(partition)}`,
      why: `A mark begins at offset ${String(baseOffset)}, but the next offset to read is ${String(nextOffset)}.`,
      hint: HINT,
    };
  }
  for (const { partition, start, end, kind, why } of readRaisedLosses(database, seal, location)) {
    const records = `offsets ${start} to ${end - 1} (${end - start}) of partition ${partition}`;
    yield {
      what:
        kind === 'counted'
          ? `Records that were counted are no longer in the log: ${records}.`
          : `Records were removed before they were read: ${records}.`,
      where: `table data_losses, partition ${partition}`,
      why,
      hint: 'Restore the right log; or continue without these records with `tallystream checkpoint accept-loss`.',
    };
  }
}

function unreadMarks(database: DatabaseSync): readonly Row[] {
  // Compared by SQLite, since a damaged offset may be too large for a number.
  return allRows(
    database.prepare(
      `SELECT "partition", max(base_offset), min(partitions.next_offset)
       FROM history_marks JOIN partitions USING ("partition")
       WHERE base_offset >= partitions.next_offset GROUP BY "partition"`,
    ),
  );
}
