/** Accepts raised losses within a runner's transaction, and moves the partitions to where reading can continue. */
import type { DatabaseSync } from 'node:sqlite';
import type { DataLoss, PartitionState, PlannedRange } from '../../contracts/batch.ts';
import type { AcceptedLoss } from '../../contracts/checkpoint.ts';
import { TallystreamError } from '../../errors.ts';
import { readPartitions, type BatchTables } from '../tables/batch-tables.ts';
import { readRaisedLosses, type LossWriter } from './data-losses.ts';
import type { SealDraft } from '../seals/seal.ts';
import { letOffsetsRepeat } from '../tables/tables.ts';

/** The accepted ranges, each exactly as it was raised. */
export type AcceptedRanges = 'all' | readonly PlannedRange[];

/** The tables that an acceptance changes, and the seal of this transaction. */
export interface LossTables {
  readonly database: DatabaseSync;
  readonly location: string;
  readonly draft: SealDraft;
  readonly batches: BatchTables;
  readonly losses: LossWriter;
}

/**
 * Moves partitions past lost unread records that come next. Others lie behind records that can be read: the batch that reaches
 * them passes over them, and records them as lost. If counted records are lost, moves back to the first record that differs, since
 * the current records there were never read.
 * @throws USAGE
 */
export function acceptRaised(
  { database, location, draft, batches, losses }: LossTables,
  { nowMs, ranges }: { readonly nowMs: number; readonly ranges: AcceptedRanges },
): AcceptedLoss[] {
  const sealed = draft.done();
  const raised = readRaisedLosses(database, sealed, location);
  const chosen = ranges === 'all' ? raised : ranges.map((range) => raisedAt(raised, range));
  if (chosen.length === 0) return [];
  const { batchId } = sealed;
  const states = withUnread(readPartitions(database, sealed, location), chosen);
  for (const loss of chosen) {
    losses.accept(draft, loss, { nowMs, batchId });
  }
  for (const state of states) {
    const nextOffset = resumeAt(state, chosen);
    for (const loss of chosen)
      if (isPassed(loss, state.partition, nextOffset)) batches.putLost(draft, batchId, loss);
    if (nextOffset === state.nextOffset) continue;
    batches.putPartition(draft, { ...state, nextOffset });
    batches.forgetMarksAbove(draft, state.partition, nextOffset);
  }
  batches.dropPending(draft, batchId);
  // The records now at these offsets may be rejected, and some offsets already have a dead letter.
  letOffsetsRepeat(database);
  return chosen.map((loss) => ({ ...loss, batchId, acceptedAtMs: nowMs }));
}

/** A partition that was added after the first commit, and of which nothing is read yet, begins at offset 0. */
function withUnread(
  states: readonly PartitionState[],
  losses: readonly DataLoss[],
): readonly PartitionState[] {
  if (states.length === 0) return states;
  const isKnown = (partition: number) => states.some((state) => state.partition === partition);
  const added = new Set(losses.map(({ partition }) => partition).filter((partition) => !isKnown(partition)));
  const begin = { nextOffset: 0, maxEventMicros: null, activeAtMs: 0, mark: null };
  return [...states, ...[...added].map((partition) => ({ ...begin, partition }))];
}

/**
 * Where reading continues: lost counted records always move the partition back. Unread ones move it only if they come next,
 * because records before them can still be read.
 */
export function resumeAt(
  { partition, nextOffset }: Pick<PartitionState, 'partition' | 'nextOffset'>,
  losses: readonly DataLoss[],
): number {
  const own = losses.filter((loss) => loss.partition === partition);
  const counted = own.filter(({ kind }) => kind === 'counted').map(({ start }) => start);
  if (counted.length > 0) return Math.min(nextOffset, ...counted);
  return own
    .toSorted((a, b) => a.start - b.start)
    .reduce((at, { start, end }) => (start <= at ? Math.max(at, end) : at), nextOffset);
}

function isPassed({ kind, partition, end }: DataLoss, ofPartition: number, nextOffset: number): boolean {
  return kind === 'unread' && partition === ofPartition && end <= nextOffset;
}

/** @throws USAGE */
function raisedAt(raised: readonly DataLoss[], range: PlannedRange): DataLoss {
  const found = raised.find((loss) => isSameRange(loss, range));
  if (found !== undefined) return found;
  const known = raised.map(rangeText).join(', ');
  throw new TallystreamError('USAGE', {
    what: `The checkpoint has no loss ${rangeText(range)}.`,
    why: raised.length === 0 ? 'It has no loss to accept.' : `Its losses are: ${known}.`,
    hint: 'Give the ranges as `tallystream checkpoint accept-loss` lists them.',
  });
}

/** A range as on the command line: first and last offset, both inclusive. */
function rangeText({ partition, start, end }: PlannedRange): string {
  return `${partition}:${start}-${end - 1}`;
}

function isSameRange(left: PlannedRange, right: PlannedRange): boolean {
  return left.partition === right.partition && left.start === right.start && left.end === right.end;
}
