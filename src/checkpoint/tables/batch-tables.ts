/** Plans and commits, the state of each partition, and the accounting over all batches. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { invariant } from '../../errors.ts';
import {
  NO_ACCOUNTING,
  type Accounting,
  type BatchCommit,
  type BatchPlan,
  type Committed,
  type PartitionState,
  type PlannedRange,
} from '../../contracts/batch.ts';
import type { LostRange, StoredReport } from '../../contracts/checkpoint.ts';
import { corrupt } from '../errors.ts';
import { allRows, firstCell, firstRow, type Cell, type Row } from '../connection.ts';
import type { Seal, SealDraft } from '../seals/seal.ts';
import { checkedRows, matchesChecksum, storedRows, unlike } from '../seals/sealed-rows.ts';
import {
  ACCOUNTING,
  COMMITS,
  LOST_RANGES,
  PARTITIONS,
  PLANS,
  selectionOf,
  type SealedTable,
} from '../seals/sealed-tables.ts';
import { SealedWriter } from '../seals/sealed-writer.ts';
import { readAcceptedLosses } from '../history/data-losses.ts';
import { MarkWriter, newestMarks } from '../history/marks.ts';
import { parsePlan, parseStored, planText } from './stored-json.ts';

/** Plans, reports and progress of this many batches are kept, for people to inspect. Recovery only needs the newest. */
const BATCHES_KEPT = 100;

/** The position of the counts in a row of `accounting` and of `commits`: after the key. */
const COUNTS_FROM = 1;
const WATERMARK = COMMITS.columns.indexOf('watermark_micros');
const PROGRESS = COMMITS.columns.indexOf('progress');
const REPORT = COMMITS.columns.indexOf('report');
const LETTER_BYTES = ACCOUNTING.columns.indexOf('dead_letter_bytes');

type Remove = ReturnType<SealedWriter['remover']>;

export class BatchTables {
  private readonly database: DatabaseSync;
  private readonly location: string;
  private readonly selectPlan: StatementSync;
  private readonly newestPlan: StatementSync;
  private readonly newestCommit: StatementSync;
  private readonly sums: StatementSync;
  private readonly setPrinted: StatementSync;
  private readonly selectLastCommit: StatementSync;
  private readonly plans: SealedWriter;
  private readonly commits: SealedWriter;
  private readonly partitions: SealedWriter;
  private readonly accounting: SealedWriter;
  private readonly lost: SealedWriter;
  private readonly removeOldPlans: Remove;
  private readonly removePending: Remove;
  private readonly removeOldCommits: Remove;
  private readonly marks: MarkWriter;

  constructor(database: DatabaseSync, location: string) {
    this.database = database;
    this.location = location;
    this.selectPlan = database.prepare('SELECT plan FROM plans WHERE batch_id = ?');
    this.newestPlan = newest(database, PLANS);
    this.newestCommit = newest(database, COMMITS);
    this.setPrinted = database.prepare(
      'UPDATE commits SET printed = crc32 WHERE batch_id = ? AND printed = 0',
    );
    this.sums = database.prepare(selectionOf(ACCOUNTING));
    this.selectLastCommit = database.prepare('SELECT max(batch_id) FROM commits');
    this.plans = new SealedWriter(database, PLANS);
    this.commits = new SealedWriter(database, COMMITS);
    this.partitions = new SealedWriter(database, PARTITIONS);
    this.accounting = new SealedWriter(database, ACCOUNTING);
    this.lost = new SealedWriter(database, LOST_RANGES);
    this.removeOldPlans = this.plans.remover('batch_id <= ?');
    this.removePending = this.plans.remover('batch_id > ?');
    this.removeOldCommits = this.commits.remover('batch_id <= ?');
    this.marks = new MarkWriter(database);
  }

  /** @throws CHECKPOINT_CORRUPT */
  lastPlan(): BatchPlan | undefined {
    const row = checkedRow(this.newestPlan, PLANS, this.location);
    return row && parsePlan(row[0], row[1], this.location);
  }

  /** @throws CHECKPOINT_CORRUPT */
  lastCommit(seal: Seal): Committed | undefined {
    // All rows were checked at the opening; the newest is enough here.
    const row = checkedRow(this.newestCommit, COMMITS, this.location);
    return row && committedOf(row, this.database, seal, this.location);
  }

  /** Writes the plan of the next batch, unless it is already written. Called within a transaction. */
  putPlan(draft: SealDraft, plan: BatchPlan): void {
    const text = planText(plan);
    const stored = firstCell(this.selectPlan, plan.batchId);
    if (stored !== undefined) {
      invariant(stored === text, `batch ${plan.batchId} already has another plan`);
      return;
    }
    this.checkNext(plan.batchId);
    this.plans.add(draft, [plan.batchId, text]);
  }

