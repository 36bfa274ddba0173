/** What was last read of each partition, and since when it is known to be in the log. */
import type { HistoryMark } from '../../../contracts/log.ts';

/** Several queries may read a partition, each from another offset. */
const NOTES_MAX = 8;
/** Partitions of which something is remembered. */
const PARTITIONS_MAX = 10_000;

export interface Note {
  /** Everything below was read; the record before it is in the batch of `mark`. */
  readonly offset: number;
  readonly mark: HistoryMark;
  /** `KafkaCluster.interruptions` at the time when the batch was read or compared. */
  checkedAt: number;
}

export class HistoryNotes {
  private readonly byPartition = new Map<string, Note[]>();

  keep(topicId: string, partition: number, note: Note): void {
    const key = `${topicId} ${partition}`;
    const notes = this.byPartition.get(key) ?? [];
    const others = notes.filter(({ offset }) => offset !== note.offset);
    this.byPartition.delete(key);
    this.byPartition.set(key, [...others, note].slice(-NOTES_MAX));
    const [oldest] = this.byPartition.keys();
    if (this.byPartition.size > PARTITIONS_MAX && oldest !== undefined) this.byPartition.delete(oldest);
  }

  /** The nearest note that ends at this offset or below. */
  before(topicId: string, partition: number, offset: number): Note | undefined {
    let nearest: Note | undefined;
    for (const note of this.byPartition.get(`${topicId} ${partition}`) ?? []) {
      if (note.offset <= offset && (nearest === undefined || note.offset > nearest.offset)) nearest = note;
    }
    return nearest;
  }
}

/** The epoch of the record just before the offset, if the note ends there; undefined if it is not known. */
export function lastEpochAt(note: Note | undefined, offset: number): number | undefined {
  return note?.offset === offset ? (note.mark.leaderEpoch ?? undefined) : undefined;
}
