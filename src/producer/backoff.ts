import type { Random } from './random.ts';

export interface RetryLimits {
  /** Calls of one batch's append, the first included; infinite if only the time is limited. */
  readonly attemptsMax: number;
  /** From the first call of one batch's append; no attempt starts later. */
  readonly deliveryTimeoutMs: number;
  /** Pause before the second attempt; it doubles from attempt to attempt. */
  readonly backoffMs: number;
  readonly backoffMsMax: number;
}

/**
 * Two minutes, as Apache Kafka's producer gives a record (`delivery.timeout.ms`), and no bound of the number: with one, a
 * longer time would not be used up.
 */
export const RETRY_LIMITS: RetryLimits = Object.freeze({
  attemptsMax: Number.POSITIVE_INFINITY,
  deliveryTimeoutMs: 120_000,
  backoffMs: 100,
  backoffMsMax: 5_000,
});

/**
 * How long to wait after the `attempt`-th failure (from 1), or undefined if there is to be no other attempt. The wait
 * is exponential, less up to half of it by chance, so that producers which failed together do not come back together.
 */
export function pauseBeforeRetryMs(
  attempt: number,
  elapsedMs: number,
  random: Random,
  limits: RetryLimits,
): number | undefined {
  if (attempt >= limits.attemptsMax) return undefined;
  const wholeMs = Math.min(limits.backoffMsMax, limits.backoffMs * 2 ** (attempt - 1));
  const pauseMs = wholeMs * (1 - random.unit() / 2);
  return elapsedMs + pauseMs > limits.deliveryTimeoutMs ? undefined : pauseMs;
}
