/** The producer's loop: takes records from a source at a pace, and appends them in order until they are durable. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AppendedRange, RecordInput } from '../contracts/log.ts';
import { ABORTED, orAborted } from './abort.ts';
import { AppendWindow, isRetryable, type Settled } from './append.ts';
import type { Batch } from './batch.ts';
import { type Batcher, createBatcher } from './batcher.ts';
import { DELIVERY_LIMITS, type DeliveryOptions, type DeliverySummary } from './delivery.ts';
import { type Intake, intakeOfBlocks, intakeOfRecords } from './intake.ts';
import { createTally } from './tally.ts';

/**
 * Delivers until the source ends, `recordsMax` are acknowledged, or a signal comes. As many appends are in progress at a
 * time as the log keeps in order, so it has the source's order through every retry, and what is unacknowledged is bounded
 * by their batches and one more.
 *
 * An error of the source is thrown after everything that it gave before is acknowledged.
 *
 * @throws DELIVERY_FAILED if retries did not help: it says how many records were acknowledged and how many were not;
 *   errors of the log or the source that no retry helps, as they are
 */
export function deliver<R extends RecordInput>(options: DeliveryOptions<R>): Promise<DeliverySummary> {
  const { source } = options;
  if ('write' in source) return run(options, intakeOfBlocks(source));
  return run(options, intakeOfRecords(source), (batch, ranges) =>
    options.onAcknowledged?.(batch.records, ranges),
  );
}

async function run<B extends Batch>(
  options: Omit<DeliveryOptions<RecordInput>, 'source' | 'onAcknowledged'>,
  intake: Intake<B>,
  onAcknowledged?: (batch: B, ranges: readonly AppendedRange[]) => void | Promise<void>,
): Promise<DeliverySummary> {
  const limits = { ...DELIVERY_LIMITS, ...options.limits };
  const tally = createTally(options.clock);
  const report = (): void => {
    const progress = tally.progressDue();
    if (progress !== undefined) options.onProgress?.(progress);
  };
  const window: AppendWindow<B> = new AppendWindow({
    ...options,
    limits,
    outcome: () => tally.outcome(batcher.waiting, options.recordsMax),
    onRetry(notice) {
      tally.retried();
      options.onRetry?.(notice);
      report();
    },
  });
  const batcher: Batcher<B> = createBatcher(
    options.clock,
    limits,
    () => intake.newBatch(),
    () => !window.isEmpty,
  );

  const halted = new AbortController();
  const filling = fill(
    options,
    intake,
    batcher,
    AbortSignal.any([options.stop, options.abort, halted.signal]),
  );
  // It is awaited below; until then its error must not count as unhandled.
  filling.catch(() => undefined);
  const applyRetention = createRetention(options);
  let gaveUp: Error | undefined;
  try {
    for await (const settled of settledBatches(batcher, window, options.abort, (batch) =>
      tally.sending(batch.count),
    )) {
      if (settled.kind === 'gave up') gaveUp = settled.error;
      if (settled.kind !== 'acknowledged') break;
      const { batch, ranges } = settled;
      tally.acknowledged(batch, ranges);
      await onAcknowledged?.(batch, ranges);
      intake.giveBack(batch);
      report();
      await applyRetention();
      // A log whose appends end in the same turn would otherwise let no timer and no signal through at full speed.
      await nextTurn();
    }
  } finally {
    // If an error leads out of the loop, the source is still being read: it must not be closed before that ends.
    halted.abort();
    batcher.end();
    await orAborted(filling, options.abort).catch(() => undefined);
  }
  const filled = await orAborted(filling, options.abort);
  return tally.summary({
    waiting: batcher.waiting,
    stopped: filled !== 'finished',
    aborted: options.abort.aborted,
    gaveUp,
  });
}

/** Sends batches as they become ready and the window has room, and gives them as they are settled, in order. */
async function* settledBatches<B extends Batch>(
  batcher: Batcher<B>,
  window: AppendWindow<B>,
  abort: AbortSignal,
  onSending: (batch: B) => void,
): AsyncGenerator<Settled<B>> {
  let ready: Promise<{ readonly kind: 'ready'; readonly batch: B | undefined }> | undefined;
  let settling: Promise<Settled<B>> | undefined;
  let isLast = false;
  for (;;) {
    if (!isLast && !window.isFull) ready ??= batcher.take().then((batch) => ({ kind: 'ready', batch }));
    if (!window.isEmpty) settling ??= window.settleFirst();
    const waited = [ready, settling].filter((work) => work !== undefined);
    if (waited.length === 0) return;
    const next = await orAborted(Promise.race(waited), abort);
    if (next === ABORTED) return;
    if (next.kind !== 'ready') {
      settling = undefined;
      yield next;
      // After the yield, so that the batch takes along what came meanwhile.
      if (window.isEmpty) batcher.idle();
    } else {
      ready = undefined;
      isLast = next.batch === undefined;
      if (next.batch === undefined) continue;
      onSending(next.batch);
      window.start(next.batch);
    }
  }
}

/** Takes records from the source into the batcher, as the pace, the room and the signals allow. */
async function fill<B extends Batch>(
  options: Omit<DeliveryOptions<RecordInput>, 'source' | 'onAcknowledged'>,
  intake: Intake<B>,
  batcher: Batcher<B>,
  stop: AbortSignal,
): Promise<'stopped' | 'finished'> {
  const { pace, clock, recordsMax = Number.POSITIVE_INFINITY } = options;
  const isStopped = (): boolean => stop.aborted;
  let taken = 0;
  try {
    while (taken < recordsMax) {
      const room = await batcher.room();
      if (room === undefined || isStopped()) return 'stopped';
      const count = Math.min(pace.available(), room.records, recordsMax - taken);
      if (count < 1) {
        await clock.sleep(pace.waitMs(), stop);
        continue;
      }
      const added = await intake.take(batcher, count, room.bytes, stop);
      if (added === 0) return isStopped() ? 'stopped' : 'finished';
      pace.spend(added);
      taken += added;
    }
    return 'finished';
  } finally {
    batcher.end();
  }
}

const RETENTION_EVERY_MS = 60_000;

/**
 * The log's retention, applied at the first call, so that short runs one after the other do not let a topic grow for
 * ever, and then at most once a minute.
 */
function createRetention(
  options: Pick<DeliveryOptions<RecordInput>, 'log' | 'clock' | 'onRetention'>,
): () => Promise<void> {
  const { log, clock } = options;
  let dueMs = clock.monotonicMs();
  return async () => {
    if (clock.monotonicMs() < dueMs) return;
    dueMs = clock.monotonicMs() + RETENTION_EVERY_MS;
    try {
      const removals = await log.enforceRetention();
      if (removals.length > 0) options.onRetention?.(removals);
    } catch (error) {
      // A log that is busy or away now is asked again in a minute; the next append will say if it is gone for good.
      if (!isRetryable(error)) throw error;
    }
  };
}
