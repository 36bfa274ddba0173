/** How many threads prepare events beside the one that keeps the state. */
import { availableParallelism } from 'node:os';

export interface Workers {
  readonly threads: number;
  /** A batch of fewer records than this is prepared by one thread alone. */
  readonly recordsMin: number;
}

export const NO_WORKERS: Workers = { threads: 0, recordsMin: Infinity };

/** About as many records as are prepared while other threads are woken for them. */
const RECORDS_MIN = 20_000;
/** The thread that keeps the state is busy with what more than these would bring it. */
const AUTO_MAX = 4;

/** `threads` null: one less than the machine has for this process, so that one core has none. */
export function workersOf(threads: number | null): Workers {
  return { threads: threads ?? Math.min(availableParallelism() - 1, AUTO_MAX), recordsMin: RECORDS_MIN };
}
