/** The marks of what was read: one per partition and batch, thinned out with their distance from the end. */
import type { DatabaseSync } from 'node:sqlite';
import type { BatchCommit } from '../../contracts/batch.ts';
import type { HistoryMark, PartitionMark } from '../../contracts/log.ts';
import { allRows } from '../connection.ts';
import type { Seal, SealDraft } from '../seals/seal.ts';
import { checkedRows } from '../seals/sealed-rows.ts';
import { HISTORY_MARKS } from '../seals/sealed-tables.ts';
import { SealedWriter } from '../seals/sealed-writer.ts';

/** A partition's marks are thinned out once there are more than this. */
const MARKS_MAX = 64;
/** The newest are all kept: a log that goes back usually goes back only a little. */
const NEWEST_KEPT = 16;
/** Of two older neighbours, the nearer one is removed if the other is not this much farther from the end. */
const SPREAD = 1.5;

/** Writes marks within a commit. */
export class MarkWriter {
  private readonly database: DatabaseSync;
  private readonly rows: SealedWriter;
  private readonly removeOne: ReturnType<SealedWriter['remover']>;
  private readonly removeAbove: ReturnType<SealedWriter['remover']>;
  /** The next offsets of the stored marks, by partition, ascending. */
  private kept: Map<number, number[]> | undefined;

  constructor(database: DatabaseSync) {
    this.database = database;
    this.rows = new SealedWriter(database, HISTORY_MARKS);
    this.removeOne = this.rows.remover('"partition" = ? AND next_offset = ?');
    this.removeAbove = this.rows.remover('"partition" = ? AND next_offset > ?');
  }

  /** Called after a failed commit: the stored marks are read from the table again. */
  forget(): void {
    this.kept = undefined;
  }

  /** Adds the new marks. Called within the commit's transaction. */
  put(draft: SealDraft, { partitions, marks }: Pick<BatchCommit, 'partitions' | 'marks'>): void {
    for (const { partition, mark } of marks) this.add(draft, partition, mark);
    for (const { partition, mark } of partitions) if (mark !== null) this.add(draft, partition, mark);
    for (const [partition, kept] of this.kept ?? []) {
      if (kept.length > MARKS_MAX) this.thinOut(draft, partition, kept);
    }
  }

  /** Removes the marks from this offset on, since it is read again. Called within a transaction. */
  dropAbove(draft: SealDraft, partition: number, nextOffset: number): void {
    this.removeAbove(draft, partition, nextOffset);
    this.forget();
  }

  private add(draft: SealDraft, partition: number, mark: HistoryMark): void {
    const kept = this.keptOf(partition);
    // The newest mark of a partition comes twice: among the marks of the batch, and in the state of the partition.
    if (mark.nextOffset <= (kept.at(-1) ?? -1)) return;
    const { nextOffset, baseOffset, checksum, leaderEpoch, chain } = mark;
    this.rows.add(draft, [partition, nextOffset, baseOffset, checksum, leaderEpoch, chain]);
    kept.push(nextOffset);
  }

  private thinOut(draft: SealDraft, partition: number, kept: number[]): void {
    const stays = new Set(thinned(kept));
    for (const nextOffset of kept) if (!stays.has(nextOffset)) this.removeOne(draft, partition, nextOffset);
    this.kept?.set(
      partition,
      kept.filter((nextOffset) => stays.has(nextOffset)),
    );
  }

  private keptOf(partition: number): number[] {
    if (this.kept === undefined) {
      this.kept = new Map();
      const query = 'SELECT "partition", next_offset FROM history_marks ORDER BY "partition", next_offset';
      for (const [of, nextOffset] of allRows(this.database.prepare(query)) as [number, number][]) {
        const known = this.kept.get(of);
        if (known === undefined) this.kept.set(of, [nextOffset]);
        else known.push(nextOffset);
      }
    }
    const kept = this.kept.get(partition) ?? [];
    this.kept.set(partition, kept);
    return kept;
  }
}

/**
 * The offsets (ascending) to keep: the newest, then fewer with growing distance from the newest, and the oldest. So even a
 * log that went back far has a mark, and the number of marks grows with the logarithm of what was read.
 */
export function thinned(offsets: readonly number[]): number[] {
  const newest = offsets.at(-1) ?? 0;
  const stays: number[] = [];
  let distance = 0;
  for (let at = offsets.length - 1; at >= 0; at -= 1) {
    const offset = offsets[at] as number;
    const isNew = offsets.length - at <= NEWEST_KEPT;
    if (!isNew && at > 0 && newest - offset < distance * SPREAD) continue;
    distance = newest - offset;
    stays.push(offset);
  }
  return stays.toReversed();
}

/** By partition and offset. @throws CHECKPOINT_CORRUPT */
export function readMarks(database: DatabaseSync, seal: Seal | undefined, location: string): PartitionMark[] {
  return checkedRows(database, HISTORY_MARKS, seal, location).map(
    ([partition, nextOffset, baseOffset, checksum, leaderEpoch, chain]) =>
      ({ partition, mark: { baseOffset, nextOffset, checksum, leaderEpoch, chain } }) as PartitionMark,
  );
}

/** The newest mark of each partition. @throws CHECKPOINT_CORRUPT */
export function newestMarks(
  database: DatabaseSync,
  seal: Seal | undefined,
  location: string,
): ReadonlyMap<number, HistoryMark> {
  return new Map(readMarks(database, seal, location).map(({ partition, mark }) => [partition, mark]));
}
