/** What a query decides about history: pure, as the protocol is. */
import type { DataLoss, PartitionState } from '../../contracts/batch.ts';
import type { HistoryBreak, HistoryMark, PartitionMark } from '../../contracts/log.ts';
import type { MissingOffsets } from '../protocol.ts';

export type StartDecision =
  | { readonly kind: 'go on' }
  /** Nothing stops the query any more: the log has these records again, or the query may pass over them. */
  | { readonly kind: 'withdraw'; readonly losses: readonly DataLoss[] }
  | { readonly kind: 'refuse'; readonly losses: readonly DataLoss[] };

/**
 * What becomes of losses that an earlier run raised. `undone` are those whose records the log is known to have again. With
 * `failOnDataLoss` off, records that are gone unread do not end the query: its plans name them when they pass over them.
 */
export function decideStart(found: {
  readonly raised: readonly DataLoss[];
  readonly undone: readonly DataLoss[];
  readonly failOnDataLoss: boolean;
}): StartDecision {
  const { raised, undone, failOnDataLoss } = found;
  const losses = raised.filter(
    (loss) => !undone.includes(loss) && (failOnDataLoss || loss.kind === 'counted'),
  );
  if (losses.length > 0) return { kind: 'refuse', losses };
  return raised.length === 0 ? { kind: 'go on' } : { kind: 'withdraw', losses: raised };
}

/** The newest mark of every partition that has one. */
export function newestMarksOf(partitions: readonly PartitionState[]): PartitionMark[] {
  return partitions.flatMap(({ partition, mark }) => (mark === null ? [] : [{ partition, mark }]));
}

/**
 * The losses behind these breaks, one per partition. Where the log does not know exactly from where on its records differ,
 * the loss begins at the end of the last mark below: everything after it may differ.
 * @param marks all that are kept of the partitions
 */
export function lossesOfBreaks(
  breaks: readonly HistoryBreak[],
  marks: readonly PartitionMark[],
  partitions: readonly PartitionState[],
): DataLoss[] {
  return partitions.flatMap(({ partition, nextOffset }) => {
    const found = breaks.filter((each) => each.partition === partition);
    const first = found.toSorted((a, b) => a.start - b.start)[0];
    if (first === undefined) return [];
    const start = first.isExact === true ? first.start : knownUpTo(first.start, partition, marks);
    return [
      { partition, start: Math.min(start, nextOffset), end: nextOffset, kind: 'counted', why: first.why },
    ];
  });
}

/** Records that were gone before they were read. */
export function unreadLosses(missing: readonly MissingOffsets[]): DataLoss[] {
  return missing.map(({ partition, start, end }) => {
    return { partition, start, end, kind: 'unread', why: 'They were removed before they were read.' };
  });
}

/** Records that were counted, where the log ends before them; only without marks does nothing more exact say so. */
export function countedLosses(missing: readonly MissingOffsets[]): DataLoss[] {
  return missing.map(({ partition, start, end }) => {
    return { partition, start, end, kind: 'counted', why: `The partition ends at offset ${start}.` };
  });
}

export function isSameMark(left: HistoryMark, right: HistoryMark): boolean {
  return (
    left.baseOffset === right.baseOffset &&
    left.nextOffset === right.nextOffset &&
    left.checksum === right.checksum &&
    left.leaderEpoch === right.leaderEpoch &&
    left.chain === right.chain
  );
}

function knownUpTo(offset: number, partition: number, marks: readonly PartitionMark[]): number {
  const below = marks.filter((each) => each.partition === partition && each.mark.nextOffset <= offset);
  return Math.max(0, ...below.map(({ mark }) => mark.nextOffset));
}
