/**
 * Looks at the end of a topic with one fetch a leader: where every partition ends now, that the topic is still the one with
 * this id, and the records themselves, which are kept for the read that follows.
 */
import type { PartitionOffsets, TopicDescription } from '../../../contracts/log.ts';
import type { KafkaCluster, TopicMetadata } from '../cluster/cluster.ts';
import { epochsOf } from './fetch-from.ts';
import type { FetchPosition } from '../wire/fetch.ts';
import { verifyNotes } from '../history/check.ts';
import { lastEpochAt, type Note } from '../history/notes.ts';

/** Who is near the end has little to read; who is not looks at the log and fetches. */
const BYTES_MAX = 1024 * 1024;
/** Between two look-ups, which find new partitions and leaders. */
const LOOK_UP_EVERY_MS = 500;

interface KnownEnd {
  readonly partition: number;
  readonly position: FetchPosition;
  readonly note: Note | undefined;
}

export class Follower {
  private readonly cluster: KafkaCluster;
  /** By topic id. */
  private readonly lookedUpMs = new Map<string, number>();

  constructor(cluster: KafkaCluster) {
    this.cluster = cluster;
  }

  /** See `Log.follow`. Every error is left to the look that comes after it. */
  async follow(
    topic: TopicDescription,
    known: readonly PartitionOffsets[],
  ): Promise<readonly PartitionOffsets[] | undefined> {
    this.lookUpNowAndThen(topic);
    try {
      return await this.ask(topic, known);
    } catch {
      this.cluster.turnAway(topic.name);
      return undefined;
    }
  }

  /** Meanwhile: what it finds is there for the next call. */
  private lookUpNowAndThen({ id, name }: TopicDescription): void {
    const nowMs = this.cluster.options.clock.monotonicMs();
    if (nowMs - (this.lookedUpMs.get(id) ?? -Infinity) < LOOK_UP_EVERY_MS) return;
    this.lookedUpMs.set(id, nowMs);
    this.cluster.lookUp(name).catch(() => this.cluster.turnAway(name));
  }

  private async ask(
    { id, name }: TopicDescription,
    known: readonly PartitionOffsets[],
  ): Promise<readonly PartitionOffsets[] | undefined> {
    const { cluster } = this;
    const topic = await cluster.topic(name);
    if (topic.id !== id || topic.partitions !== known.length) return undefined;
    const all = known.map(({ partition }) => partition);
    const checkedAt = cluster.interruptions;
    const ends = known.map((_, partition) => this.endOf(topic, known, partition));
    const notes = ends.flatMap(({ partition, note }) => (note === undefined ? [] : [{ partition, note }]));
    // The one who looks next compares what was read with the log, and says what is lost.
    if ((await verifyNotes(cluster, topic, notes)).length > 0) return undefined;
    const led = await cluster.fetchChannelsOf(topic, all, 'read');
    const answers = await Promise.all(
      led.map(({ channel, partitions }) => {
        const positions = partitions.map((partition) => (ends[partition] as KnownEnd).position);
        const bounds = { waitMs: 0, bytesMax: BYTES_MAX, partitionBytesMax: BYTES_MAX };
        return cluster.throttles.fetch(channel, { topicId: id, positions, ...bounds });
      }),
    );
    const parts = answers.flatMap(({ partitions }) => partitions);
    const offsets: PartitionOffsets[] = [];
    let isSound = answers.every(({ code }) => code === 0) && cluster.interruptions === checkedAt;
    for (const { partition, code, logStartOffset, lastStableOffset, highWatermark, diverging } of parts) {
      const { offset } = (ends[partition] as KnownEnd).position;
      const waiting = highWatermark > lastStableOffset ? { end: highWatermark } : {};
      offsets[partition] = { partition, earliest: logStartOffset, latest: lastStableOffset, ...waiting };
      isSound &&= code === 0 && diverging === undefined && lastStableOffset >= offset;
    }
    isSound &&= all.every((partition) => offsets[partition] !== undefined);
    for (const part of parts) {
      if (isSound) cluster.arrivals.keep(id, (ends[part.partition] as KnownEnd).position, part, checkedAt);
      else part.release();
    }
    return isSound ? offsets : undefined;
  }

  /** Where what is known of a partition ends; `known` is indexed by partition. */
  private endOf(topic: TopicMetadata, known: readonly PartitionOffsets[], partition: number): KnownEnd {
    const offset = known[partition]?.latest ?? 0;
    const note = this.cluster.history.before(topic.id, partition, offset);
    const position = { partition, offset, ...epochsOf(topic, partition, lastEpochAt(note, offset)) };
    return { partition, position, note };
  }
}
