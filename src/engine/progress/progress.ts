/** What a batch took, by phase, in Structured Streaming's terms. */
import type {
  BatchProgress,
  PartitionState,
  PartitionLag,
  StateOperatorProgress,
} from '../../contracts/batch.ts';
import type { BatchResult } from '../../contracts/batch-result.ts';
import type { Clock } from '../../contracts/clock.ts';
import type { Logger } from '../../contracts/logger.ts';
import { formatTimestamp } from '../../columns/values/timestamp.ts';
import type { Execution } from '../execution.ts';
import { warnOfRejections } from './rejections.ts';
import type { sourceOf } from './source-progress.ts';

export type Phase = 'queryPlanning' | 'walCommit' | 'addBatch' | 'sinks' | 'commitOffsets';

/** A stopwatch a batch. */
export class Phases {
  readonly startedMs: number;
  private readonly clock: Clock;
  private readonly taken = new Map<Phase, number>();

  constructor(clock: Clock) {
    this.clock = clock;
    this.startedMs = clock.monotonicMs();
  }

  /** Since the batch started. */
  get passedMs(): number {
    return this.clock.monotonicMs() - this.startedMs;
  }

  async time<T>(phase: Phase, work: () => T | Promise<T>): Promise<T> {
    const from = this.clock.monotonicMs();
    const value = await work();
    this.taken.set(phase, (this.taken.get(phase) ?? 0) + this.clock.monotonicMs() - from);
    return value;
  }

  /** Milliseconds by phase so far, and `triggerExecution` for all of it, to the microsecond. */
  durationMs(): Record<string, number> {
    const all = [...this.taken, ['triggerExecution', this.passedMs] as const];
    return Object.fromEntries(all.map(([phase, ms]) => [phase, Math.round(ms * 1000) / 1000]));
  }
}

export interface ProgressParts {
  readonly id: string;
  readonly runId: string;
  readonly name: string;
  readonly epoch: number;
  readonly result: BatchResult;
  readonly lag: readonly PartitionLag[];
  readonly phases: Phases;
  /** Time since the trigger before; undefined in the first batch. */
  readonly sinceLastMs: number | undefined;
  readonly stateOperators: readonly StateOperatorProgress[];
  readonly source: ReturnType<typeof sourceOf>;
  readonly sinks: readonly string[];
}

export function progressOf(of: ProgressParts): BatchProgress {
  const { plan, accounting } = of.result;
  const durationMs = of.phases.durationMs();
  const rows = {
    numInputRows: accounting.read,
    inputRowsPerSecond: perSecond(accounting.read, of.sinceLastMs),
    processedRowsPerSecond: perSecond(accounting.read, durationMs['triggerExecution']),
  };
  const watermark = plan.watermarkMicros === null ? null : formatTimestamp(plan.watermarkMicros);
  return {
    id: of.id,
    runId: of.runId,
    name: of.name,
    batchId: plan.batchId,
    epoch: of.epoch,
    timestamp: formatTimestamp(plan.clockMs * 1000),
    ...rows,
    durationMs,
    watermark,
    eventTime: watermark === null ? {} : { watermark },
    accounting,
    lagEvents: of.lag.reduce((sum, { events }) => sum + events, 0),
    lag: of.lag,
    stateOperators: of.stateOperators,
    sources: [{ ...of.source, ...rows }],
    sink: { description: of.sinks.length === 0 ? 'checkpoint' : of.sinks.join(', ') },
  };
}

/** The line of a committed batch, and what is worth a warning about it. */
export function logBatch(
  logger: Logger,
  { result, rejected }: Pick<Execution, 'result' | 'rejected'>,
  progress: BatchProgress,
  partitions: readonly PartitionState[],
): void {
  const { plan, accounting } = result;
  const { batchId } = plan;
  warnOfLoss(logger, result);
  if (rejected !== undefined) warnOfRejections(logger, batchId, accounting.read, rejected);
  warnOfLateness(logger, result, partitions);
  logger.info(
    {
      operation: 'batch',
      batchId,
      epoch: progress.epoch,
      runId: progress.runId,
      ...accounting,
      durationMs: progress.durationMs['triggerExecution'] ?? 0,
      processedRowsPerSecond: progress.processedRowsPerSecond,
      lagEvents: progress.lagEvents,
      ...(progress.lag.length === 0 ? {} : { lag: progress.lag }),
    },
    'batch committed',
  );
}

function perSecond(rows: number, ms: number | undefined): number {
  return ms === undefined || ms <= 0 ? 0 : Math.round((rows / ms) * 10_000) / 10;
}

/** More than this share of a batch late is worth a word: it is more often a setting than an event. */
const LATE_SHARE_MAX = 0.01;

/** An accepted event that is further ahead of the clock than this was accepted by another clock. */
const NEWEST_AHEAD_MS_MAX = 600_000;

function warnOfLateness(
  logger: Logger,
  { plan, accounting }: BatchResult,
  partitions: readonly PartitionState[],
): void {
  if (accounting.late <= accounting.read * LATE_SHARE_MAX) return;
  const share = Math.round((accounting.late / accounting.read) * 1000) / 10;
  const fields = {
    operation: 'lateness',
    batchId: plan.batchId,
    late: accounting.late,
    read: accounting.read,
  };
  const newestMicros = Math.max(...partitions.map(({ maxEventMicros }) => maxEventMicros ?? -Infinity));
  if (newestMicros / 1000 - plan.clockMs > NEWEST_AHEAD_MS_MAX) {
    logger.warn(
      { ...fields, newest: formatTimestamp(newestMicros), clock: formatTimestamp(plan.clockMs * 1000) },
      `${share} % of this batch is late, because an event was accepted that is ahead of this machine's clock: a clock was ` +
        'ahead at that time, or this one is behind now. Check the clock. If it is right, stop the query and run ' +
        '`tallystream checkpoint lower-watermark --to now`; then current events are accepted again.',
    );
    return;
  }
  logger.warn(
    fields,
    `${share} % of this batch is late: its events are older than the newest of their partition by more than the watermark delay. ` +
      'The input is probably not in order of time, or older events were produced after newer ones; ' +
      'a larger query.watermark_delay accepts them. The late events are among the dead letters.',
  );
}

function warnOfLoss(logger: Logger, { plan, lost }: BatchResult): void {
  if (lost.length === 0) return;
  const records = lost.reduce((sum, { start, end }) => sum + end - start, 0);
  logger.warn(
    { operation: 'data-loss', batchId: plan.batchId, records, lost },
    'Records were removed before they were read. The query continues without them, because query.fail_on_data_loss is false. ' +
      '`totals` names them.',
  );
}
