/** `checkpoint accept-loss`: a person accepts that records are lost, and the query goes on from where the log can. */
import type { AcceptedLoss } from '../../contracts/checkpoint.ts';
import type { Clock } from '../../contracts/clock.ts';
import type { AcceptedRanges } from './accept-raised.ts';
import { openStoredCheckpoint } from '../open.ts';

/**
 * Records the named losses as accepted and moves the partitions, in one transaction of a runner: a query that was suspended
 * and wakes must not commit on what it knew before.
 * @returns what was accepted by this call
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
