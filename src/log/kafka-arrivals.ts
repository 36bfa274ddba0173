/** Records that came with the news that they are there, for the read that follows. */
import { nextOffsetOf } from './kafka-batch.ts';
import type { ReceivedPartition } from './kafka-fetch-channel.ts';
import type { FetchPosition } from './kafka-fetch.ts';

/** One answer by topic id and partition, which the next one replaces. */
export class Arrivals {
  private readonly parts = new Map<string, { readonly offset: number; readonly part: ReceivedPartition }>();

  keep(topicId: string, { partition, offset }: FetchPosition, part: ReceivedPartition): void {
    this.take(topicId, partition, -1);
    if (nextOffsetOf(part.block) === undefined) part.release();
    else this.parts.set(`${topicId} ${partition}`, { offset, part });
  }

  /** What was fetched from exactly this offset; whatever else there is of the partition is dropped. */
  take(topicId: string, partition: number, offset: number): ReceivedPartition | undefined {
    const key = `${topicId} ${partition}`;
    const kept = this.parts.get(key);
    if (kept === undefined) return undefined;
    this.parts.delete(key);
    if (kept.offset === offset) return kept.part;
    kept.part.release();
    return undefined;
  }
}
