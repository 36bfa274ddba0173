/** Plans and commits, what is remembered of each partition, and the accounting over all batches. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { invariant } from '../errors.ts';
import type { Accounting, BatchCommit, BatchPlan, Committed, PartitionState } from '../contracts/batch.ts';
import type { LostRange, StoredReport } from '../contracts/checkpoint.ts';
import { corrupt } from './failure.ts';
import { allRows, firstCell, firstRow } from './database.ts';
import { readAcceptedLosses } from './data-losses.ts';
import { MarkWriter, newestMarks } from './history-marks.ts';
import { crcOfCells } from './row-crc.ts';
import { parsePlan, parseStored, planText } from './stored-json.ts';

/** Plans, reports and progress of this many batches are kept, for people to look at; recovery needs the newest. */
const BATCHES_KEPT = 100;

const PUT_PARTITION = 'INSERT OR REPLACE INTO partitions VALUES (?, ?, ?, ?, ?)';

export class BatchTables {
  private readonly database: DatabaseSync;
  private readonly location: string;
  private readonly selectPlan: StatementSync;
  private readonly insertPlan: StatementSync;
  private readonly selectLastCommit: StatementSync;
  private readonly insertCommit: StatementSync;
  private readonly upsertPartition: StatementSync;
  private readonly addAccounting: StatementSync;
  private readonly insertLost: StatementSync;
  private readonly marks: MarkWriter;
  private readonly deleteOldPlans: StatementSync;
  private readonly deleteOldCommits: StatementSync;
  private readonly updatePrinted: StatementSync;

  constructor(database: DatabaseSync, location: string) {
    this.database = database;
    this.location = location;
    this.selectPlan = database.prepare('SELECT plan FROM plans WHERE batch_id = ?');
    this.insertPlan = database.prepare('INSERT INTO plans VALUES (?, ?)');
    this.selectLastCommit = database.prepare('SELECT max(batch_id) FROM commits');
    this.insertCommit = database.prepare('INSERT INTO commits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)');
    this.upsertPartition = database.prepare(PUT_PARTITION);
    this.addAccounting = database.prepare(
      `UPDATE accounting SET read = read + ?, accepted = accepted + ?, invalid = invalid + ?,
       duplicate = duplicate + ?, late = late + ?, dead_letter_bytes = dead_letter_bytes + ?`,
    );
    this.insertLost = database.prepare('INSERT INTO lost_ranges VALUES (?, ?, ?, ?)');
    this.marks = new MarkWriter(database);
    this.deleteOldPlans = database.prepare('DELETE FROM plans WHERE batch_id <= ?');
    this.deleteOldCommits = database.prepare('DELETE FROM commits WHERE batch_id <= ?');
    this.updatePrinted = database.prepare(
      'UPDATE commits SET printed = 1 WHERE batch_id = ? AND printed = 0',
    );
  }

  /** @throws CHECKPOINT_CORRUPT */
  lastPlan(): BatchPlan | undefined {
    return readLastPlan(this.database, this.location);
  }

  lastCommit(): Committed | undefined {
    const row = firstRow(
      this.database.prepare('SELECT batch_id, watermark_micros FROM commits ORDER BY batch_id DESC LIMIT 1'),
    );
    return (
      row && {
        batchId: row[0] as number,
        watermarkMicros: row[1] as number | null,
        partitions: readPartitions(this.database, this.location),
        accounting: readAccounting(this.database, this.location),
      }
    );
  }

  /** Writes the plan of the next batch, or finds it written. Called within a transaction. */
  putPlan(plan: BatchPlan): void {
    const text = planText(plan);
    const stored = firstCell(this.selectPlan, plan.batchId);
    if (stored !== undefined) {
      invariant(stored === text, `batch ${plan.batchId} is planned already, and otherwise`);
      return;
    }
    this.checkNext(plan.batchId);
    this.insertPlan.run(plan.batchId, text);
  }

  /** Writes all but the state: plan, commit, partitions, accounting. Called within the commit's transaction. */
  putCommit(commit: BatchCommit, deadLetterBytes: number): void {
    const { plan, accounting } = commit;
    this.checkNext(plan.batchId);
    this.putPlan(plan);
    const counts = [
      accounting.read,
      accounting.accepted,
      accounting.invalid,
      accounting.duplicate,
      accounting.late,
    ];
    this.insertCommit.run(
      plan.batchId,
      ...counts,
      plan.watermarkMicros,
      JSON.stringify(commit.progress),
      JSON.stringify(commit.report),
    );
    for (const state of commit.partitions) this.upsertPartition.run(...rowOf(state));
    this.marks.put(commit);
    for (const { partition, start, end } of commit.lost) {
      this.insertLost.run(plan.batchId, partition, start, end);
    }
    this.addAccounting.run(...counts, deadLetterBytes);
    // The newest is never among them, so neither is a report that still has to be printed.
    this.deleteOldPlans.run(plan.batchId - BATCHES_KEPT);
    this.deleteOldCommits.run(plan.batchId - BATCHES_KEPT);
  }