  /** Writes everything except the state: plan, commit, partitions, accounting. Called within the commit's transaction. */
  putCommit(draft: SealDraft, commit: BatchCommit, deadLetterBytes: number): void {
    const { plan } = commit;
    this.checkNext(plan.batchId);
    this.putPlan(draft, plan);
    const counts = countsOf(commit.accounting);
    const texts = [JSON.stringify(commit.progress), JSON.stringify(commit.report)];
    this.commits.add(draft, [plan.batchId, ...counts, plan.watermarkMicros, ...texts]);
    for (const state of commit.partitions) this.putPartition(draft, state);
    this.marks.put(draft, commit);
    for (const { partition, start, end } of commit.lost) {
      this.lost.add(draft, [plan.batchId, partition, start, end]);
    }
    const before = checkedRow(this.sums, ACCOUNTING, this.location);
    if (before === undefined) throw corrupt(this.location, 'Its accounting is missing.');
    const added = [...counts, deadLetterBytes];
    const sums = added.map((count, index) => count + (before[index + COUNTS_FROM] as number));
    this.accounting.put(draft, [0, ...sums]);
    // This never removes the newest batch, so never a report that still has to be printed.
    this.removeOldPlans(draft, plan.batchId - BATCHES_KEPT);
    this.removeOldCommits(draft, plan.batchId - BATCHES_KEPT);
    draft.batchId = plan.batchId;
  }

  /** Sets the next offset of a partition. Called within a transaction. */
  putPartition(
    draft: SealDraft,
    { partition, nextOffset, maxEventMicros, activeAtMs }: Omit<PartitionState, 'mark'>,
  ): void {
    this.partitions.put(draft, [partition, nextOffset, maxEventMicros, activeAtMs]);
  }

  /** Stores a range of unread records that was accepted as lost. Called within a transaction. */
  putLost(draft: SealDraft, batchId: number, { partition, start, end }: PlannedRange): void {
    this.lost.put(draft, [batchId, partition, start, end]);
  }

  /** Removes an uncommitted plan: its offsets now have other records or none, so its batch is planned again. */
  dropPending(draft: SealDraft, batchId: number): void {
    this.removePending(draft, batchId);
  }

  /** Removes what was stored about reading from this offset on, since it is read again. Called within a transaction. */
  forgetMarksAbove(draft: SealDraft, partition: number, nextOffset: number): void {
    this.marks.dropAbove(draft, partition, nextOffset);
  }

  /** Called after a commit that failed. */
  forgetFailed(): void {
    this.marks.forget();
  }

  /** @throws CHECKPOINT_CORRUPT */
  unprintedReport(): StoredReport | undefined {
    const row = checkedRow(this.newestCommit, COMMITS, this.location);
    if (row === undefined || isPrinted(this.database, row[0], this.location)) return undefined;
    return { batchId: row[0] as number, report: parseStored(row[REPORT], 'report', this.location) };
  }

  /** Called within a transaction. */
  markPrinted(batchId: number): void {
    this.setPrinted.run(batchId);
  }

  /** @throws CHECKPOINT_CORRUPT */
  deadLetterBytes(seal: Seal): number {
    return readDeadLetterBytes(this.database, seal, this.location);
  }

  private checkNext(batchId: number): void {
    const last = firstCell(this.selectLastCommit) as number | null;
    const next = last === null ? 0 : last + 1;
    invariant(batchId === next, `batch ${batchId} cannot be written: the next batch is ${next}`);
  }
}

/** The first row, in a new checkpoint. Every commit adds to it. */
export function createAccounting(database: DatabaseSync, draft: SealDraft): void {
  new SealedWriter(database, ACCOUNTING).add(draft, [0, ...countsOf(NO_ACCOUNTING), 0]);
}

function countsOf({ read, accepted, invalid, duplicate, late }: Accounting): number[] {
  return [read, accepted, invalid, duplicate, late];
}

/** The row with the highest key. */
function newest(database: DatabaseSync, table: SealedTable): StatementSync {
  return database.prepare(`${selectionOf(table)} ORDER BY ${table.key.join(', ')} DESC LIMIT 1`);
}

/** The cells of the first row, if there is one, checked against its checksum. @throws CHECKPOINT_CORRUPT */
function checkedRow(statement: StatementSync, table: SealedTable, location: string): Row | undefined {
  const row = firstRow(statement);
  if (row === undefined) return undefined;
  if (!matchesChecksum(row, table)) throw unlike(table, row.slice(0, 1), location);
  return row.slice(table.key.length, -1);
}

/** Whether the report of a batch is marked as printed. @throws CHECKPOINT_CORRUPT */
export function isPrinted(database: DatabaseSync, batchId: Cell | undefined, location: string): boolean {
  const query = 'SELECT printed, crc32 FROM commits WHERE batch_id = ?';
  const [printed, crc] = firstRow(database.prepare(query), batchId ?? null) ?? [];
  if (printed === 0) return false;
  // Versions before the seals wrote 1.
  if (printed === (crc ?? 1)) return true;
  throw corrupt(location, `The mark that the report of batch ${String(batchId)} was printed is damaged.`);
}

/** @throws CHECKPOINT_CORRUPT */
export function readLastPlan(
  database: DatabaseSync,
  seal: Seal | undefined,
  location: string,
): BatchPlan | undefined {
  const row = checkedRows(database, PLANS, seal, location).at(-1);
  return row && parsePlan(row[0], row[1], location);
}

