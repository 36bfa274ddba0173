/** How many threads prepare events beside the one that keeps the state. */
import { availableParallelism } from 'node:os';

export interface Workers {
  readonly threads: number;
  /** A batch of fewer records than this is prepared by one thread alone. */
  readonly recordsMin: number;
}

export const NO_WORKERS: Workers = { threads: 0, recordsMin: Infinity };

/** Smaller batches are over before another thread has helped much; the bound is a choice, and no measurement. */
const RECORDS_MIN = 20_000;
/** One thread keeps the state, and can take no more than so much; likewise a choice. */
const AUTO_MAX = 4;

/** `threads` null: one less than the machine has for this process, so that one core has none. */
export function workersOf(threads: number | null): Workers {
  return { threads: threads ?? Math.min(availableParallelism() - 1, AUTO_MAX), recordsMin: RECORDS_MIN };
}