  /** Called after a commit that failed. */
  forgetFailed(): void {
    this.marks.forget();
  }

  /** @throws CHECKPOINT_CORRUPT */
  unprintedReport(): StoredReport | undefined {
    const row = firstRow(
      this.database.prepare('SELECT batch_id, report, printed FROM commits ORDER BY batch_id DESC LIMIT 1'),
    );
    if (row === undefined || row[2] !== 0) return undefined;
    return { batchId: row[0] as number, report: parseStored(row[1], 'report', this.location) };
  }

  markPrinted(batchId: number): void {
    this.updatePrinted.run(batchId);
  }

  deadLetterBytes(): number {
    return Number(firstCell(this.database.prepare('SELECT dead_letter_bytes FROM accounting')));
  }

  private checkNext(batchId: number): void {
    const last = firstCell(this.selectLastCommit) as number | null;
    const next = last === null ? 0 : last + 1;
    invariant(batchId === next, `batch ${batchId} cannot be written: the next batch is ${next}`);
  }
}

/** @throws CHECKPOINT_CORRUPT */
export function readLastPlan(database: DatabaseSync, location: string): BatchPlan | undefined {
  const row = firstRow(database.prepare('SELECT batch_id, plan FROM plans ORDER BY batch_id DESC LIMIT 1'));
  return row && parsePlan(row[0], row[1], location);
}

/** What is remembered of each partition, in their order, with the newest mark. @throws CHECKPOINT_CORRUPT */
export function readPartitions(database: DatabaseSync, location: string): PartitionState[] {
  const marks = newestMarks(database, location);
  return storedPartitions(database).map(({ isAsWritten, ...state }) => {
    if (isAsWritten) return { ...state, mark: marks.get(state.partition) ?? null };
    const why = `In the table partitions, partition ${state.partition} does not match its checksum.`;
    throw corrupt(location, why);
  });
}

/** Outside a commit: for a person who moves a partition. Called within a transaction. */
export function putPartition(database: DatabaseSync, state: PartitionState): void {
  database.prepare(PUT_PARTITION).run(...rowOf(state));
}

function rowOf({ partition, nextOffset, maxEventMicros, activeAtMs }: PartitionState): (number | null)[] {
  const row = [partition, nextOffset, maxEventMicros, activeAtMs];
  return [...row, crcOfCells(row)];
}

/** The rows of the table, with whether each matches its checksum. */
export function storedPartitions(
  database: DatabaseSync,
): (Omit<PartitionState, 'mark'> & { readonly isAsWritten: boolean })[] {
  const rows = allRows(
    database.prepare(
      'SELECT "partition", next_offset, max_event_micros, active_at_ms, crc32 FROM partitions ORDER BY "partition"',
    ),
  );
  return rows.map((row) => ({
    partition: row[0] as number,
    nextOffset: row[1] as number,
    maxEventMicros: row[2] as number | null,
    activeAtMs: row[3] as number,
    isAsWritten: crcOfCells(row, row.length - 1) === row[4],
  }));
}

/** Records that were gone before they were read, over all batches, and counted ones that a person accepted as lost. */
export function readLostRanges(database: DatabaseSync, location: string): LostRange[] {
  const counted = readAcceptedLosses(database, location)
    .filter(({ kind }) => kind === 'counted')
    .map(({ batchId, partition, start, end }): LostRange => {
      return { batchId, partition, start, end, wasCounted: true };
    });
  const rows = allRows(
    database.prepare(
      'SELECT batch_id, "partition", start_offset, end_offset FROM lost_ranges ORDER BY batch_id, "partition", start_offset',
    ),
  );
  const unread = rows.map(
    ([batchId, partition, start, end]) => ({ batchId, partition, start, end }) as LostRange,
  );
  return [...unread, ...counted].toSorted(
    (a, b) => a.batchId - b.batchId || a.partition - b.partition || a.start - b.start,
  );
}

/** Sums over all batches. @throws CHECKPOINT_CORRUPT */
export function readAccounting(database: DatabaseSync, location: string): Accounting {
  const row = firstRow(database.prepare('SELECT read, accepted, invalid, duplicate, late FROM accounting'));
  if (row === undefined) throw corrupt(location, 'Its accounting is missing.');
  const [read, accepted, invalid, duplicate, late] = row;
  return { read, accepted, invalid, duplicate, late } as Accounting;
}
