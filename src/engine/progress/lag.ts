/** How far a query is behind, partition by partition. */
import type { BatchPlan, PartitionLag, PartitionState } from '../../contracts/batch.ts';
import type { PartitionOffsets } from '../../contracts/log.ts';
import { kindOfRecordTime } from '../../operators/record-time.ts';

/**
 * What these offsets still hold after a batch, in partition order; empty if nothing does. Seconds are those between
 * the log timestamp of the last record that the batch read there and the batch's clock; 0 if it is not a time.
 */
export function lagOf(
  plan: BatchPlan,
  offsets: readonly PartitionOffsets[],
  partitions: readonly Pick<PartitionState, 'partition' | 'nextOffset'>[],
  progressed: ReadonlyMap<number, { readonly lastTimestampMs: number | undefined }>,
): PartitionLag[] {
  const nextOffsets = new Map(partitions.map((state) => [state.partition, state.nextOffset]));
  return offsets.flatMap(({ partition, earliest, latest }) => {
    const events = latest - (nextOffsets.get(partition) ?? earliest);
    if (events <= 0) return [];
    const lastMs = progressed.get(partition)?.lastTimestampMs ?? plan.clockMs;
    const isTime = kindOfRecordTime(lastMs, plan.clockMs) === 'milliseconds';
    const readMs = isTime ? lastMs : plan.clockMs;
    return [{ partition, events, seconds: Math.max(0, Math.round(plan.clockMs - readMs) / 1000) }];
  });
}
