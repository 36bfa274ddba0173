/**
 * The way back after a clock was ahead: whether the newest accepted times and the watermark can be lowered, and what they
 * are then. Pure: a command asks, and writes what comes out as a batch that reads nothing.
 */
import type { BatchPlan, Committed, PartitionState } from '../contracts/batch.ts';
import type { Aggregate } from '../plan/query-plan.ts';
import { MICROS_PER_MS } from './watermark.ts';

export interface LoweringInput {
  readonly plan: BatchPlan | undefined;
  readonly commit: Committed | undefined;
  /** Those that the query still counts. */
  readonly aggregates: readonly Pick<Aggregate, 'name' | 'keys'>[];
  readonly outputMode: string;
  /** null is no watermark. */
  readonly delayMs: number | null;
  /** No partition's newest accepted time is later afterwards. */
  readonly toMicros: number;
  readonly nowMs: number;
}

export type LoweringDecision =
  | { readonly kind: 'lower'; readonly plan: BatchPlan; readonly partitions: readonly PartitionState[] }
  /** Nothing is later than the time that was asked for. */
  | { readonly kind: 'nothing to lower' }
  | { readonly kind: 'refuse'; readonly why: string; readonly what: string; readonly hint: string };

export function decideLowering(input: LoweringInput): LoweringDecision {
  const { plan: before, commit, toMicros, delayMs, nowMs } = input;
  if (before === undefined || delayMs === null) return { kind: 'nothing to lower' };
  if (commit?.batchId !== before.batchId) return notFinished(before.batchId);
  const refused = refusedFor(input);
  if (refused !== undefined) return refused;
  const watermarkMicros = lowest(before.watermarkMicros, toMicros - delayMs * MICROS_PER_MS);
  const isLower = commit.partitions.some(({ maxEventMicros }) => (maxEventMicros ?? -Infinity) > toMicros);
  if (!isLower && watermarkMicros === before.watermarkMicros) return { kind: 'nothing to lower' };
  const clockShiftMs = Math.min(0, nowMs - before.clockMs);
  const batchId = before.batchId + 1;
  const plan: BatchPlan = {
    batchId,
    topicId: before.topicId,
    ranges: [],
    lost: [],
    clockMs: nowMs,
    ...(clockShiftMs === 0 ? {} : { clockShiftMs }),
    watermarkMicros,
    idlePartitions: [],
    lowered: {
      batchId,
      toMicros,
      fromMicros: highest(before.watermarkMicros, before.lowered?.fromMicros ?? null),
    },
  };
  const partitions = commit.partitions.map((state) => ({
    ...state,
    maxEventMicros: lowest(state.maxEventMicros, toMicros),
    activeAtMs: state.activeAtMs + clockShiftMs,
  }));
  return { kind: 'lower', plan, partitions };
}

function lowest(micros: number | null, boundMicros: number): number | null {
  return micros === null ? null : Math.min(micros, boundMicros);
}

function highest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.max(a, b);
}

function notFinished(batchId: number): LoweringDecision {
  return {
    kind: 'refuse',
    what: `Batch ${batchId} is planned but not committed.`,
    why: 'A sink may already hold it, so it must be finished with the watermark it was planned with.',
    hint: 'Run the query until it has committed a batch, then run the command again.',
  };
}

/** Rows of append mode are final, and so are sessions: an event that comes again to one would be in two rows. */
function refusedFor({ aggregates, outputMode }: LoweringInput): LoweringDecision | undefined {
  const final = aggregates.find(({ keys }) =>
    keys.some(({ kind }) => kind === 'sessionWindow' || (kind === 'window' && outputMode === 'append')),
  );
  if (final === undefined) return undefined;
  return {
    kind: 'refuse',
    what: `The watermark of a query with ${outputMode === 'append' ? 'windows in append mode' : 'sessions'} cannot be lowered.`,
    why: `The rows of ${final.name} that the watermark has closed are final; new events for them would appear in a second row.`,
    hint: 'Start the query from the beginning under another name.',
  };
}
