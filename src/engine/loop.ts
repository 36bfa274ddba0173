/** The one loop that acts on the protocol's decisions: plan, execute, sinks, commit, report. */
import { invariant, TallystreamError } from '../errors.ts';
import type { BatchPlan, BatchProgress, PartitionState } from '../contracts/batch.ts';
import { offsetsOfNext, type BatchTaken } from './batch-size.ts';
import { CLOCK_SKEW_MS_MAX, ClockWatch } from './clock/clock-watch.ts';
import { Deliveries } from './sink-writer.ts';
import { BatchExecutor } from './execute.ts';
import type { Execution } from './execution.ts';
import type { LoopOptions } from './loop-options.ts';
import { lagOf } from './progress/lag.ts';
import { Nudge, waitUntilDue } from './pace.ts';
import { PlanClock } from './clock/plan-clock.ts';
import { logBatch, Phases, progressOf, type ProgressParts } from './progress/progress.ts';
import {
  atMost,
  boundOf,
  isBalanced,
  offsetsIn,
  partitionsAfter,
  planBatch,
  recover,
  type PlanDecision,
} from './protocol.ts';
import { HistoryGuard } from './history/guard.ts';
import { refusalOf } from './errors.ts';
import { SHOW_EVERY_MS, ShownOffsets } from './offset-publisher.ts';
import { PartitionWatch } from './partition-watch.ts';
import { areAvailable, Source, type Look } from './source.ts';
import { sourceOf } from './progress/source-progress.ts';
import { stateMemoryOf } from './state-memory.ts';
import { AT_ONCE } from './trigger.ts';
import { NO_WORKERS } from './decode-workers/workers.ts';

/** Runs until the signal aborts, or the trigger or the number of batches says that it is done. One call an instance. */
export class MicroBatchLoop {
  private readonly options: LoopOptions;
  private readonly executor: BatchExecutor;
  private readonly nudge = new Nudge();
  private readonly shownOffsets: ShownOffsets;
  private readonly source: Source;
  private readonly watch: PartitionWatch;
  private readonly history: HistoryGuard;
  private readonly deliveries: Deliveries;
  private readonly planClock: PlanClock;
  private readonly clockWatch: ClockWatch;
  private partitions: readonly PartitionState[];
  private previous: BatchPlan | undefined;
  private batches = 0;
  private inBatch = false;
  private lastTaken: BatchTaken | undefined;
  private lastStartedMs: number | undefined;
  /** Resolved when a look at the log finds nothing new; while there are any, no trigger is waited for. */
  private drains: (() => void)[] = [];

