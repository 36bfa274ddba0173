/**
 * Transactions on Kafka: partitions are made part of one before their first batch, and its end is one request to the
 * coordinator, which is asked again until it answers.
 *
 * A request that got no answer may still arrive, after the transaction that it belongs to. The broker would take it for
 * one of the next transaction, so that one then begins with a new epoch, as in Kafka's own producer
 * (https://cwiki.apache.org/confluence/display/KAFKA/KIP-360).
 */
import type { RecordInput, TransactionalWriter } from '../contracts/log.ts';
import { TallystreamError } from '../errors.ts';
import { KeylessTurn } from './append-plan.ts';
import type { KafkaCluster, TopicMetadata } from './kafka-cluster.ts';
import { deliver, planDelivery, topicRecreated, type Identity, type Sender } from './kafka-delivery.ts';
import { brokerCodesOf, BrokerFault, CODE, LOST_IDENTITY, unavailable } from './kafka-errors.ts';
import { FENCED, TransactionCoordinator, type Ending } from './kafka-transaction-coordinator.ts';
import { partitionsLeftOpen, type TopicPartitions } from './kafka-transaction-markers.ts';
import { checkWriterName, WriterTurns } from './writer-turns.ts';

/**
 * Opens the writer; `number` tells its connections from those of the log's other writers. What earlier writers of the name
 * left open is settled in `topics`.
 * @throws LOG_UNAVAILABLE, CONFIG_INVALID (the name, the transaction timeout, the broker's permission)
 */
export async function openTransactions(
  cluster: KafkaCluster,
  name: string,
  number: number,
  topics: readonly string[],
): Promise<TransactionalWriter> {
  checkWriterName(name);
  const coordinator = new TransactionCoordinator(cluster, name, `transactions ${number}`);
  try {
    // Before it is introduced: after that the coordinator knows of no earlier transaction.
    const ending = topics.length === 0 ? undefined : await cluster.persist(() => coordinator.lastEnding());
    const identity = await cluster.persist(() => coordinator.introduce());
    const writer = new KafkaTransactionalWriter(cluster, coordinator, identity);
    await writer.inherit(ending, topics);
    return writer;
  } catch (error) {
    await cluster.release(coordinator.purpose);
    throw error;
  }
}

/** A transaction that the coordinator has ended, and its partitions perhaps not all. */
interface Ended {
  /** Undefined where it is not known. */
  readonly ending: Ending | undefined;
  readonly partitions: TopicPartitions;
}

/** What of one topic is part of the open transaction. */
interface AddedTopic {
  readonly topicId: string;
  readonly partitions: Set<number>;
}

class KafkaTransactionalWriter implements TransactionalWriter {
  private readonly cluster: KafkaCluster;
  private readonly coordinator: TransactionCoordinator;
  private readonly sender: Sender;
  private readonly turns: WriterTurns;
  private readonly keyless = new KeylessTurn();
  private identity: Identity;
  /** The coordinator may have a transaction open. */
  private isOpen = false;
  private readonly added = new Map<string, AddedTopic>();
  /** The last transaction, until every partition is known to have its marker. */
  private ended: Ended | undefined;
  /** Some request may still arrive. */
  private isSuspect = false;
  /** A commit was sent, and what became of it is not known. */
  private isInDoubt = false;

  constructor(cluster: KafkaCluster, coordinator: TransactionCoordinator, identity: Identity) {
    this.cluster = cluster;
    this.coordinator = coordinator;
    this.identity = identity;
    this.turns = new WriterTurns(coordinator.name);
    this.sender = {
      purpose: coordinator.purpose,
      transactionalId: coordinator.name,
      acks: 'all',
      identify: (topic, partitions) => this.enrol(topic, partitions),
      faultOf: (code, message) => this.faultOf(code, message),
      onSilence: () => {
        this.isSuspect = true;
      },
    };
  }

  append(topic: string, records: readonly RecordInput[]): Promise<void> {
    const { cluster } = this;
    return this.turns.take('append', async () => {
      try {
        const plan = () => planDelivery(cluster, topic, records, this.keyless);
        const delivery = await cluster.persist(plan, { topic });
        await cluster.persist(() => deliver(cluster, delivery, this.sender), { topic });
      } catch (error) {
        if (!isTallystream(error, 'RECORD_TOO_LARGE')) this.isSuspect = true;
        throw error;
      }
    });
  }

  commit(): Promise<void> {
    return this.turns.take('commit', async () => {
      if (!this.isOpen) return;
      await this.cluster.persist(() => this.decide());
      this.finish('commit');
      await this.awaitMarkers();
    });
  }

  abort(): Promise<void> {
    return this.turns.take('abort', async () => {
      if (this.isInDoubt) throw this.inDoubt();
      if (!this.isOpen) return;
      const wasThere = await this.cluster.persist(() => this.takeBack());
      this.finish(wasThere ? 'abort' : undefined);
      await this.awaitMarkers();
    });
  }

  async close(): Promise<void> {
    if (this.turns.close()) await this.cluster.release(this.coordinator.purpose);
  }

  /** Settles what an earlier writer of the name left in these topics. */
  async inherit(ending: Ending | undefined, topics: readonly string[]): Promise<void> {
    const { cluster } = this;
    const partitions = new Map<string, readonly number[]>();
    for (const name of topics) {
      const topic = await cluster.persist(() => cluster.lookUp(name));
      if (topic !== undefined) partitions.set(name, [...Array(topic.partitions).keys()]);
    }
    this.ended = { ending, partitions };
    await cluster.persist(() => this.settle());
  }

