/** `checkpoint accept-loss`: a person accepts that records are lost, and the query goes on from where the log can. */
import type { DatabaseSync } from 'node:sqlite';
import type { DataLoss, PartitionState, PlannedRange } from '../contracts/batch.ts';
import type { AcceptedLoss } from '../contracts/checkpoint.ts';
import type { Clock } from '../contracts/clock.ts';
import { TallystreamError } from '../errors.ts';
import { putPartition, readPartitions } from './batch-tables.ts';
import { markAccepted, readRaisedLosses, storedLosses, type StoredLoss } from './data-losses.ts';
import { firstCell, inTransaction, tuneForRunner } from './database.ts';
import { checkpointFailure } from './failure.ts';
import { dropMarksAbove } from './history-marks.ts';
import { raiseEpoch } from './identity.ts';
import { lockedError, RunnerLock } from './lock.ts';
import { addTables, letOffsetsRepeat } from './tables.ts';
import { openPresent } from './view.ts';

export interface AcceptLossOptions {
  readonly location: string;
  readonly clock: Clock;
  /** The ranges that are accepted, each as it was raised. */
  readonly ranges: 'all' | readonly PlannedRange[];
}

/**
 * Records the named losses as accepted and moves the partitions: past records that were gone unread, and back to the first
 * record that differs where counted ones are gone, since what is there now was never read. One transaction.
 * @returns what was accepted by this call
 * @throws USAGE (a range that was not raised), CHECKPOINT_LOCKED (a query runs), CHECKPOINT_NOT_FOUND, CHECKPOINT_VERSION,
 * CHECKPOINT_CORRUPT, STORAGE_FULL
 */
export function acceptLoss({ location, clock, ranges }: AcceptLossOptions): AcceptedLoss[] {
  // Before the lock, which would make its file in a folder without a checkpoint.
  const database = openPresent(location);
  try {
    return withLock(location, () => {
      database.exec('PRAGMA query_only = OFF');
      tuneForRunner(database);
      return inTransaction(database, () => accept(database, location, { nowMs: clock.nowMs(), ranges }));
    });
  } catch (error) {
    throw checkpointFailure(error, { location });
  } finally {
    database.close();
  }
}

function withLock<T>(location: string, act: () => T): T {
  const lock = new RunnerLock(location);
  try {
    if (!lock.tryAcquire()) throw lockedError(location, undefined);
    return act();
  } finally {
    lock.release();
  }
}

function accept(
  database: DatabaseSync,
  location: string,
  { nowMs, ranges }: { readonly nowMs: number; readonly ranges: AcceptLossOptions['ranges'] },
): AcceptedLoss[] {
  addTables(database);
  const raised = readRaisedLosses(database, location);
  const chosen = ranges === 'all' ? raised : ranges.map((range) => raisedAt(raised, range));
  if (chosen.length === 0) return [];
  // A query that was stopped and wakes must not commit on what it knew before.
  raiseEpoch(database);
  const batchId = Number(firstCell(database.prepare('SELECT coalesce(max(batch_id), -1) FROM commits')));
  const states = readPartitions(database, location);
  for (const loss of chosen) {
    const stored = storedLosses(database).find((each) => isRaised(each) && isSameRange(each, loss));
    if (stored !== undefined) markAccepted(database, stored, { nowMs, batchId });
    if (loss.kind === 'unread') noteUnread(database, batchId, loss);
  }
  for (const state of states) {
    const nextOffset = resumeAt(state, chosen);
    if (nextOffset === state.nextOffset) continue;
    putPartition(database, { ...state, nextOffset });
    dropMarksAbove(database, state.partition, nextOffset);
  }
  dropPendingPlan(database, batchId);
  // The records that are read there now may be refused at offsets that have a dead letter already.
  letOffsetsRepeat(database);
  return chosen.map((loss) => ({ ...loss, batchId, acceptedAtMs: nowMs }));
}

/** Where the partition is read on: counted records that are gone take it back, whatever else is gone. */
export function resumeAt(
  { partition, nextOffset }: Pick<PartitionState, 'partition' | 'nextOffset'>,
  losses: readonly DataLoss[],
): number {
  const own = losses.filter((loss) => loss.partition === partition);
  const counted = own.filter(({ kind }) => kind === 'counted').map(({ start }) => start);
  if (counted.length > 0) return Math.min(nextOffset, ...counted);
  return Math.max(nextOffset, ...own.map(({ end }) => end));
}

/** A plan that was not committed names offsets that hold other records now, or none: its batch is planned again. */
function dropPendingPlan(database: DatabaseSync, batchId: number): void {
  database.prepare('DELETE FROM plans WHERE batch_id > ?').run(batchId);
}

function noteUnread(database: DatabaseSync, batchId: number, { partition, start, end }: DataLoss): void {
  database
    .prepare(
      `INSERT INTO lost_ranges VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET end_offset = max(end_offset, excluded.end_offset)`,
    )
    .run(batchId, partition, start, end);
}

/** @throws USAGE */
function raisedAt(raised: readonly DataLoss[], range: PlannedRange): DataLoss {
  const found = raised.find((loss) => isSameRange(loss, range));
  if (found !== undefined) return found;
  const known = raised.map(rangeText).join(', ');
  throw new TallystreamError('USAGE', {
    what: `No loss of ${rangeText(range)} was raised.`,
    why: raised.length === 0 ? 'The checkpoint has no loss to accept.' : `Raised are: ${known}.`,
    mend: 'Name the ranges as `tallystream checkpoint accept-loss` lists them.',
  });
}

/** As a range is named on the command line: both offsets are of records. */
function rangeText({ partition, start, end }: PlannedRange): string {
  return `${partition}:${start}-${end - 1}`;
}

function isRaised({ acceptedAtMs }: StoredLoss): boolean {
  return acceptedAtMs === null;
}

function isSameRange(left: PlannedRange, right: PlannedRange): boolean {
  return left.partition === right.partition && left.start === right.start && left.end === right.end;
}