  constructor(options: LoopOptions) {
    const { clockSkewMaxMs: skewMsMax = CLOCK_SKEW_MS_MAX } = options;
    this.options = options;
    this.clockWatch = new ClockWatch({ ...options, topic: options.query.topic, skewMsMax });
    this.executor = new BatchExecutor({
      ...options,
      workers: options.workers ?? NO_WORKERS,
      clockSkewMaxMs: skewMsMax,
      stateMemory: options.stateMemory ?? stateMemoryOf(null),
      segmentEntries: options.dedupeSegmentEntries,
    });
    this.shownOffsets = new ShownOffsets({
      ...options,
      topic: options.query.topic,
      group: options.offsetsGroup,
      everyMs: SHOW_EVERY_MS,
    });
    this.source = new Source(options.log, options.query);
    this.watch = new PartitionWatch({ ...options, topic: options.query.topic });
    this.history = new HistoryGuard(options);
    this.deliveries = new Deliveries(options);
    this.partitions = options.checkpoint.lastCommit()?.partitions ?? [];
    this.previous = options.checkpoint.lastPlan();
    this.planClock = new PlanClock(options.clock, this.previous?.clockMs);
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.runBatches(signal);
    } finally {
      await this.executor.close();
      await this.deliveries.close();
      await this.shownOffsets.settle();
    }
  }

  private async runBatches(signal: AbortSignal): Promise<void> {
    const { checkpoint, trigger, printer } = this.options;
    const unprinted = checkpoint.unprintedReport();
    if (unprinted !== undefined) {
      await printer.print(unprinted.report);
      checkpoint.markPrinted(unprinted.batchId);
    }
    if (this.previous === undefined) await this.source.create(this.options.newTopic, this.options.logger);
    else await this.checkHistory(this.previous);
    await this.deliveries.open();
    await this.replayPlanned();
    // Where each partition begins for the query is noted with the first commit, so none may be left out of it.
    const bounded = trigger.kind === 'availableNow';
    let bound = bounded ? await this.source.finalOffsets(this.partitions.length === 0) : undefined;
    let isCaughtUp = false;
    // What a run before this one committed may not have been shown: it may have been killed in between.
    let isShown = this.partitions.length === 0;
    let isClockChecked = false;
    while (!signal.aborted && this.batches < this.options.batchesMax) {
      const startedMs = this.options.clock.monotonicMs();
      // Only those who asked before this look may be told that nothing is left.
      const asked = [...this.drains];
      this.options.checkpoint.holdLock();
      const look = await this.source.look({
        isCaughtUp: isCaughtUp && asked.length === 0,
        needsAll: this.partitions.length === 0,
      });
      await this.history.check(look, this.partitions, this.previous);
      await this.watch.observe(look.offsets);
      if (!isShown) this.shownOffsets.show(this.partitions);
      isShown = true;
      if (!isClockChecked) await this.clockWatch.checkAtStart(look);
      isClockChecked = true;
      const offsets = atMost(look.offsets, bound);
      const left = await this.runNext({ ...look, offsets });
      const isAll = areAvailable(offsets);
      if (left === 'nothing new' && isAll) await this.resolveDrains(asked);
      if (left === 'nothing new' && bound !== undefined) {
        if (isAll) return;
        bound = boundOf(bound, await this.source.finalOffsets(true));
        continue;
      }
      if (this.batches >= this.options.batchesMax) return;
      // What the limit has left over is not made to wait for the trigger.
      const hasCome =
        left !== 'more' &&
        (await this.waitForNext(startedMs, { foundNothing: left === 'nothing new', isAll }, signal));
      isCaughtUp = (left === 'all read' || hasCome) && bound === undefined;
      // Nothing above need leave this turn, and signals, the launcher's end and timers come only between two.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Resolves when everything that is in the log now is committed. */
  processAllAvailable(): Promise<void> {
    return new Promise((resolve) => {
      this.drains.push(resolve);
      this.nudge.wake();
    });
  }

  /** Before anything is replayed, planned or delivered: whether the log still has what was read. */
  private async checkHistory(previous: BatchPlan): Promise<void> {
    const look = await this.source.look();
    // Another topic is refused by name, below.
    if (look.topic.id === previous.topicId) await this.history.start(look, this.partitions);
  }

  /** A plan without a commit is replayed, with its recorded ranges and clock, before anything new. */
  private async replayPlanned(): Promise<void> {
    const planned = this.previous;
    const committed = this.options.checkpoint.lastCommit();
    const decision = recover({ planned: planned?.batchId, committed: committed?.batchId });
    if (decision.kind === 'refuse') {
      throw new TallystreamError('CHECKPOINT_CORRUPT', {
        what: `The checkpoint of query ${this.options.query.name} contradicts itself: ${decision.why}.`,
        hint: 'Restore it from a backup, or start from the beginning under another query.name.',
      });
    }
    if (decision.kind === 'start') return;
    invariant(planned !== undefined, 'a replay needs a plan');
    this.options.logger.info(
      { operation: 'replay', batchId: decision.batchId, epoch: this.options.checkpoint.epoch },
      'replaying a planned batch',
    );
    const look = await this.source.look({ needsAll: this.partitions.length === 0 });
    if (look.topic.id !== planned.topicId) {
      throw refusalOf({ kind: 'topic recreated', committedTopicId: planned.topicId }, this.options.query);
    }
    await this.runBatch(planned, look, new Phases(this.options.clock));
  }

  /** Runs the next batch if there is one, and says what this look still holds after it. */
  private async runNext(look: Look): Promise<'nothing new' | 'more' | 'all read'> {
    const phases = new Phases(this.options.clock);
    const decision = await phases.time('queryPlanning', () => this.decide(look));
    if (decision.kind === 'nothing new') return 'nothing new';
    if (decision.kind !== 'plan') throw this.history.refuse(decision);
    const { plan, lagEvents } = decision;
    this.planClock.planned();
    if (!this.deliveries.isEmpty) {
      await phases.time('walCommit', () => this.options.checkpoint.writePlan(plan));
    }
    await this.runBatch(plan, look, phases);
    this.lastStartedMs = phases.startedMs;
    this.lastTaken = { offsets: offsetsIn(plan.ranges), durationMs: phases.passedMs };
    return lagEvents > 0 ? 'more' : 'all read';
  }

  private decide({ topic, offsets }: Look): PlanDecision {
    const { query, offsetsMax, batchesMax, failOnDataLoss } = this.options;
    const reading = this.planClock.read();
    this.clockWatch.looked(reading);
    return planBatch({
      batchId: (this.previous?.batchId ?? -1) + 1,
      nowMs: reading.nowMs,
      clockShiftMs: reading.shiftMs,
      topicId: topic.id,
      offsets,
      partitions: this.partitions,
      previous: this.previous,
      watermarkDelayMs: query.watermark.delayMs,
      idleTimeoutMs: query.watermark.idleTimeoutMs,
      // Whoever counts the batches expects each to be as large as it may be.
      offsetsMax: batchesMax < Infinity ? offsetsMax : offsetsOfNext(offsetsMax, this.lastTaken),
      failOnDataLoss,
      firstEndMicros: query.outputMode === 'append' ? this.executor.firstEndMicros() : Infinity,
    });
  }

  /** Whether a batch is being carried out. */
  get isInBatch(): boolean {
    return this.inBatch;
  }

  private async runBatch(plan: BatchPlan, look: Look, phases: Phases): Promise<void> {
    this.inBatch = true;
    try {
      await this.carryOut(plan, look, phases);
    } finally {
      this.inBatch = false;
    }
  }

  private async execute(plan: BatchPlan, look: Look): Promise<Execution> {
    try {
      return await this.executor.execute(plan, this.partitions, this.options.log);
    } catch (error) {
      await this.history.raiseFound(error, plan, look, this.partitions);
      throw error;
    }
  }

  private async carryOut(plan: BatchPlan, look: Look, phases: Phases): Promise<void> {
    const { log, logger } = this.options;
    const { offsets } = look;
    const execution = await phases.time('addBatch', () => this.execute(plan, look));
    const { result, progressed, stateOperators } = execution;
    invariant(
      isBalanced(result.accounting),
      `batch ${plan.batchId} does not balance: ${JSON.stringify(result.accounting)}`,
    );
    if (!this.deliveries.isEmpty) await phases.time('sinks', () => this.deliveries.write(result));
    const partitions = partitionsAfter(plan, this.partitions, offsets, progressed);
    const lag = lagOf(plan, offsets, partitions, progressed);
    const { topic } = this.options.query;
    const source = sourceOf({ plan, topic, format: log.format, present: offsets, partitions });
    const progressNow = (): BatchProgress => this.progressOf({ result, lag, phases, stateOperators, source });
    const progress = progressNow();
    await phases.time('commitOffsets', () => this.commit(execution, partitions, progress));
    this.batches += 1;
    const complete = progressNow();
    logBatch(logger, execution, complete, partitions);
    this.clockWatch.committed(plan.batchId, execution.recordTimes);
    this.options.onProgress(complete);
    await this.printCommitted(plan.batchId);
  }

  private commit(
    { result, marks, dedupe, redriven }: Execution,
    partitions: readonly PartitionState[],
    progress: BatchProgress,
  ): void {
    this.options.checkpoint.commit({
      plan: result.plan,
      partitions,
      marks,
      accounting: result.accounting,
      aggregates: result.aggregates,
      dedupe,
      redriven,
      lost: result.lost,
      report: this.options.buildReport(result),
      progress,
    });
    this.executor.committed();
    this.partitions = partitions;
    this.previous = result.plan;
    this.shownOffsets.show(partitions);
  }

  /** The report goes out after the commit that holds it, and is marked then; a crash between repeats it once. */
  private async printCommitted(batchId: number): Promise<void> {
    const stored = this.options.checkpoint.unprintedReport();
    // Where someone took over since the commit, it is printed there; the mark is refused then, and says why.
    if (stored?.batchId !== batchId) this.options.checkpoint.markPrinted(batchId);
    invariant(stored?.batchId === batchId, `batch ${batchId} was committed without its report`);
    await this.options.printer.print(stored.report);
    this.options.checkpoint.markPrinted(batchId);
  }

  private progressOf(
    of: Pick<ProgressParts, 'result' | 'lag' | 'phases' | 'stateOperators' | 'source'>,
  ): BatchProgress {
    const { checkpoint, runId, query } = this.options;
    const sinks = this.options.sinks.map(({ name }) => name);
    const sinceLastMs =
      this.lastStartedMs === undefined ? undefined : of.phases.startedMs - this.lastStartedMs;
    const { queryId: id, epoch } = checkpoint;
    return progressOf({ id, runId, name: query.name, epoch, ...of, sinks, sinceLastMs });
  }

  /** Whether it ended with records that have come. */
  private async waitForNext(
    startedMs: number,
    { foundNothing, isAll }: { readonly foundNothing: boolean; readonly isAll: boolean },
    signal: AbortSignal,
  ): Promise<boolean> {
    // A drain that waits for a partition that cannot be asked does not turn round meanwhile.
    if (this.drains.length > 0 && (isAll || !foundNothing)) return false;
    const { trigger, clock } = this.options;
    const awake = this.nudge.signal(signal);
    return waitUntilDue({
      // The first batch runs at once, and if nothing is there yet, as soon as something is.
      trigger: this.batches === 0 ? AT_ONCE : trigger,
      startedMs,
      foundNothing,
      source: this.source,
      clock,
      signal: awake,
    });
  }

  private async resolveDrains(asked: readonly (() => void)[]): Promise<void> {
    if (asked.length > 0) await this.deliveries.settle();
    for (const resolve of asked) resolve();
    this.drains = this.drains.filter((drain) => !asked.includes(drain));
  }
}
