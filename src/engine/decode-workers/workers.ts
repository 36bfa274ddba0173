/** How many threads prepare events beside the one that keeps the state. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Logger } from '../../contracts/logger.ts';

/** What a thread runs. A checkout has TypeScript there, the package JavaScript, and a program that was bundled nothing. */
export const WORKER_FILE: string = new URL(
  `./worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`,
  import.meta.url,
).href;

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

/** The workers that can be started here. If the file that they run is missing, there are none, and the log says so. */
export function availableWorkers(threads: number | null, logger: Logger, file = WORKER_FILE): Workers {
  const workers = workersOf(threads);
  if (workers.threads === 0 || existsSync(new URL(file))) return workers;
  logger.warn(
    { operation: 'start-workers', file },
    'decoding on the main thread only: the file for worker threads is missing, as in a bundled program. To use threads, exclude the package tallystream from the bundle',
  );
  return NO_WORKERS;
}
