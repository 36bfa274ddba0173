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

/**
 * Cores without a thread: that of the one that keeps the state, and one for what runs beside it (V8's compiler, the
 * kernel, a broker or a producer). On two cores a further thread took 24 MB and a quarter more CPU time, for a rate that
 * was higher by a sixth at best.
 */
const CORES_LEFT = 2;

/** `threads` null: as many as there are cores to spare, `cores` being those of this process. */
export function workersOf(threads: number | null, cores = availableParallelism()): Workers {
  const auto = Math.min(Math.max(cores - CORES_LEFT, 0), AUTO_MAX);
  return { threads: threads ?? auto, recordsMin: RECORDS_MIN };
}