/** @throws CHECKPOINT_CORRUPT */
export function readLastCommit(
  database: DatabaseSync,
  seal: Seal | undefined,
  location: string,
): Committed | undefined {
  const row = checkedRows(database, COMMITS, seal, location).at(-1);
  return row && committedOf(row, database, seal, location);
}

/** @param row of {@link COMMITS} */
function committedOf(row: Row, database: DatabaseSync, seal: Seal | undefined, location: string): Committed {
  return {
    batchId: row[0] as number,
    watermarkMicros: row[WATERMARK] as number | null,
    partitions: readPartitions(database, seal, location),
    accounting: readAccounting(database, seal, location),
  };
}

/** A stored commit, in a shape for readers. */
export interface KeptCommit {
  readonly batchId: number;
  readonly watermarkMicros: number | null;
  readonly accounting: Accounting;
  readonly progress: Cell | undefined;
}

/** In order of batches. @throws CHECKPOINT_CORRUPT */
export function readCommits(database: DatabaseSync, seal: Seal | undefined, location: string): KeptCommit[] {
  return checkedRows(database, COMMITS, seal, location).map((row) => ({
    batchId: row[0] as number,
    watermarkMicros: row[WATERMARK] as number | null,
    accounting: accountingOf(row),
    progress: row[PROGRESS],
  }));
}

/** The state of each partition, in their order, with the newest mark. @throws CHECKPOINT_CORRUPT */
export function readPartitions(
  database: DatabaseSync,
  seal: Seal | undefined,
  location: string,
): PartitionState[] {
  const marks = newestMarks(database, seal, location);
  return Array.from(storedRows(database, PARTITIONS, seal, location), ({ cells, ...row }) => {
    if (row.isAsWritten) {
      const state = partitionOf(cells);
      return { ...state, mark: marks.get(state.partition) ?? null };
    }
    const why = `In the table partitions, partition ${String(cells[0])} does not match its checksum.`;
    throw corrupt(location, why);
  });
}

/** The rows of the table, and whether each matches its checksum. */
export function storedPartitions(
  database: DatabaseSync,
): (Omit<PartitionState, 'mark'> & { readonly isAsWritten: boolean })[] {
  const rows = allRows(database.prepare(`${selectionOf(PARTITIONS)} ORDER BY "partition"`));
  return rows.map((row) => ({
    ...partitionOf(row.slice(PARTITIONS.key.length, -1)),
    isAsWritten: matchesChecksum(row, PARTITIONS),
  }));
}

function partitionOf([partition, nextOffset, maxEventMicros, activeAtMs]: Row): Omit<PartitionState, 'mark'> {
  return { partition, nextOffset, maxEventMicros, activeAtMs } as Omit<PartitionState, 'mark'>;
}

/**
 * Records that were removed before they were read, over all batches, and counted ones that were accepted as lost.
 * @throws CHECKPOINT_CORRUPT
 */
export function readLostRanges(
  database: DatabaseSync,
  seal: Seal | undefined,
  location: string,
): LostRange[] {
  const unread = checkedRows(database, LOST_RANGES, seal, location).map(
    ([batchId, partition, start, end]) => ({ batchId, partition, start, end }) as LostRange,
  );
  const counted = readAcceptedLosses(database, seal, location)
    .filter(({ kind }) => kind === 'counted')
    .map(({ batchId, partition, start, end }): LostRange => {
      return { batchId, partition, start, end, wasCounted: true };
    });
  return [...unread, ...counted].toSorted(
    (a, b) => a.batchId - b.batchId || a.partition - b.partition || a.start - b.start,
  );
}

/** Sums over all batches. @throws CHECKPOINT_CORRUPT, also if they do not balance */
export function readAccounting(database: DatabaseSync, seal: Seal | undefined, location: string): Accounting {
  const accounting = accountingOf([0, ...readSums(database, seal, location)]);
  const { read, accepted, invalid, duplicate, late } = accounting;
  if (read === accepted + invalid + duplicate + late) return accounting;
  throw corrupt(
    location,
    `Its accounting does not balance: ${read} read is not ${accepted} accepted + ${invalid} invalid + ${duplicate} duplicate + ${late} late.`,
  );
}

/** @throws CHECKPOINT_CORRUPT */
export function readDeadLetterBytes(
  database: DatabaseSync,
  seal: Seal | undefined,
  location: string,
): number {
  return readSums(database, seal, location)[LETTER_BYTES - COUNTS_FROM] as number;
}

function readSums(database: DatabaseSync, seal: Seal | undefined, location: string): Row {
  const [row] = checkedRows(database, ACCOUNTING, seal, location);
  if (row === undefined) throw corrupt(location, 'Its accounting is missing.');
  return row.slice(COUNTS_FROM);
}

function accountingOf(row: Row): Accounting {
  const [read, accepted, invalid, duplicate, late] = row.slice(COUNTS_FROM);
  return { read, accepted, invalid, duplicate, late } as Accounting;
}