  /** One attempt to commit. An answer that does not go with it says that it has not happened, unless an earlier attempt had none. */
  private async decide(): Promise<void> {
    const wasInDoubt = this.isInDoubt;
    try {
      await this.sendCommit();
    } catch (error) {
      const isRefused = brokerCodesOf(error).includes(CODE.INVALID_TXN_STATE);
      if (!isRefused && !isTallystream(error, 'WRITER_FENCED')) throw error;
      if (wasInDoubt) throw this.inDoubt(error);
      this.isInDoubt = false;
      throw isRefused ? this.coordinator.fenced(CODE.INVALID_TXN_STATE) : error;
    }
  }

  /**
   * The coordinator answers when the end is decided, and readers see it when every partition has its marker. Then, and not
   * before, the coordinator takes a repeat. What goes wrong here takes nothing back, and is gone on with before the next
   * transaction begins.
   */
  private async awaitMarkers(): Promise<void> {
    const ending = this.ended?.ending;
    if (ending === undefined) return;
    try {
      await this.cluster.persist(() => this.attempt(() => this.coordinator.end(this.identity, ending)));
      await this.cluster.persist(() => this.settle());
    } catch (error) {
      if (!(error instanceof TallystreamError)) throw error;
      this.isSuspect = true;
    }
  }

  /**
   * Sees to it that every partition has the marker of the last transaction: one without records, which ends in the same
   * way, brings what is missing. One attempt; it fails until nothing is missing.
   */
  private async settle(): Promise<void> {
    const { ended, coordinator, identity } = this;
    if (ended === undefined) return;
    const left = await partitionsLeftOpen(this.cluster, identity.producerId, ended.partitions);
    if (left.size > 0) {
      const { ending } = ended;
      if (ending === undefined) throw this.leftOpen(left);
      await this.attempt(async () => {
        for (const [topic, partitions] of left) await coordinator.add(identity, topic, partitions);
        await coordinator.end(identity, ending);
      });
      throw new BrokerFault(CODE.CONCURRENT_TRANSACTIONS);
    }
    this.ended = undefined;
  }

  /** False where no request that would have opened the transaction arrived. */
  private async takeBack(): Promise<boolean> {
    try {
      await this.attempt(() => this.coordinator.end(this.identity, 'abort'));
      return true;
    } catch (error) {
      if (!brokerCodesOf(error).includes(CODE.INVALID_TXN_STATE)) throw error;
      return false;
    }
  }

  private sendCommit(): Promise<void> {
    return this.attempt(() =>
      this.coordinator.end(this.identity, 'commit', () => {
        this.isInDoubt = true;
      }),
    );
  }

  private finish(ending: Ending | undefined): void {
    const partitions = [...this.added].map(([name, of]) => [name, [...of.partitions]] as const);
    this.ended = ending && { ending, partitions: new Map(partitions) };
    this.isOpen = false;
    this.isInDoubt = false;
    this.added.clear();
  }

  /** Makes partitions part of the transaction; the first ones open it. */
  private async enrol(topic: TopicMetadata, partitions: readonly number[]): Promise<Identity> {
    if (!this.isOpen) await this.settle();
    if (!this.isOpen && this.isSuspect) {
      this.identity = await this.attempt(() => this.coordinator.introduce(this.identity));
      this.isSuspect = false;
    }
    const added = this.added.get(topic.name) ?? { topicId: topic.id, partitions: new Set() };
    if (added.topicId !== topic.id) throw topicRecreated(topic.name);
    const missing = partitions.filter((partition) => !added.partitions.has(partition));
    if (missing.length === 0) return this.identity;
    this.isOpen = true;
    try {
      await this.attempt(() => this.coordinator.add(this.identity, topic.name, missing));
    } catch (error) {
      throw this.added.size === 0 && this.isForgotten(error)
        ? new BrokerFault(CODE.INVALID_PRODUCER_ID_MAPPING)
        : error;
    }
    for (const partition of missing) added.partitions.add(partition);
    this.added.set(topic.name, added);
    return this.identity;
  }

  /**
   * Whether the coordinator does not know the identity at the start of a transaction. It forgets a name that has not been
   * used for a week; a new identity is then to be had, unless somebody else became the writer.
   */
  private isForgotten(error: unknown): boolean {
    if (!brokerCodesOf(error).includes(CODE.INVALID_PRODUCER_ID_MAPPING)) return false;
    this.isOpen = false;
    this.isSuspect = true;
    return true;
  }

  private faultOf(code: number, message: string | null): Error {
    if (FENCED.has(code) || code === CODE.INVALID_TXN_STATE) return this.coordinator.fenced(code);
    const fault = new BrokerFault(code, message);
    // Outside of a transaction a new identity mends it; within one it would not be the transaction's.
    if (LOST_IDENTITY.has(code)) return unavailable('the broker lost track of the transaction', fault);
    return fault;
  }

  private inDoubt(cause?: unknown): TallystreamError {
    return unavailable(
      `whether the last commit of the writer ${this.coordinator.name} took place is settled where its name is opened next`,
      cause,
    );
  }

  private leftOpen(left: TopicPartitions): TallystreamError {
    const places = [...left].map(([topic, partitions]) => `${topic} (partition ${partitions.join(', ')})`);
    return unavailable(
      `a transaction of the writer ${this.coordinator.name} is still open in ${places.join(', ')}, and the coordinator does not know how it ended`,
    );
  }

  /** Notes where a request got no answer. */
  private async attempt<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof TallystreamError) && brokerCodesOf(error).length === 0) this.isSuspect = true;
      throw error;
    }
  }
}

function isTallystream(error: unknown, code: TallystreamError['code']): boolean {
  return error instanceof TallystreamError && error.code === code;
}
