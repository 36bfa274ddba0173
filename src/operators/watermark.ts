/**
 * Lateness and the query's watermark, as the project's semantics define them: an event is late against its own
 * partition's largest accepted timestamp at lower offsets, so the verdict does not depend on how the input was cut.
 */
import type { PartitionState } from '../contracts/batch.ts';

export const MICROS_PER_MS = 1000;

/** The event time that partition's records must not lie below: max(own largest − delay, watermark in force). */
export class PartitionWatermark {
  /** The largest accepted event time so far, epoch microseconds; -Infinity before the first. */
  maxEventMicros: number;
  private readonly delayMicros: number;
  private readonly evictedToMicros: number;

  /** `delayMs` null is no watermark; `watermarkMicros` is the query's, by which state was evicted already. */
  constructor(state: PartitionState | undefined, delayMs: number | null, watermarkMicros: number | null) {
    this.maxEventMicros = state?.maxEventMicros ?? -Infinity;
    this.delayMicros = delayMs === null ? Infinity : delayMs * MICROS_PER_MS;
    this.evictedToMicros = watermarkMicros ?? -Infinity;
  }

  /** The bound at this point of the partition; an event strictly below it is late. */
  get lateBelowMicros(): number {
    const own = this.maxEventMicros - this.delayMicros;
    return own > this.evictedToMicros ? own : this.evictedToMicros;
  }

  /** Only accepted events move it. */
  accept(eventMicros: number): void {
    if (eventMicros > this.maxEventMicros) this.maxEventMicros = eventMicros;
  }
}

/**
 * Whether an id remembered with `eventMicros` still counts as known where `lateBelowMicros` is in force. It is the
 * rule that makes eviction invisible: state dropped by the query's watermark (never ahead of any partition's own) had
 * stopped counting before.
 */
export function isRemembered(eventMicros: number, lateBelowMicros: number, delayMs: number | null): boolean {
  return delayMs === null || eventMicros + delayMs * MICROS_PER_MS >= lateBelowMicros;
}

/**
 * The watermark that the next batch evicts by: the minimum over partitions that are not idle of their largest accepted
 * timestamp − delay. It never goes back; a partition without an accepted event holds it; all idle leaves it as it is.
 */
export function advanceWatermark(
  previousMicros: number | null,
  partitions: readonly PartitionState[],
  idlePartitions: readonly number[],
  delayMs: number | null,
): number | null {
  if (delayMs === null) return null;
  const holding = partitions.filter((state) => !idlePartitions.includes(state.partition));
  if (holding.length === 0) return previousMicros;
  let lowest = Infinity;
  for (const state of holding) {
    if (state.maxEventMicros === null) return previousMicros;
    lowest = Math.min(lowest, state.maxEventMicros - delayMs * MICROS_PER_MS);
  }
  return previousMicros === null ? lowest : Math.max(previousMicros, lowest);
}

/** Without an event time an event is never late, so no watermark may make its id forgotten. */
export function timeToRemember(eventMicros: number, lateBelowMicros: number): number {
  return Number.isNaN(eventMicros) ? Infinity : Math.max(eventMicros, lateBelowMicros);
}
