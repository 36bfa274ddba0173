import type { Clock } from '../contracts/clock.ts';
import { TallystreamError } from '../errors.ts';

/** How many records the producer may take now. The delivery loop asks, takes, and says how many it took. */
export interface Pace {
  /** Records that may be taken at this moment; Infinity if nothing limits them. */
  available(): number;
  /** Notes that `count` records were taken: no more than {@link available} said before. */
  spend(count: number): void;
  /** Milliseconds until {@link available} is at least 1; 0 if it is already. */
  waitMs(): number;
}

/** At most so much of the rate comes at once, in milliseconds. */
const BURST_MS_MAX = 100;

/** What a stall of the process or the disk made it miss is caught up, as far as it is no more than this. */
const CATCH_UP_MS_MAX = 1_000;

/** How much faster than the rate it catches up. */
const CATCH_UP_SPEED = 1.1;

/** The rate `max`: as fast as source and log can go. */
export const UNPACED: Pace = Object.freeze({
  available: () => Number.POSITIVE_INFINITY,
  spend: () => undefined,
  waitMs: () => 0,
});

/** Waits shorter than this are not worth a timer, and may vanish in the rounding of a large clock reading. */
const WAIT_MS_MIN = 0.01;

/**
 * A token bucket over the monotonic clock that keeps the rate on the average and yet has no bursts. Two limits hold
 * together: one at the rate, which remembers what was missed for {@link CATCH_UP_MS_MAX}, and one a tenth faster, which
 * lets no more than {@link BURST_MS_MAX} come at once. So short stalls do not lower the rate, and are made up for
 * gently. After a pause of more than {@link CATCH_UP_MS_MAX} (a sleeping laptop, a source that had nothing, a log that
 * was away) nothing is made up for.
 *
 * @param ratePerSecond records a second, any positive finite number (0.5 is one every two seconds)
 * @throws USAGE if the rate is something else
 */
export function createTokenBucket(ratePerSecond: number, clock: Clock): Pace {
  if (!(ratePerSecond > 0 && Number.isFinite(ratePerSecond))) {
    throw new TallystreamError('USAGE', {
      what: `The rate cannot be ${ratePerSecond} events per second.`,
      hint: 'Use a positive number, or max.',
    });
  }
  const ratePerMs = ratePerSecond / 1000;
  const burst = Math.max(1, Math.floor(ratePerMs * BURST_MS_MAX));
  const catchUp = Math.max(1, Math.floor(ratePerMs * CATCH_UP_MS_MAX));
  let lookedAtMs = clock.monotonicMs();
  const average = createBucket(ratePerMs, lookedAtMs);
  const smooth = createBucket(ratePerMs * CATCH_UP_SPEED, lookedAtMs);

  const look = (): number => {
    const nowMs = clock.monotonicMs();
    const paused = nowMs - lookedAtMs > CATCH_UP_MS_MAX;
    lookedAtMs = nowMs;
    return Math.min(average.tokens(nowMs, paused ? burst : catchUp), smooth.tokens(nowMs, burst));
  };

  return {
    available: () => Math.max(0, look()),
    spend(count) {
      // Without looking first, tokens that piled up while the source made the producer wait would come on top.
      look();
      average.spend(count);
      smooth.spend(count);
    },
    waitMs() {
      if (look() > 0) return 0;
      return Math.max(WAIT_MS_MIN, average.dueMs() - lookedAtMs, smooth.dueMs() - lookedAtMs);
    },
  };
}

interface Bucket {
  /** Tokens there are; tokens above the capacity are lost. */
  tokens(nowMs: number, capacity: number): number;
  spend(count: number): void;
  /** When the next token comes, if there is none. */
  dueMs(): number;
}

/** The n-th token is due n / rate after the first, counted from a fixed origin, so rounding never adds up. */
function createBucket(ratePerMs: number, startMs: number): Bucket {
  let originMs = startMs;
  let spent = 0;
  return {
    tokens(nowMs, capacity) {
      const tokens = Math.floor((nowMs - originMs) * ratePerMs) + 1 - spent;
      if (tokens <= capacity) return tokens;
      originMs = nowMs;
      spent = 1 - capacity;
      return capacity;
    },
    spend(count) {
      spent += count;
    },
    dueMs: () => originMs + spent / ratePerMs,
  };
}
