/**
 * Transactions on Kafka. Partitions are added to a transaction before their first batch. One request to the coordinator
 * ends it, and is repeated until the coordinator responds.
 *
 * A request without a response may still arrive after the end of its transaction. The broker would add it to the next
 * transaction, so that one begins with a new epoch, as in Kafka's own producer
 * (https://cwiki.apache.org/confluence/display/KAFKA/KIP-360).
 */
import type { RecordInPlace, RecordInput, TransactionalWriter } from '../../../contracts/log.ts';
import { TallystreamError } from '../../../errors.ts';
import { KeylessTurn } from '../../shared/append-plan.ts';
import type { KafkaCluster, TopicMetadata } from '../cluster/cluster.ts';
import { deliver, planDelivery, type Identity, type Sender } from './send.ts';
import { brokerCodesOf, BrokerFault, CODE, LOST_IDENTITY, unavailable } from '../wire/errors.ts';
import { FENCED, TransactionCoordinator, type Ending, type TopicPartitions } from './coordinator.ts';
import { LastTransaction } from './markers.ts';
import { TransactionPartitions } from './partitions.ts';
import { checkWriterName, WriterTurns } from '../../shared/writer-turns.ts';

/**
 * Opens the writer; `number` tells its connections from those of the log's other writers. Transactions that
 * earlier writers of the name left open in `topics` are ended.
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
    // Before InitProducerId: after that the coordinator knows of no earlier transaction.
    const ending = topics.length === 0 ? undefined : await cluster.persist(() => coordinator.lastEnding());
    const identity = await cluster.persist(() => coordinator.initProducerId());
    const writer = new KafkaTransactionalWriter(cluster, coordinator, identity);
    await writer.inherit(ending, topics);
    return writer;
  } catch (error) {
    await cluster.release(coordinator.purpose);
    throw error;
  }
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
  private readonly members = new TransactionPartitions((missing) => this.add(missing));
  private readonly last: LastTransaction;
  /** A request without a response may still arrive, so the next transaction needs a new epoch. */
  private needsEpochBump = false;
  /** A commit was sent, and its outcome is not known. */
  private isCommitUnknown = false;

  constructor(cluster: KafkaCluster, coordinator: TransactionCoordinator, identity: Identity) {
    this.cluster = cluster;
    this.coordinator = coordinator;
    this.identity = identity;
    this.turns = new WriterTurns(coordinator.name);
    this.last = new LastTransaction(cluster, coordinator, (act) => this.attempt(act));
    this.sender = {
      purpose: coordinator.purpose,
      transactionalId: coordinator.name,
      acks: 'all',
      identify: (topic, partitions) => this.addPartitions(topic, partitions),
      faultOf: (code, message) => this.faultOf(code, message),
      onNoResponse: () => {
        this.needsEpochBump = true;
      },
    };
  }

  append(topic: string, records: readonly RecordInput[], inPlaceOf?: RecordInPlace): Promise<void> {
    const { cluster } = this;
    return this.turns.append(topic, async () => {
      try {
        const plan = () => planDelivery(cluster, topic, records, this.keyless, inPlaceOf);
        const delivery = await cluster.persist(plan, { topic });
        await cluster.persist(() => deliver(cluster, delivery, this.sender), { topic });
      } catch (error) {
        if (!isTallystream(error, 'RECORD_TOO_LARGE')) this.needsEpochBump = true;
        throw error;
      }
    });
  }

  commit(until: 'decided' | 'shown' = 'shown'): Promise<void> {
    return this.turns.end('commit', async () => {
      if (this.isOpen) {
        await this.cluster.persist(() => this.tryCommit());
        this.finish('commit');
      }
      if (until === 'shown') await this.last.watched();
    });
  }

  abort(): Promise<void> {
    return this.turns.end('abort', async () => {
      if (this.isCommitUnknown) throw this.commitUnknown();
      if (!this.isOpen) return;
      const wasThere = await this.cluster.persist(() => this.sendAbort());
      this.finish(wasThere ? 'abort' : undefined);
      await this.last.watched();
    });
  }

  async close(): Promise<void> {
    if (!this.turns.close()) return;
    try {
      await this.last.watched();
    } finally {
      await this.cluster.release(this.coordinator.purpose);
    }
  }

  /** Ends the transactions that an earlier writer of the name left open in these topics. */
  async inherit(ending: Ending | undefined, topics: readonly string[]): Promise<void> {
    const { cluster } = this;
    const partitions = new Map<string, readonly number[]>();
    for (const name of topics) {
      const topic = await cluster.persist(() => cluster.lookUp(name));
      if (topic !== undefined) partitions.set(name, [...Array(topic.partitions).keys()]);
    }
    this.last.note({ identity: this.identity, ending, partitions });
    await cluster.persist(() => this.last.settle());
  }

  /** One attempt to commit. An error response means that it did not happen, unless an earlier attempt got no response. */
  private async tryCommit(): Promise<void> {
    const wasCommitUnknown = this.isCommitUnknown;
    try {
      await this.sendCommit();
    } catch (error) {
      const isRefused = brokerCodesOf(error).includes(CODE.INVALID_TXN_STATE);
      if (!isRefused && !isTallystream(error, 'WRITER_FENCED')) throw error;
      if (wasCommitUnknown) throw this.commitUnknown(error);
      this.isCommitUnknown = false;
      throw isRefused ? this.coordinator.fenced(CODE.INVALID_TXN_STATE) : error;
    }
  }

  /** False if the transaction was never opened because no request arrived. */
  private async sendAbort(): Promise<boolean> {
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
        this.isCommitUnknown = true;
      }),
    );
  }

  /** The transaction has ended. Its markers are checked in the background. */
  private finish(ending: Ending | undefined): void {
    const partitions = this.members.take();
    this.last.note(ending && { identity: this.identity, ending, partitions });
    this.isOpen = false;
    this.isCommitUnknown = false;
    this.last.watch(() => {
      this.needsEpochBump = true;
    });
  }

  private async addPartitions(topic: TopicMetadata, partitions: readonly number[]): Promise<Identity> {
    await this.members.join(topic, partitions);
    return this.identity;
  }

  /** Makes partitions part of the transaction; the first ones open it. One attempt. */
  private async add(missing: TopicPartitions): Promise<void> {
    if (!this.isOpen) await this.begin();
    this.isOpen = true;
    try {
      await this.attempt(() => this.coordinator.add(this.identity, missing));
    } catch (error) {
      throw this.members.isEmpty && this.isForgotten(error)
        ? new BrokerFault(CODE.INVALID_PRODUCER_ID_MAPPING)
        : error;
    }
  }

  /** Nothing of a transaction is sent before the previous one is known to have ended in every partition. */
  private async begin(): Promise<void> {
    await this.last.watched();
    await this.last.settle();
    if (!this.needsEpochBump) return;
    this.identity = await this.attempt(() => this.coordinator.initProducerId(this.identity));
    this.needsEpochBump = false;
  }

  /**
   * Whether the coordinator does not know the identity at the start of a transaction. It forgets a name that has not been
   * used for a week. It then assigns a new producer id, unless there is another writer.
   */
  private isForgotten(error: unknown): boolean {
    if (!brokerCodesOf(error).includes(CODE.INVALID_PRODUCER_ID_MAPPING)) return false;
    this.isOpen = false;
    this.needsEpochBump = true;
    return true;
  }

  private faultOf(code: number, message: string | null): Error {
    if (FENCED.has(code) || code === CODE.INVALID_TXN_STATE) return this.coordinator.fenced(code);
    const fault = new BrokerFault(code, message);
    // Outside of a transaction a new producer id fixes it. Within one, that id would not belong to the transaction.
    if (LOST_IDENTITY.has(code)) return unavailable('the broker lost track of the transaction', fault);
    return fault;
  }

  private commitUnknown(cause?: unknown): TallystreamError {
    return unavailable(
      `the outcome of the last commit of the writer ${this.coordinator.name} is unknown until a writer with this name is opened again`,
      cause,
    );
  }

  /** Requires an epoch bump if the request got no response. */
  private async attempt<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof TallystreamError) && brokerCodesOf(error).length === 0)
        this.needsEpochBump = true;
      throw error;
    }
  }
}

function isTallystream(error: unknown, code: TallystreamError['code']): boolean {
  return error instanceof TallystreamError && error.code === code;
}
