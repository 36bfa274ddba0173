/** How many records a batch takes where more is unread: a pure decision, whose outcome is stored in the plan. */

/**
 * The first batch of a run takes no more than this, so that its report comes soon, and no batch has to take less. A commit
 * costs about a millisecond in addition to the bytes of its ids: less than 1 % of the time that this many records take.
 */
export const OFFSETS_AT_FIRST = 50_000;
/** A batch aims at taking this long: a report a second, and commits that do not count. */
const AIM_MS = 1_000;
/** One batch that went fast says little; the next takes no more than this many times its records. */
const GROWTH_MAX = 4;

/** What a batch of this run planned, and how long it took from its plan to the end of its commit. */
export interface BatchTaken {
  readonly offsets: number;
  readonly durationMs: number;
}

/**
 * The most records of the next batch: as many as the last one makes expect within {@link AIM_MS}, and never more than
 * `offsetsMax`, which is the user's. A query that keeps up reads all there is, however little, and is not slowed down.
 * @param last the batch before; undefined for the first of a run
 */
export function offsetsOfNext(offsetsMax: number, last: BatchTaken | undefined): number {
  if (last === undefined) return Math.min(offsetsMax, OFFSETS_AT_FIRST);
  const { offsets, durationMs } = last;
  const expected = durationMs > 0 ? Math.floor((offsets / durationMs) * AIM_MS) : Infinity;
  return Math.min(offsetsMax, Math.max(OFFSETS_AT_FIRST, Math.min(expected, offsets * GROWTH_MAX)));
}
