/** The marks of what was read: one a partition for every batch that read it, thinned out with their distance from the end. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { BatchCommit } from '../contracts/batch.ts';
import type { HistoryMark, PartitionMark } from '../contracts/log.ts';
import { allRows, hasTable } from './database.ts';
import { corrupt } from './failure.ts';
import { crcOfCells } from './row-crc.ts';

/** A partition's marks are thinned out once there are more than this. */
const MARKS_MAX = 64;
/** The newest are all kept: a log that goes back does so by little, mostly. */
const NEWEST_KEPT = 16;
/** Of two older neighbours the nearer one goes if the other is not this much farther from the end. */
const SPREAD = 1.5;

/** A mark as it is stored, with whether it is what was written. */
export interface StoredMark extends PartitionMark {
  readonly isAsWritten: boolean;
}

/** Writes marks within a commit. */
export class MarkWriter {
  private readonly insert: StatementSync;
  private readonly remove: StatementSync;
  /** The next offsets of the marks that are kept, by partition, ascending. */
  private kept: Map<number, number[]> | undefined;
  private readonly database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.database = database;
    this.insert = database.prepare('INSERT OR REPLACE INTO history_marks VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.remove = database.prepare('DELETE FROM history_marks WHERE "partition" = ? AND next_offset = ?');
  }

  /** Called after a commit that failed: what is kept is read from the table again. */
  forget(): void {
    this.kept = undefined;
  }

  /** Adds the marks that are new. Called within the commit's transaction. */
  put({ partitions, marks }: Pick<BatchCommit, 'partitions' | 'marks'>): void {
    for (const { partition, mark } of marks) this.add(partition, mark);
    for (const { partition, mark } of partitions) if (mark !== null) this.add(partition, mark);
    for (const [partition, kept] of this.kept ?? [])
      if (kept.length > MARKS_MAX) this.thinOut(partition, kept);
  }

  private add(partition: number, mark: HistoryMark): void {
    const kept = this.keptOf(partition);
    // A batch that is read in two parts has the same mark twice.
    if (mark.nextOffset <= (kept.at(-1) ?? -1)) return;
    const row = rowOf(partition, mark);
    this.insert.run(...row, crcOfCells(row));
    kept.push(mark.nextOffset);
  }

  private thinOut(partition: number, kept: number[]): void {
    const stays = new Set(thinned(kept));
    for (const nextOffset of kept) if (!stays.has(nextOffset)) this.remove.run(partition, nextOffset);
    this.kept?.set(
      partition,
      kept.filter((nextOffset) => stays.has(nextOffset)),
    );
  }

  private keptOf(partition: number): number[] {
    if (this.kept === undefined) {
      this.kept = new Map();
      for (const { partition: of, mark } of storedMarks(this.database)) this.keptOf(of).push(mark.nextOffset);
    }
    const kept = this.kept.get(partition) ?? [];
    this.kept.set(partition, kept);
    return kept;
  }
}

/**
 * Those of these offsets (ascending) that stay: the newest, then ever fewer with their distance from the newest, and the
 * oldest. So a log that went back far still meets a mark, and their number grows with the logarithm of what was read.
 */
export function thinned(offsets: readonly number[]): number[] {
  const newest = offsets.at(-1) ?? 0;
  const stays: number[] = [];
  let distance = 0;
  for (let at = offsets.length - 1; at >= 0; at -= 1) {
    const offset = offsets[at] as number;
    const isNew = offsets.length - at <= NEWEST_KEPT;
    if (!isNew && at > 0 && newest - offset < distance * SPREAD) continue;
    distance = newest - offset;
    stays.push(offset);
  }
  return stays.toReversed();
}

/** Forgets what was read at and after an offset that is read again. Called within a transaction. */
export function dropMarksAbove(database: DatabaseSync, partition: number, nextOffset: number): void {
  database
    .prepare('DELETE FROM history_marks WHERE "partition" = ? AND next_offset > ?')
    .run(partition, nextOffset);
}

/** By partition and offset; none in a checkpoint that no runner of this version has opened. */
export function storedMarks(database: DatabaseSync): StoredMark[] {
  if (!hasTable(database, 'history_marks')) return [];
  const rows = allRows(
    database.prepare(
      `SELECT "partition", next_offset, base_offset, checksum, leader_epoch, chain, crc32 FROM history_marks
       ORDER BY "partition", next_offset`,
    ),
  );
  return rows.map((row) => ({
    partition: row[0] as number,
    mark: {
      baseOffset: row[2] as number,
      nextOffset: row[1] as number,
      checksum: row[3] as number,
      leaderEpoch: row[4] as number | null,
      chain: row[5] as string | null,
    },
    isAsWritten: crcOfCells(row, row.length - 1) === row[6],
  }));
}

/** By partition and offset. @throws CHECKPOINT_CORRUPT */
export function readMarks(database: DatabaseSync, location: string): PartitionMark[] {
  return storedMarks(database).map(({ partition, mark, isAsWritten }) => {
    if (isAsWritten) return { partition, mark };
    const why = `In the table history_marks, partition ${partition}, offset ${mark.nextOffset} does not match its checksum.`;
    throw corrupt(location, why);
  });
}

/** The newest mark of each partition. @throws CHECKPOINT_CORRUPT */
export function newestMarks(database: DatabaseSync, location: string): ReadonlyMap<number, HistoryMark> {
  return new Map(readMarks(database, location).map(({ partition, mark }) => [partition, mark]));
}

function rowOf(partition: number, mark: HistoryMark): (number | string | null)[] {
  return [partition, mark.nextOffset, mark.baseOffset, mark.checksum, mark.leaderEpoch, mark.chain];
}
