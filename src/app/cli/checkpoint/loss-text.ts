/** A loss of records, in words. */
import type { DataLoss } from '../../../contracts/batch.ts';

export function lossText({ partition, start, end, kind }: DataLoss): string {
  const what = kind === 'counted' ? 'counted, and no longer in the log' : 'removed before they were read';
  return `partition ${partition}, offsets ${start} to ${end - 1} (${what})`;
}
