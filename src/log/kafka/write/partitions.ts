/**
 * The partitions of the open transaction. If appends to several topics add partitions at the same time, one request adds
 * them all, because each request flushes the coordinator's log.
 */
import { topicRecreated } from './send.ts';
import type { TopicMetadata } from '../cluster/cluster.ts';
import type { TopicPartitions } from './coordinator.ts';

interface Wanted {
  readonly topic: TopicMetadata;
  readonly partitions: readonly number[];
}

/** The partitions of one topic in the transaction. */
interface AddedTopic {
  readonly topicId: string;
  readonly partitions: Set<number>;
}

export class TransactionPartitions {
  /** One attempt to add all of these to the transaction. */
  private readonly add: (missing: TopicPartitions) => Promise<void>;
  private readonly added = new Map<string, AddedTopic>();
  private waiting: Wanted[] = [];
  /** The request for the waiting partitions, before it is sent. */
  private next: Promise<void> | undefined;
  /** The last request that was sent. They are sent one after the other. */
  private inFlight: Promise<unknown> = Promise.resolve();

  constructor(add: (missing: TopicPartitions) => Promise<void>) {
    this.add = add;
  }

  /** @throws TOPIC_RECREATED; any error of `add` */
  async join(topic: TopicMetadata, partitions: readonly number[]): Promise<void> {
    const added = this.added.get(topic.name);
    if (added !== undefined && added.topicId !== topic.id) throw topicRecreated(topic.name);
    const missing = partitions.filter((partition) => added?.partitions.has(partition) !== true);
    if (missing.length === 0) return;
    this.waiting.push({ topic, partitions: missing });
    this.next ??= this.inFlight.then(() => this.addWaiting());
    await this.next;
  }

  get isEmpty(): boolean {
    return this.added.size === 0;
  }

  /** Returns all of them and removes them. Must not be called during `join`. */
  take(): TopicPartitions {
    const all = [...this.added].map(([name, { partitions }]) => [name, [...partitions]] as const);
    this.added.clear();
    return new Map(all);
  }

  private async addWaiting(): Promise<void> {
    // Appends that were called together reach this point one after the other, within one turn.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    const wanted = this.waiting.splice(0);
    const adding = this.add(new Map(wanted.map(({ topic, partitions }) => [topic.name, partitions])));
    this.inFlight = adding.catch(() => undefined);
    this.next = undefined;
    await adding;
    for (const { topic, partitions } of wanted) {
      const added = this.added.get(topic.name) ?? { topicId: topic.id, partitions: new Set() };
      for (const partition of partitions) added.partitions.add(partition);
      this.added.set(topic.name, added);
    }
  }
}
