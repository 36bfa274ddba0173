/** Whether what was read, and what was lost, is as it was written; and whether a loss waits for a person. */
import type { DatabaseSync } from 'node:sqlite';
import { storedLosses } from './data-losses.ts';
import { allRows, hasTable, type Row } from './database.ts';
import { MEND, type FindingParts } from './finding.ts';
import { storedMarks } from './history-marks.ts';

export function* historyFindings(database: DatabaseSync): Generator<FindingParts, void, undefined> {
  for (const { partition, mark, isAsWritten } of storedMarks(database)) {
    if (isAsWritten) continue;
    yield {
      what: 'What is known of the records that were read does not match its checksum.',
      where: `table history_marks, partition ${partition}, offset ${mark.nextOffset}`,
      why: 'The mark of a record batch, or its checksum, is not what was written.',
      mend: MEND,
    };
  }
  for (const [partition, baseOffset, nextOffset] of unreadMarks(database)) {
    yield {
      what: 'A partition has a mark of records that it has not read.',
      where: `table history_marks, partition ${String(partition)}`,
      why: `A mark begins at offset ${String(baseOffset)}, and the next offset is ${String(nextOffset)}.`,
      mend: MEND,
    };
  }
  for (const { id, partition, start, end, kind, why, acceptedAtMs, isAsWritten } of storedLosses(database)) {
    const where = `table data_losses, row ${id}`;
    if (!isAsWritten) {
      yield {
        what: 'A loss does not match its checksum.',
        where,
        why: 'Its partition, its offsets or what was found is not what was written.',
        mend: MEND,
      };
    } else if (acceptedAtMs === null) {
      const records = `offsets ${start} to ${end - 1} (${end - start}) of partition ${partition}`;
      yield {
        what:
          kind === 'counted'
            ? `Records that were counted are no longer in the log: ${records}.`
            : `Records were removed before they were read: ${records}.`,
        where,
        why,
        mend: 'Bring the right log back; or go on without these records with `tallystream checkpoint accept-loss`.',
      };
    }
  }
}

function unreadMarks(database: DatabaseSync): readonly Row[] {
  if (!hasTable(database, 'history_marks')) return [];
  // Compared by SQLite, since a damaged offset may be more than a number can hold.
  return allRows(
    database.prepare(
      `SELECT "partition", max(base_offset), min(partitions.next_offset)
       FROM history_marks JOIN partitions USING ("partition")
       WHERE base_offset >= partitions.next_offset GROUP BY "partition"`,
    ),
  );
}
