/**
 * The idempotent producer: one append is under way at a time, under an identity that lasts until a batch is in doubt.
 * A call that ended without its answers can be gone on with.
 */
import { initProducerIdV4 } from '@platformatic/kafka';
import type { AppendedRange } from '../contracts/log.ts';
import { TallystreamError } from '../errors.ts';
import { KeylessTurn } from './append-plan.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import {
  deliver,
  hasUnanswered,
  planDelivery,
  type AppendInput,
  type Delivery,
  type Identity,
  type Sender,
} from './kafka-delivery.ts';
import { BrokerFault, LOST_IDENTITY } from './kafka-errors.ts';

const TRANSACTION_TIMEOUT_NONE_MS = 0;

/** Without idempotence a batch says that it has no producer. */
const ANONYMOUS: Identity = { producerId: -1n, producerEpoch: -1, sequences: undefined };

export class KafkaAppender {
  private readonly cluster: KafkaCluster;
  private readonly sender: Sender;
  private readonly keyless = new KeylessTurn();
  private lane: Promise<unknown> = Promise.resolve();
  private identity: Identity | undefined;
  /** A call that ended without all its answers. The very same array again goes on with it. */
  private unfinished: Delivery | undefined;

  constructor(cluster: KafkaCluster) {
    this.cluster = cluster;
    const { acks } = cluster.options;
    this.sender = {
      purpose: 'write',
      transactionalId: null,
      acks,
      identify: async () => (acks === 'leader' ? ANONYMOUS : (this.identity ??= await this.introduce())),
      faultOf: (code, message) => {
        if (LOST_IDENTITY.has(code)) this.identity = undefined;
        return new BrokerFault(code, message);
      },
    };
  }

  append(topic: string, records: AppendInput): Promise<readonly AppendedRange[]> {
    const appended = this.lane.then(() => this.run(topic, records));
    this.lane = appended.catch(() => undefined);
    return appended;
  }

  private async run(topic: string, records: AppendInput): Promise<readonly AppendedRange[]> {
    const { cluster } = this;
    const bound = { topic, timeoutMs: cluster.options.appendTimeoutMs };
    const delivery =
      this.takeUnfinished(topic, records) ??
      (await cluster.persist(() => planDelivery(cluster, topic, records, this.keyless), bound));
    try {
      await cluster.persist(() => deliver(cluster, delivery, this.sender), bound);
    } catch (error) {
      if (error instanceof TallystreamError && error.retry) this.unfinished = delivery;
      else this.loseIdentity(delivery);
      throw error;
    }
    return joinRuns(delivery.ranges);
  }

  private takeUnfinished(topic: string, records: AppendInput): Delivery | undefined {
    const delivery = this.unfinished;
    this.unfinished = undefined;
    if (delivery === undefined) return undefined;
    if (delivery.topic === topic && delivery.input === records) return delivery;
    this.loseIdentity(delivery);
    return undefined;
  }

  /** Batches that may or may not have arrived would make the next sequence wrong; a new identity starts from none. */
  private loseIdentity(delivery: Delivery): void {
    if (hasUnanswered(delivery)) this.identity = undefined;
  }

  private async introduce(): Promise<Identity> {
    const connection = await this.cluster.any();
    const answer = await initProducerIdV4.api.async(connection, null, TRANSACTION_TIMEOUT_NONE_MS);
    return { producerId: answer.producerId, producerEpoch: answer.producerEpoch, sequences: new Map() };
  }
}

/** Ranges of one partition that lie end to end become one; in order of partition and offset. */
function joinRuns(ranges: readonly AppendedRange[]): AppendedRange[] {
  const joined: AppendedRange[] = [];
  const inOrder = ranges.toSorted((a, b) => a.partition - b.partition || a.baseOffset - b.baseOffset);
  for (const range of inOrder) {
    const last = joined.at(-1);
    const follows = last?.partition === range.partition && last.baseOffset + last.count === range.baseOffset;
    if (follows) joined.splice(-1, 1, { ...last, count: last.count + range.count });
    else joined.push(range);
  }
  return joined;
}
