/**
 * Looks at the end of a topic with one fetch a leader: where every partition ends now, that the topic is still the one with
 * this id, and the records themselves, which are kept for the read that follows. Where a wait has just been ended by such an
 * answer, that one is taken, and nobody is asked.
 */
import type { PartitionOffsets, TopicDescription } from '../contracts/log.ts';
import type { KafkaCluster, TopicMetadata } from './kafka-cluster.ts';
import type { ReceivedPartition } from './kafka-fetch-channel.ts';
import type { FetchAnswer, FetchPosition } from './kafka-fetch.ts';

/** Who is near the end has little to read; who is not looks at the log and fetches. */
export const FOLLOW_BYTES_MAX = 1024 * 1024;
/** Between two look-ups, which find new partitions and leaders. */
const LOOK_UP_EVERY_MS = 500;

/** What ended a wait at these ends of the topic. */
interface News {
  readonly topicId: string;
  readonly known: readonly PartitionOffsets[];
  readonly answer: FetchAnswer<ReceivedPartition>;
}

export class Follower {
  private readonly cluster: KafkaCluster;
  /** By topic id. */
  private readonly lookedUpMs = new Map<string, number>();
  private news: News | undefined;

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

  /** Keeps an answer, at `known`, of a leader that leads every partition; the next one replaces it. */
  keep(topicId: string, known: readonly PartitionOffsets[], answer: FetchAnswer<ReceivedPartition>): void {
    this.forgetNews();
    this.news = { topicId, known, answer };
  }

  private takeNews(topicId: string, known: readonly PartitionOffsets[]): News['answer'] | undefined {
    const { news } = this;
    if (news?.topicId !== topicId || news.known !== known) {
      this.forgetNews();
      return undefined;
    }
    this.news = undefined;
    return news.answer;
  }

  private forgetNews(): void {
    for (const { release } of this.news?.answer.partitions ?? []) release();
    this.news = undefined;
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
    const news = this.takeNews(id, known);
    const answers = news === undefined ? await this.fetchEnds(topic, known) : [news];
    const offsets: PartitionOffsets[] = [];
    let isSound = answers.every(({ code }) => code === 0);
    for (const part of answers.flatMap(({ partitions }) => partitions)) {
      const { partition, code, logStartOffset, lastStableOffset } = part;
      const end = endOf(known, partition);
      offsets[partition] = { partition, earliest: logStartOffset, latest: lastStableOffset };
      isSound &&= code === 0 && lastStableOffset >= end.offset;
      cluster.arrivals.keep(id, end, part);
    }
    return isSound && all.every((partition) => offsets[partition] !== undefined) ? offsets : undefined;
  }

  private async fetchEnds(
    topic: TopicMetadata,
    known: readonly PartitionOffsets[],
  ): Promise<FetchAnswer<ReceivedPartition>[]> {
    const all = known.map(({ partition }) => partition);
    const led = await this.cluster.fetchChannelsOf(topic, all, 'read');
    return Promise.all(
      led.map(({ channel, partitions }) => {
        const positions = partitions.map((partition) => endOf(known, partition));
        const bounds = { waitMs: 0, bytesMax: FOLLOW_BYTES_MAX, partitionBytesMax: FOLLOW_BYTES_MAX };
        return channel.fetch({ topicId: topic.id, positions, ...bounds });
      }),
    );
  }
}

/** Where what is known of a partition ends; `known` is indexed by partition. */
function endOf(known: readonly PartitionOffsets[], partition: number): FetchPosition {
  return { partition, offset: known[partition]?.latest ?? 0 };
}
