/** Which batches retention takes away: a pure decision, the same for every log of this folder. */

/** What retention needs to know of a stored batch. */
export interface StoredBatch {
  readonly baseOffset: number;
  readonly count: number;
  readonly bytes: number;
  /** The newest timestamp in it, epoch milliseconds. */
  readonly timestampMsMax: number;
}

export interface RetentionPolicy {
  readonly retentionMs: number | undefined;
  readonly retentionBytes: number | undefined;
}

export interface Removal {
  readonly start: number;
  readonly end: number;
  readonly bytes: number;
  readonly reason: 'age' | 'size';
}

/**
 * Walks from the oldest batch and takes whole batches: while the newest record of the batch is older than `retentionMs`,
 * or the partition has more bytes than `retentionBytes`. It stops at the first that may stay, since removing one behind
 * it would tear a hole; so a batch with one young record keeps its older ones, and those after it.
 * Neighbours with the same reason are one removal. `partitionBytes` is what the partition holds before.
 */
export function decideRetention(
  oldestFirst: Iterable<StoredBatch>,
  partitionBytes: number,
  policy: RetentionPolicy,
  nowMs: number,
): Removal[] {
  const { retentionMs = Infinity, retentionBytes = Infinity } = policy;
  const removals: Removal[] = [];
  let remainingBytes = partitionBytes;
  for (const batch of oldestFirst) {
    const tooOld = batch.timestampMsMax < nowMs - retentionMs;
    if (!tooOld && remainingBytes <= retentionBytes) break;
    const reason = tooOld ? 'age' : 'size';
    remainingBytes -= batch.bytes;
    const end = batch.baseOffset + batch.count;
    const last = removals.at(-1);
    if (last?.reason === reason)
      removals[removals.length - 1] = { ...last, end, bytes: last.bytes + batch.bytes };
    else removals.push({ start: batch.baseOffset, end, bytes: batch.bytes, reason });
  }
  return removals;
}
