import type { Clock } from '../contracts/clock.ts';
import type { AppendedRange, Log, RecordInput } from '../contracts/log.ts';
import { TallystreamError } from '../errors.ts';
import { ABORTED, orAborted } from './abort.ts';
import { pauseBeforeRetryMs, type RetryLimits } from './backoff.ts';
import type { RetryNotice } from './delivery.ts';
import type { Random } from './random.ts';

export interface RetryingAppend {
  readonly log: Log;
  readonly topic: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: RetryLimits;
  readonly abort: AbortSignal;
  readonly onRetry: (notice: RetryNotice) => void;
  /** Says what was acknowledged and what was not, for the error that gives up. */
  readonly outcome: () => string;
}

/**
 * Appends until the log acknowledges, or the signal gives the batch up.
 * @throws DELIVERY_FAILED where the last allowed attempt failed; an error that no retry helps, as it is
 */
export async function appendWithRetry(
  parts: RetryingAppend,
  batch: readonly RecordInput[],
): Promise<readonly AppendedRange[] | typeof ABORTED> {
  const { log, topic, clock, abort } = parts;
  const firstAtMs = clock.monotonicMs();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await orAborted(log.append(topic, batch), abort);
    } catch (error) {
      if (!isRetryable(error)) throw error;
      const elapsedMs = clock.monotonicMs() - firstAtMs;
      const pauseMs = pauseBeforeRetryMs(attempt, elapsedMs, parts.random, parts.limits);
      if (pauseMs === undefined) throw givenUp(parts, error, attempt, elapsedMs);
      parts.onRetry({ error, attempt, pauseMs });
      await clock.sleep(pauseMs, abort);
      if (abort.aborted) return ABORTED;
    }
  }
}

function givenUp(parts: RetryingAppend, error: Error, attempts: number, elapsedMs: number): TallystreamError {
  const seconds = (elapsedMs / 1000).toFixed(1);
  return new TallystreamError('DELIVERY_FAILED', {
    what: `Delivery to topic '${parts.topic}' failed after ${attempts} attempts in ${seconds} s: ${parts.outcome()}.`,
    why: error.message,
    mend: 'Mend the log and run the command again; with --resume NAME a file goes on after its last acknowledged line. producer.retries and producer.retry_timeout bound the attempts.',
    cause: error,
  });
}

export function isRetryable(error: unknown): error is TallystreamError {
  return error instanceof TallystreamError && error.retry;
}
