/** Plans and commits as stored, for verification. Unreadable ones are left out; another check reports them. */
import type { DatabaseSync } from 'node:sqlite';
import { TallystreamError } from '../../errors.ts';
import type { Accounting, BatchPlan, PlannedRange } from '../../contracts/batch.ts';
import { allRows, firstRow, type Row } from '../connection.ts';
import { parsePlan } from './stored-json.ts';

export interface StoredPlan {
  readonly batchId: number;
  /** undefined if it cannot be read. */
  readonly plan: BatchPlan | undefined;
}

export interface StoredCommit {
  readonly batchId: number;
  readonly watermarkMicros: number | null;
  readonly accounting: Accounting;
}

/** In order of batches. */
export function storedPlans(database: DatabaseSync, location: string): StoredPlan[] {
  return allRows(database.prepare('SELECT batch_id, plan FROM plans ORDER BY batch_id')).map((row) => ({
    batchId: row[0] as number,
    plan: readablePlan(row, location),
  }));
}

/** In order of batches. */
export function storedCommits(database: DatabaseSync): StoredCommit[] {
  const rows = allRows(
    database.prepare(
      `SELECT batch_id, watermark_micros, read, accepted, invalid, duplicate, late
       FROM commits ORDER BY batch_id`,
    ),
  );
  return rows.map(([batchId, watermarkMicros, read, accepted, invalid, duplicate, late]) => ({
    batchId: batchId as number,
    watermarkMicros: watermarkMicros as number | null,
    accounting: { read, accepted, invalid, duplicate, late } as Accounting,
  }));
}

/** undefined if it is missing. */
export function storedAccounting(database: DatabaseSync): Accounting | undefined {
  const row = firstRow(database.prepare('SELECT read, accepted, invalid, duplicate, late FROM accounting'));
  if (row === undefined) return undefined;
  const [read, accepted, invalid, duplicate, late] = row;
  return { read, accepted, invalid, duplicate, late } as Accounting;
}

/** undefined if it is not the plan of that batch. */
export function readablePlan([batchId, text]: Row, location: string): BatchPlan | undefined {
  try {
    const plan = parsePlan(batchId, text, location);
    return [...plan.ranges, ...plan.lost].every(isRange) ? plan : undefined;
  } catch (error) {
    if (error instanceof TallystreamError) return undefined;
    throw error;
  }
}

function isRange(range: PlannedRange | null): boolean {
  return [range?.partition, range?.start, range?.end].every((number) => Number.isSafeInteger(number));
}
