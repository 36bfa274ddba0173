/**
 * Transactions that have ended for their coordinator, but not in every partition. If a partition has no leader, for example
 * after a broker was killed, brokers with https://issues.apache.org/jira/browse/KAFKA-20734 (such as 4.3.0) never write its
 * marker and still report the transaction as complete. Readers then stop before its records until the same producer ends
 * another transaction in that partition, whose marker counts for both.
 */
import { TallystreamError } from '../../../errors.ts';
import { describeProducersV0 } from '../wire/client.ts';
import type { KafkaCluster, TopicMetadata } from '../cluster/cluster.ts';
import type { Identity } from './send.ts';
import { brokerCodesOf, BrokerFault, CODE, unavailable } from '../wire/errors.ts';
import type { Ending, TopicPartitions, TransactionCoordinator } from './coordinator.ts';

/**
 * How long looked-up leaders are trusted. If the coordinator takes longer, a broker may be down, and the previous leader
 * might still consider itself the leader.
 */
const LEADERS_KEPT_MS = 100;

/** A transaction that the coordinator has ended; some partitions may lack their marker. */
export interface Ended {
  readonly identity: Identity;
  /** Undefined if it is not known. */
  readonly ending: Ending | undefined;
  readonly partitions: TopicPartitions;
}

/** The last transaction of a writer, until every partition is known to have its marker. */
export class LastTransaction {
  private readonly cluster: KafkaCluster;
  private readonly coordinator: TransactionCoordinator;
  /** Makes a request, and requires an epoch bump if it got no response. */
  private readonly attempt: (act: () => Promise<void>) => Promise<void>;
  private ended: Ended | undefined;
  private watching: Promise<void> = Promise.resolve();

  constructor(
    cluster: KafkaCluster,
    coordinator: TransactionCoordinator,
    attempt: (act: () => Promise<void>) => Promise<void>,
  ) {
    this.cluster = cluster;
    this.coordinator = coordinator;
    this.attempt = attempt;
  }

  note(ended: Ended | undefined): void {
    this.ended = ended;
  }

  /** Starts to check the markers. If that fails, `onFailure` is called before `watched` resolves. */
  watch(onFailure: () => void): void {
    this.watching = this.awaitMarkers(onFailure);
    // It is awaited before the next transaction begins. Until then, a failure must not count as unhandled.
    this.watching.catch(() => undefined);
  }

  /** Resolves when the check of the markers has ended, whether or not all are there. */
  watched(): Promise<void> {
    return this.watching;
  }

  /**
   * The coordinator responds when the end is decided. Readers see it when every partition has its marker. Only then does
   * the coordinator accept a repeat. A failure here rolls nothing back. The check continues before the next
   * transaction begins.
   */
  private async awaitMarkers(onFailure: () => void): Promise<void> {
    const { cluster, coordinator, ended } = this;
    const ending = ended?.ending;
    if (ended === undefined || ending === undefined) return;
    const { clock } = cluster.options;
    const lookedMs = clock.monotonicMs();
    // The leaders are looked up meanwhile, and again if that fails or was too long ago.
    const looking = lookUpAll(cluster, ended.partitions).catch(() => undefined);
    try {
      await cluster.persist(() => this.attempt(() => coordinator.end(ended.identity, ending)));
      const looked = await looking;
      let topics = clock.monotonicMs() - lookedMs < LEADERS_KEPT_MS ? looked : undefined;
      await cluster.persist(() => {
        const found = topics;
        topics = undefined;
        return this.settle(found);
      });
    } catch (error) {
      if (!(error instanceof TallystreamError)) throw error;
      onFailure();
    }
  }

  /**
   * Writes missing markers by a transaction without records that ends in the same way. One attempt; it fails until no
   * marker is missing. Looks up the topics if they are not given.
   */
  async settle(topics?: readonly TopicMetadata[]): Promise<void> {
    const { cluster, coordinator, ended } = this;
    if (ended === undefined) return;
    const { identity, ending, partitions } = ended;
    const found = topics ?? (await lookUpAll(cluster, partitions));
    const left = await partitionsLeftOpen(cluster, identity.producerId, partitions, found);
    if (left.size > 0) {
      if (ending === undefined) throw this.leftOpen(left);
      await this.attempt(async () => {
        await coordinator.add(identity, left);
        await coordinator.end(identity, ending);
      });
      throw new BrokerFault(CODE.CONCURRENT_TRANSACTIONS);
    }
    this.ended = undefined;
  }

  private leftOpen(left: TopicPartitions): TallystreamError {
    const places = [...left].map(([topic, partitions]) => `${topic} (partition ${partitions.join(', ')})`);
    return unavailable(
      `a transaction of the writer ${this.coordinator.name} is still open in ${places.join(', ')}, and the coordinator does not know how it ended`,
    );
  }
}

/** The topics that still exist: a deleted topic has no open transaction. One attempt. */
async function lookUpAll(cluster: KafkaCluster, among: TopicPartitions): Promise<TopicMetadata[]> {
  const found = await Promise.all([...among.keys()].map((name) => cluster.lookUp(name)));
  return found.filter((topic) => topic !== undefined);
}

/** The partitions in which the producer has an open transaction according to their leaders. One attempt. */
async function partitionsLeftOpen(
  cluster: KafkaCluster,
  producerId: bigint,
  among: TopicPartitions,
  topics: readonly TopicMetadata[],
): Promise<TopicPartitions> {
  const open = new Map<string, readonly number[]>();
  const asked = topics.map(async (topic) => {
    const { name } = topic;
    const led = await cluster.leadersOf(topic, among.get(name) ?? [], 'ask');
    const found = await Promise.all(
      led.map((each) => leftOpenOn(each.connection, producerId, name, each.partitions)),
    );
    if (found.flat().length > 0) open.set(name, found.flat());
  });
  await Promise.all(asked);
  return open;
}

type Connection = Parameters<typeof describeProducersV0.api.async>[0];

async function leftOpenOn(
  connection: Connection,
  producerId: bigint,
  name: string,
  partitions: readonly number[],
): Promise<number[]> {
  try {
    const asked = [{ name, partitionIndexes: [...partitions] }];
    const { topics } = await describeProducersV0.api.async(connection, asked);
    return topics
      .flatMap((topic) => topic.partitions)
      .filter(({ activeProducers }) =>
        activeProducers.some((each) => each.producerId === producerId && each.currentTxnStartOffset >= 0n),
      )
      .map(({ partitionIndex }) => partitionIndex);
  } catch (error) {
    // A user who may write the topic but not read it gets no answer. Then only the coordinator's answer counts.
    if (brokerCodesOf(error).includes(CODE.TOPIC_AUTHORIZATION_FAILED)) return [];
    throw error;
  }
}
