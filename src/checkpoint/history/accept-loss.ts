/** `checkpoint accept-loss`: accepts that records are lost, so that the query continues with what the log still has. */
import type { AcceptedLoss } from '../../contracts/checkpoint.ts';
import type { Clock } from '../../contracts/clock.ts';
import type { AcceptedRanges } from './accept-raised.ts';
import { openStoredCheckpoint } from '../open/open.ts';

/**
 * Records the named losses as accepted and moves the partitions, in one transaction of a runner: a suspended query that
 * resumes must not commit on outdated state.
 * @returns the losses that this call accepted
 * @throws USAGE (a range that was not raised), CHECKPOINT_LOCKED (a query runs), CHECKPOINT_NOT_FOUND, CHECKPOINT_VERSION,
 * CHECKPOINT_CORRUPT, STORAGE_FULL
 */
export async function acceptLoss(options: {
  readonly location: string;
  readonly clock: Clock;
  readonly ranges: AcceptedRanges;
}): Promise<AcceptedLoss[]> {
  const checkpoint = await openStoredCheckpoint(options);
  try {
    return checkpoint.acceptLosses(options.ranges);
  } finally {
    checkpoint.close();
  }
}
