/**
 * Which partitions are part of the open transaction. What appends to several topics need at the same moment is asked for in
 * one request, since each is a flush of the coordinator's own log.
 */
import { topicRecreated } from './send.ts';
import type { TopicMetadata } from '../cluster/cluster.ts';
import type { TopicPartitions } from './coordinator.ts';

interface Wanted {
  readonly topic: TopicMetadata;
  readonly partitions: readonly number[];
}

/** What of one topic is part of the transaction. */
interface AddedTopic {
  readonly topicId: string;
  readonly partitions: Set<number>;
}

export class TransactionPartitions {
  /** One attempt to make all of these part of the transaction. */
  private readonly add: (missing: TopicPartitions) => Promise<void>;
  private readonly added = new Map<string, AddedTopic>();
  private waiting: Wanted[] = [];
  /** The request for what waits, before it is sent. */
  private next: Promise<void> | undefined;
  /** The last one that was sent: they go one after the other. */
  private underWay: Promise<unknown> = Promise.resolve();

  constructor(add: (missing: TopicPartitions) => Promise<void>) {
    this.add = add;
  }

  /** @throws TOPIC_RECREATED; whatever `add` does */
  async join(topic: TopicMetadata, partitions: readonly number[]): Promise<void> {
    const added = this.added.get(topic.name);
    if (added !== undefined && added.topicId !== topic.id) throw topicRecreated(topic.name);
    const missing = partitions.filter((partition) => added?.partitions.has(partition) !== true);
    if (missing.length === 0) return;
    this.waiting.push({ topic, partitions: missing });
    this.next ??= this.underWay.then(() => this.addWaiting());
    await this.next;
  }

  get isEmpty(): boolean {
    return this.added.size === 0;
  }

  /** All of them, after which there are none. Not while any join. */
  take(): TopicPartitions {
    const all = [...this.added].map(([name, { partitions }]) => [name, [...partitions]] as const);
    this.added.clear();
    return new Map(all);
  }

  private async addWaiting(): Promise<void> {
    // Appends that were called together come to this point one after the other, within one turn.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    const wanted = this.waiting.splice(0);
    const adding = this.add(new Map(wanted.map(({ topic, partitions }) => [topic.name, partitions])));
    this.underWay = adding.catch(() => undefined);
    this.next = undefined;
    await adding;
    for (const { topic, partitions } of wanted) {
      const added = this.added.get(topic.name) ?? { topicId: topic.id, partitions: new Set() };
      for (const partition of partitions) added.partitions.add(partition);
      this.added.set(topic.name, added);
    }
  }
}
