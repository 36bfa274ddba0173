/** The producer's loop: takes records from a source at a pace, and appends them in order until they are durable. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordInput } from '../contracts/log.ts';
import { ABORTED, orAborted } from './abort.ts';
import { appendWithRetry, isRetryable, type RetryingAppend } from './append.ts';
import { type Batcher, createBatcher } from './batcher.ts';
import { DELIVERY_LIMITS, type DeliveryOptions, type DeliverySummary } from './delivery.ts';
import { createTally } from './tally.ts';

/**
 * Delivers until the source ends, `recordsMax` are acknowledged, or a signal comes. One append is under way at a time,
 * so the log keeps the source's order through every retry, and what is unacknowledged is bounded by two batches.
 *
 * An error of the source is thrown after everything that it gave before is acknowledged.
 *
 * @throws DELIVERY_FAILED where retries did not help: it says how many records were acknowledged and how many were not;
 *   errors of the log or the source that no retry helps, as they are
 */
export async function deliver<R extends RecordInput>(options: DeliveryOptions<R>): Promise<DeliverySummary> {
  const limits = { ...DELIVERY_LIMITS, ...options.limits };
  const batcher = createBatcher<R>(options.clock, limits);
  const tally = createTally(options.clock);
  const report = (): void => {
    const progress = tally.progressDue();
    if (progress !== undefined) options.onProgress?.(progress);
  };
  const append: RetryingAppend = {
    ...options,
    limits,
    outcome: () => tally.outcome(batcher.waiting, options.recordsMax),
    onRetry(notice) {
      tally.retried();
      options.onRetry?.(notice);
      report();
    },
  };

  const halted = new AbortController();
  const filling = fill(options, batcher, AbortSignal.any([options.stop, options.abort, halted.signal]));
  // It is awaited below; until then its error must not count as unhandled.
  filling.catch(() => undefined);
  const applyRetention = createRetention(options);
  try {
    for (;;) {
      const batch = await orAborted(batcher.take(), options.abort);
      if (batch === ABORTED || batch === undefined) break;
      tally.sending(batch.length);
      const ranges = await appendWithRetry(append, batch);
      if (ranges === ABORTED) break;
      tally.acknowledged(batch, ranges);
      await options.onAcknowledged?.(batch, ranges);
      report();
      await applyRetention();
      // A log whose appends end in the same turn would otherwise let no timer and no signal through at full speed.
      await nextTurn();
    }
  } finally {
    // Where an error leads out of the loop, the source is still being read: nobody may close it before that ends.
    halted.abort();
    batcher.end();
    await orAborted(filling, options.abort).catch(() => undefined);
  }
  const filled = await orAborted(filling, options.abort);
  return tally.summary({
    waiting: batcher.waiting,
    stopped: filled !== 'finished',
    aborted: options.abort.aborted,
  });
}

/** Takes records from the source into the batcher, as the pace, the room and the signals allow. */
async function fill<R extends RecordInput>(
  options: DeliveryOptions<R>,
  batcher: Batcher<R>,
  stop: AbortSignal,
): Promise<'stopped' | 'finished'> {
  const { source, pace, clock, recordsMax = Number.POSITIVE_INFINITY } = options;
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
      const records = await source.pull(count, room.bytes, stop);
      if (records.length === 0) return isStopped() ? 'stopped' : 'finished';
      pace.spend(records.length);
      taken += records.length;
      batcher.add(records);
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
function createRetention(options: DeliveryOptions<RecordInput>): () => Promise<void> {
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
