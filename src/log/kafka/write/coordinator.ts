/**
 * The broker that keeps a writer's transactions, as requests of one attempt each. The caller retries
 * (https://cwiki.apache.org/confluence/display/KAFKA/KIP-98). The versions are those before KIP-890, which every broker
 * from 3.1 on speaks.
 */
import {
  addPartitionsToTxnV3,
  describeTransactionsV0,
  endTxnV3,
  findCoordinatorV4,
  initProducerIdV4,
} from '../wire/client.ts';
import type { Connection } from '../wire/client.ts';
import { TallystreamError } from '../../../errors.ts';
import type { KafkaCluster, Purpose } from '../cluster/cluster.ts';
import type { Broker } from '../cluster/options.ts';
import type { Identity } from './send.ts';
import { brokerCodesOf, BrokerFault, CODE } from '../wire/errors.ts';
import { writerFenced } from '../../shared/writer-turns.ts';

const TRANSACTION_KEY_TYPE = 1;

/** A broker that allows less than this cannot be used for transactions. */
const TIMEOUT_MS_MIN = 1_000;

export type Ending = 'commit' | 'abort';

/** Partitions by topic. */
export type TopicPartitions = ReadonlyMap<string, readonly number[]>;

/** How a transaction in each coordinator state ends when the next writer calls InitProducerId. */
const ENDINGS: ReadonlyMap<string, Ending> = new Map([
  ['PrepareCommit', 'commit'],
  ['CompleteCommit', 'commit'],
  ['Ongoing', 'abort'],
  ['PrepareEpochFence', 'abort'],
  ['PrepareAbort', 'abort'],
  ['CompleteAbort', 'abort'],
]);

/** A later writer has the name, or the broker aborted the transaction of this one. */
export const FENCED: ReadonlySet<number> = new Set([
  CODE.INVALID_PRODUCER_EPOCH,
  CODE.INVALID_PRODUCER_ID_MAPPING,
  CODE.PRODUCER_FENCED,
]);

export class TransactionCoordinator {
  readonly name: string;
  readonly purpose: Purpose;
  private readonly cluster: KafkaCluster;
  /** How long a transaction may be open; less than configured if the broker does not allow more. */
  private timeoutMs: number;
  private broker: Broker | undefined;

  constructor(cluster: KafkaCluster, name: string, purpose: Purpose) {
    this.cluster = cluster;
    this.name = name;
    this.purpose = purpose;
    this.timeoutMs = cluster.options.transactionTimeoutMs;
  }

  /** How the last transaction of the name ends, or has ended; undefined if there was none since its writer came. */
  async lastEnding(): Promise<Ending | undefined> {
    try {
      const { transactionStates } = await this.ask((connection) =>
        describeTransactionsV0.api.async(connection, [this.name]),
      );
      return ENDINGS.get(transactionStates[0]?.transactionState ?? '');
    } catch (error) {
      if (brokerCodesOf(error).includes(CODE.TRANSACTIONAL_ID_NOT_FOUND)) return undefined;
      throw error;
    }
  }

  /**
   * Becomes the writer of the name: the one before is fenced, and its transaction is settled before this answers. With a
   * former identity, fails if another writer has been opened since.
   * @throws WRITER_FENCED (with a former identity), CONFIG_INVALID
   */
  async initProducerId(former?: Identity): Promise<Identity> {
    for (;;) {
      try {
        return await this.requestProducerId(this.timeoutMs, former);
      } catch (error) {
        if (!brokerCodesOf(error).includes(CODE.INVALID_TRANSACTION_TIMEOUT)) throw error;
        // The user may lack the permission to read the broker's limit, so it is found by trying.
        if (this.timeoutMs / 2 < TIMEOUT_MS_MIN) throw this.timeoutRefused();
        this.timeoutMs = Math.floor(this.timeoutMs / 2);
      }
    }
  }

  private requestProducerId(timeoutMs: number, former: Identity | undefined): Promise<Identity> {
    return this.ask(async (connection) => {
      const answer = await initProducerIdV4.api.async(
        connection,
        this.name,
        timeoutMs,
        former?.producerId,
        former?.producerEpoch,
      );
      return { producerId: answer.producerId, producerEpoch: answer.producerEpoch, sequences: new Map() };
    });
  }

  /** Adds all of the partitions to the transaction, or none, and opens it if needed. @throws WRITER_FENCED */
  async add(identity: Identity, added: TopicPartitions): Promise<void> {
    const { producerId, producerEpoch } = identity;
    const topics = [...added].map(([name, partitions]) => ({ name, partitions: [...partitions] }));
    const request = { transactionalId: this.name, producerId, producerEpoch, verifyOnly: false, topics };
    await this.ask((connection) => addPartitionsToTxnV3.api.async(connection, [request]));
  }

  /** Ends the transaction. `onSend` is called when the request is about to be sent. @throws WRITER_FENCED */
  async end(
    { producerId, producerEpoch }: Identity,
    ending: Ending,
    onSend: () => void = () => undefined,
  ): Promise<void> {
    await this.ask((connection) => {
      onSend();
      return endTxnV3.api.async(connection, this.name, producerId, producerEpoch, ending === 'commit');
    });
  }

  fenced(code: number): TallystreamError {
    const { transactionTimeoutMs: askedMs } = this.cluster.options;
    const allowed =
      this.timeoutMs === askedMs
        ? ''
        : ` The broker allows no longer transactions: raise its setting transaction.max.timeout.ms to ${askedMs} or more.`;
    return writerFenced(
      this.name,
      `Another writer with this name was opened, or a transaction was open for more than ${this.timeoutMs / 1000} s and the broker aborted it.${allowed}`,
      new BrokerFault(code),
    );
  }

  private async ask<T>(request: (connection: Connection) => Promise<T>): Promise<T> {
    try {
      this.broker ??= await this.find();
      const connection = await this.cluster.connect(this.broker, this.purpose);
      return await request(connection);
    } catch (error) {
      const codes = brokerCodesOf(error).filter((code) => code !== CODE.OPERATION_NOT_ATTEMPTED);
      const [code] = codes;
      // CONCURRENT_TRANSACTIONS comes from the right coordinator; every other error may mean that it moved.
      if (code !== CODE.CONCURRENT_TRANSACTIONS) this.broker = undefined;
      const fencedBy = codes.find((each) => FENCED.has(each));
      if (fencedBy !== undefined) throw this.fenced(fencedBy);
      // The client reports one error per partition. Those of partitions that were not tried say nothing.
      throw code === undefined ? error : new BrokerFault(code);
    }
  }

  private async find(): Promise<Broker> {
    const answer = await findCoordinatorV4.api.async(await this.cluster.any(), TRANSACTION_KEY_TYPE, [
      this.name,
    ]);
    const [found] = answer.coordinators;
    if (found === undefined) throw new BrokerFault(CODE.COORDINATOR_NOT_AVAILABLE);
    return this.cluster.advertised(found);
  }

  private timeoutRefused(): TallystreamError {
    return new TallystreamError('CONFIG_INVALID', {
      what: `The broker does not allow a transaction that is open for ${this.timeoutMs} ms.`,
      why: 'Its setting transaction.max.timeout.ms is lower.',
      hint: `Raise transaction.max.timeout.ms in the brokers' settings to ${this.cluster.options.transactionTimeoutMs} or more (the default is 900000), or turn off output topics.`,
    });
  }
}
