/** What a batch took, by phase, in Structured Streaming's terms. */
import type {
  Accounting,
  BatchPlan,
  BatchProgress,
  PartitionLag,
  StateOperatorProgress,
} from '../contracts/batch.ts';
import type { BatchResult } from '../contracts/batch-result.ts';
import type { Clock } from '../contracts/clock.ts';
import type { Logger } from '../contracts/logger.ts';
import { formatTimestamp } from '../columns/timestamp.ts';
import type { Execution } from './execution.ts';
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
  nowMs: number,
): void {
  const { plan, accounting } = result;
  const { batchId } = plan;
  warnOfLoss(logger, result);
  if (rejected !== undefined) warnOfRejections(logger, batchId, accounting.read, rejected);
  warnOfLateness(logger, batchId, accounting);
  warnOfClock(logger, plan, nowMs);
  logger.info(
    {
      operation: 'batch',
      batchId,
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

/** A plan's clock never goes back, so one that was far ahead once stays there until the real time catches up. */
const CLOCK_AHEAD_MS_MAX = 300_000;

function warnOfClock(logger: Logger, plan: BatchPlan, nowMs: number): void {
  if (plan.clockMs - nowMs <= CLOCK_AHEAD_MS_MAX) return;
  logger.warn(
    { operation: 'clock', batchId: plan.batchId, planned: formatTimestamp(plan.clockMs * 1000) },
    'The clock of an earlier batch was far ahead of the present. Until the present reaches it, reports show that time and ' +
      "no partition becomes idle. Check the machine's clock; totals and verdicts are not affected otherwise.",
  );
}

/** More than this share of a batch late is worth a word: it is more often a setting than an event. */
const LATE_SHARE_MAX = 0.01;

function warnOfLateness(logger: Logger, batchId: number, accounting: Accounting): void {
  if (accounting.late <= accounting.read * LATE_SHARE_MAX) return;
  const share = Math.round((accounting.late / accounting.read) * 1000) / 10;
  logger.warn(
    { operation: 'lateness', batchId, late: accounting.late, read: accounting.read },
    `${share} % of this batch is late: its events are further behind the newest of their partition than the watermark allows. ` +
      'Likely the input is not in order of time, or an older stretch was produced after a newer one; ' +
      'a larger query.watermark_delay accepts it. The late events are among the dead letters.',
  );
}

function warnOfLoss(logger: Logger, { plan, lost }: BatchResult): void {
  if (lost.length === 0) return;
  const records = lost.reduce((sum, { start, end }) => sum + end - start, 0);
  logger.warn(
    { operation: 'data-loss', batchId: plan.batchId, records, lost },
    'Records were gone before they were read, and the query goes on without them, since query.fail_on_data_loss is false. ' +
      '`totals` names them.',
  );
}
