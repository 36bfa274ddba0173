/**
 * Follows a topic at its end with one fetch a leader: whether there is more, where every partition ends now, that the
 * topic is still the one with this id, and the records themselves, which are kept for the read that follows.
 */
import type { PartitionOffsets, TopicDescription } from '../contracts/log.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import type { FetchChannel, ReceivedPartition } from './kafka-fetch-channel.ts';
import type { FetchPosition, FetchRequest } from './kafka-fetch.ts';
import { waitForRecords } from './kafka-wait.ts';

/** One long poll, below any request's own timeout. */
const POLL_MS = 500;
/** A leader that takes longer than it was asked to is away. */
const LATE_MS = 500;
/** Who is near the end has little to read; who is not looks at the log and fetches. */
const POLL_BYTES_MAX = 1024 * 1024;
/** Between two look-ups, which find new partitions and leaders. */
const LOOK_UP_EVERY_MS = 500;

const PAUSE_MS = 100;

/** What one leader answered, or 'look' where whoever asks must look for himself. */
type News = readonly ReceivedPartition[] | 'look';

interface Poll {
  /** The positions that were asked for. */
  readonly key: string;
  readonly news: Promise<News>;
  /** Undefined until there is an answer. */
  hasMore: boolean | undefined;
}

interface Asked {
  readonly poll: Poll;
  readonly isNew: boolean;
}

interface Led {
  readonly channel: FetchChannel;
  readonly partitions: readonly number[];
}

export class Follower {
  private readonly cluster: KafkaCluster;
  /** Those under way, and those whose answer nobody has taken. */
  private readonly polls = new WeakMap<FetchChannel, Poll>();
  /** By topic id. */
  private readonly lookedUpMs = new Map<string, number>();

  constructor(cluster: KafkaCluster) {
    this.cluster = cluster;
  }

