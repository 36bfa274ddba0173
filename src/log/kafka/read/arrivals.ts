/** Records that came with the news that they are there, for the read that follows. */
import { nextOffsetOf } from '../wire/record-batch.ts';
import type { ReceivedPartition } from '../cluster/fetch-channel.ts';
import type { FetchPosition } from '../wire/fetch.ts';

interface Arrival {
  readonly offset: number;
  readonly part: ReceivedPartition;
  readonly checkedAt: number;
}

/** One answer by topic id and partition, which the next one replaces. */
export class Arrivals {
  private readonly parts = new Map<string, Arrival>();

  /** `checkedAt` is `KafkaCluster.interruptions` at the time of the fetch. */
  keep(topicId: string, position: FetchPosition, part: ReceivedPartition, checkedAt: number): void {
    const { partition, offset } = position;
    this.take(topicId, { partition, offset: -1 }, checkedAt);
    if (nextOffsetOf(part.block) === undefined) part.release();
    else this.parts.set(`${topicId} ${partition}`, { offset, part, checkedAt });
  }

  /**
   * What was fetched from exactly this offset, unless reading was interrupted since; any other fetch of the
   * partition is dropped.
   */
  take(
    topicId: string,
    { partition, offset }: FetchPosition,
    checkedAt: number,
  ): ReceivedPartition | undefined {
    const key = `${topicId} ${partition}`;
    const kept = this.parts.get(key);
    if (kept === undefined) return undefined;
    this.parts.delete(key);
    if (kept.offset === offset && kept.checkedAt === checkedAt) return kept.part;
    kept.part.release();
    return undefined;
  }
}
