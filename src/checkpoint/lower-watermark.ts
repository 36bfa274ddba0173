/** Lowers the newest accepted times and the watermark of a checkpoint, in a separate commit. */
import type { BatchPlan, BatchProgress, PartitionState } from '../contracts/batch.ts';
import { NO_ACCOUNTING } from '../contracts/batch.ts';
import type { Clock } from '../contracts/clock.ts';
import { formatEpochMs, formatTimestamp } from '../columns/values/timestamp.ts';
import { invariant, TallystreamError } from '../errors.ts';
import { decideLowering, type LoweringDecision } from '../operators/lower-watermark.ts';
import { readLastCommit, readLastPlan } from './tables/batch-tables.ts';
import { guarded } from './errors.ts';
import { type Identity, readIdentity } from './open/identity.ts';
import { openStoredCheckpoint } from './open/open.ts';
import { inSealedSnapshot } from './seals/sealed-snapshot.ts';
import { openPresent } from './open/open-present.ts';

export interface Lowering {
  /** The batch that lowers the watermark; undefined if there is nothing to lower. */
  readonly batchId: number | undefined;
  readonly watermarkMicros: { readonly before: number | null; readonly after: number | null };
  /** Newest accepted times of the partitions whose time is lowered. */
  readonly partitions: readonly {
    readonly partition: number;
    readonly beforeMicros: number;
    readonly afterMicros: number;
  }[];
}

export interface LoweringOptions {
  readonly location: string;
  readonly clock: Clock;
  readonly toMicros: number;
  /** Returns what would change, and writes nothing. */
  readonly dryRun: boolean;
}

/**
 * @throws USAGE (why it cannot be lowered), CHECKPOINT_LOCKED (the query runs), and the errors of opening a checkpoint
 */
export async function lowerWatermark(options: LoweringOptions): Promise<Lowering> {
  const { location, clock, toMicros, dryRun } = options;
  const decide = (): Decided => decideOn(location, toMicros, clock.nowMs());
  if (dryRun) return loweringOf(decide());
  const checkpoint = await openStoredCheckpoint({ location, clock });
  try {
    // Decided while we hold the lock, so that no other process commits in between.
    const decided = decide();
    if (decided.decision.kind === 'lower') {
      const { plan, partitions } = decided.decision;
      // An unprinted report is printed at the next start, as without this commit.
      const unprinted = checkpoint.unprintedReport();
      checkpoint.commit({
        plan,
        partitions,
        accounting: NO_ACCOUNTING,
        aggregates: [],
        dedupe: { appended: new Uint8Array(0), sealed: [], evicted: [] },
        redriven: [],
        marks: [],
        lost: [],
        report: unprinted?.report ?? null,
        progress: progressOf(decided.identity, plan, checkpoint.epoch),
      });
      if (unprinted === undefined) checkpoint.markPrinted(plan.batchId);
    }
    return loweringOf(decided);
  } finally {
    checkpoint.close();
  }
}

interface Decided {
  readonly identity: Identity;
  readonly plan: BatchPlan | undefined;
  readonly states: readonly PartitionState[];
  readonly decision: Exclude<LoweringDecision, { kind: 'refuse' }>;
}

/** @throws USAGE if it is refused */
function decideOn(location: string, toMicros: number, nowMs: number): Decided {
  const database = openPresent(location);
  try {
    return guarded({ location }, () =>
      inSealedSnapshot(database, location, (seal) => {
        const identity = readIdentity(database, seal, location);
        const plan = readLastPlan(database, seal, location);
        const commit = readLastCommit(database, seal, location);
        const delay = identity.fingerprint['query.watermark_delay'] ?? 'off';
        const decision = decideLowering({
          plan,
          commit,
          aggregates: identity.aggregates.filter(({ untilBatchId }) => untilBatchId === undefined),
          outputMode: identity.fingerprint['output mode'] ?? 'update',
          delayMs: delay === 'off' ? null : Number.parseInt(delay, 10),
          toMicros,
          nowMs,
        });
        if (decision.kind === 'refuse') throw new TallystreamError('USAGE', decision);
        return { identity, plan, states: commit?.partitions ?? [], decision };
      }),
    );
  } finally {
    database.close();
  }
}

function loweringOf({ plan, states, decision }: Decided): Lowering {
  const before = plan?.watermarkMicros ?? null;
  if (decision.kind !== 'lower') {
    return { batchId: undefined, watermarkMicros: { before, after: before }, partitions: [] };
  }
  const partitions = states.flatMap(({ partition, maxEventMicros }) => {
    const after = decision.partitions.find((state) => state.partition === partition);
    invariant(after !== undefined, `partition ${partition} has no state after it was lowered`);
    if (maxEventMicros === null || after.maxEventMicros === null) return [];
    if (after.maxEventMicros === maxEventMicros) return [];
    return [{ partition, beforeMicros: maxEventMicros, afterMicros: after.maxEventMicros }];
  });
  const after = decision.plan.watermarkMicros;
  return { batchId: decision.plan.batchId, watermarkMicros: { before, after }, partitions };
}

/** The accounting of a batch that reads nothing. */
function progressOf(identity: Identity, plan: BatchPlan, epoch: number): BatchProgress {
  const watermark = plan.watermarkMicros === null ? null : formatTimestamp(plan.watermarkMicros);
  return {
    id: identity.queryId,
    runId: identity.queryId,
    name: identity.queryName,
    batchId: plan.batchId,
    epoch,
    timestamp: formatEpochMs(plan.clockMs),
    numInputRows: 0,
    inputRowsPerSecond: 0,
    processedRowsPerSecond: 0,
    durationMs: {},
    watermark,
    eventTime: watermark === null ? {} : { watermark },
    accounting: NO_ACCOUNTING,
    lagEvents: 0,
    lag: [],
    stateOperators: [],
    sources: [],
    sink: { description: 'checkpoint' },
  };
}