  /** See `Log.follow`. Every error is left to the look that comes after it. */
  async follow(
    topic: TopicDescription,
    known: readonly PartitionOffsets[],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<readonly PartitionOffsets[] | undefined> {
    const { cluster } = this;
    const ended = AbortSignal.any([signal, cluster.closed]);
    if (ended.aborted) return undefined;
    this.lookUpNowAndThen(topic);
    try {
      const metadata = await cluster.topic(topic.name);
      if (metadata.id !== topic.id || metadata.partitions !== known.length) return undefined;
      const all = known.map(({ partition }) => partition);
      const led = await cluster.fetchChannelsOf(metadata, all, `follow ${topic.id}`);
      const waitMs = Math.ceil(Math.min(timeoutMs, POLL_MS));
      const polls = led.map((leader) => this.poll(leader, topic.id, known, waitMs));
      if (polls.includes('busy')) {
        await waitForRecords(cluster, topic.name, known, timeoutMs, signal);
        return undefined;
      }
      const hasNews = await this.firstNews(polls as Asked[], waitMs, ended);
      const offsets = hasNews ? await this.takeNews(led, topic.id, known) : undefined;
      if (!hasNews || offsets !== undefined) return offsets;
    } catch {
      cluster.turnAway(topic.name);
    }
    // Whoever asks looks at the log next, and finds out; where that look finds nothing wrong, this one is not asked at once.
    await cluster.options.clock.sleep(Math.min(PAUSE_MS, timeoutMs), ended);
    return undefined;
  }

  /** Meanwhile: what it finds is there for the next call. */
  private lookUpNowAndThen({ id, name }: TopicDescription): void {
    const nowMs = this.cluster.options.clock.monotonicMs();
    if (nowMs - (this.lookedUpMs.get(id) ?? -Infinity) < LOOK_UP_EVERY_MS) return;
    this.lookedUpMs.set(id, nowMs);
    this.cluster.lookUp(name).catch(() => this.cluster.turnAway(name));
  }

  /** The poll at these positions: one under way, one whose answer nobody took, or a new one; 'busy' with another query's. */
  private poll(
    { channel, partitions }: Led,
    topicId: string,
    known: readonly PartitionOffsets[],
    waitMs: number,
  ): Asked | 'busy' {
    const positions = partitions.map((partition) => positionIn(known, partition));
    const key = positions.map(({ partition, offset }) => `${partition}:${offset}`).join(' ');
    const existing = this.polls.get(channel);
    if (existing?.key === key && existing.hasMore !== false) return { poll: existing, isNew: false };
    if (existing !== undefined && existing.hasMore === undefined) return 'busy';
    const news = this.ask(channel, { topicId, positions, waitMs, bytesMax: POLL_BYTES_MAX });
    const poll: Poll = { key, news, hasMore: undefined };
    news.then(
      (answer) => (poll.hasMore = answer === 'look' || answer.some((part) => isBeyond(part, known))),
      () => (poll.hasMore = false),
    );
    this.polls.set(channel, poll);
    return { poll, isNew: true };
  }

  private async ask(channel: FetchChannel, request: Omit<FetchRequest, 'partitionBytesMax'>): Promise<News> {
    const { positions, bytesMax } = request;
    const { code, partitions } = await channel.fetch({ ...request, partitionBytesMax: bytesMax });
    const isSound = positions.every(({ partition, offset }) => {
      const part = partitions.find((each) => each.partition === partition);
      return part?.code === 0 && part.lastStableOffset >= offset;
    });
    if (code === 0 && isSound) return partitions;
    for (const { release } of partitions) release();
    return 'look';
  }

  /**
   * Without a wait: true when those that were asked now have answered. Otherwise true as soon as one leader has more, and
   * false when all have answered without, one is late, or nobody waits any more.
   */
  private async firstNews(asked: readonly Asked[], waitMs: number, ended: AbortSignal): Promise<boolean> {
    const done = new AbortController();
    const late = this.cluster.options.clock.sleep(waitMs + LATE_MS, AbortSignal.any([done.signal, ended]));
    const awaited = waitMs > 0 ? asked : asked.filter(({ isNew }) => isNew);
    try {
      return await new Promise<boolean>((resolve, reject) => {
        if (waitMs > 0) {
          for (const { poll } of awaited) {
            poll.news.then(
              () => poll.hasMore === true && resolve(true),
              () => undefined,
            );
          }
        }
        Promise.all(awaited.map(({ poll }) => poll.news)).then(() => resolve(waitMs === 0), reject);
        void late.then(() => resolve(false));
      });
    } finally {
      // With a reason, since an error with its stack would be made for one without.
      done.abort(null);
    }
  }

  /** What has been answered, as offsets; the records are kept. Of the others nothing new is known. */
  private async takeNews(
    led: readonly Led[],
    topicId: string,
    known: readonly PartitionOffsets[],
  ): Promise<readonly PartitionOffsets[] | undefined> {
    const offsets = [...known];
    let isSound = true;
    for (const { channel } of led) {
      const poll = this.polls.get(channel);
      if (poll?.hasMore === undefined) continue;
      this.polls.delete(channel);
      const news = await poll.news;
      if (news === 'look') isSound = false;
      else {
        for (const part of news) {
          const { partition, logStartOffset, lastStableOffset } = part;
          offsets[partition] = { partition, earliest: logStartOffset, latest: lastStableOffset };
          this.cluster.arrivals.keep(topicId, positionIn(known, partition), part);
        }
      }
    }
    return isSound ? offsets : undefined;
  }
}

function isBeyond(
  { partition, lastStableOffset }: ReceivedPartition,
  known: readonly PartitionOffsets[],
): boolean {
  return lastStableOffset > positionIn(known, partition).offset;
}

/** Where what is known of a partition ends; `known` is indexed by partition. */
function positionIn(known: readonly PartitionOffsets[], partition: number): FetchPosition {
  return { partition, offset: known[partition]?.latest ?? 0 };
}
