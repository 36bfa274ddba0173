/**
 * Transactions that have ended for their coordinator and not for a partition. Brokers with
 * https://issues.apache.org/jira/browse/KAFKA-20734 (4.3.0 is one) leave a marker out for good where a partition has no
 * leader at the moment, as after a broker was killed, and call the transaction complete all the same. Readers then stop
 * before its records, until the same producer ends another transaction there: and that one's end counts for both.
 */
import { TallystreamError } from '../../../errors.ts';
import { describeProducersV0 } from '../wire/client.ts';
import type { KafkaCluster, TopicMetadata } from '../cluster/cluster.ts';
import type { Identity } from './send.ts';
import { brokerCodesOf, BrokerFault, CODE, unavailable } from '../wire/errors.ts';
import type { Ending, TopicPartitions, TransactionCoordinator } from './coordinator.ts';

/**
 * So long who leads is taken to be as it was. A coordinator that takes longer may have met a broker that is away, and the
 * one that led before might still take itself for the leader.
 */
const LEADERS_KEPT_MS = 100;

/** A transaction that the coordinator has ended, and its partitions perhaps not all. */
export interface Ended {
  readonly identity: Identity;
  /** Undefined where it is not known. */
  readonly ending: Ending | undefined;
  readonly partitions: TopicPartitions;
}

/** The last transaction of a writer, until every partition is known to have its marker. */
export class LastTransaction {
  private readonly cluster: KafkaCluster;
  private readonly coordinator: TransactionCoordinator;
  /** Makes a request, and notes where it got no answer. */
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

  /** Looks after the markers from here on. `onFailure` is called where that came to nothing, before `watched` resolves. */
  watch(onFailure: () => void): void {
    this.watching = this.awaitMarkers(onFailure);
    // It is awaited before the next transaction begins; until then a failure is no unhandled one.
    this.watching.catch(() => undefined);
  }

  /** Resolves when nothing more is done about the markers, whether all are there or not. */
  watched(): Promise<void> {
    return this.watching;
  }

  /**
   * The coordinator answers when the end is decided, and readers see it when every partition has its marker. Then, and not
   * before, the coordinator takes a repeat. What goes wrong here takes nothing back, and is gone on with before the next
   * transaction begins.
   */
  private async awaitMarkers(onFailure: () => void): Promise<void> {
    const { cluster, coordinator, ended } = this;
    const ending = ended?.ending;
    if (ended === undefined || ending === undefined) return;
    const { clock } = cluster.options;
    const lookedMs = clock.monotonicMs();
    // Who leads is asked meanwhile; where that fails, or was too long ago, it is asked again.
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
   * Sees to it that every partition has the marker: a transaction without records, which ends in the same way, brings what
   * is missing. One attempt; it fails until nothing is missing. The topics are looked up where they are not given.
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

/** The topics that are still there: what went with its topic is not open. One attempt. */
async function lookUpAll(cluster: KafkaCluster, among: TopicPartitions): Promise<TopicMetadata[]> {
  const found = await Promise.all([...among.keys()].map((name) => cluster.lookUp(name)));
  return found.filter((topic) => topic !== undefined);
}

/** The partitions on which the producer has a transaction open, by what their leaders say. One attempt. */
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
    // Who may write a topic and not read it is not told, and has the coordinator's word alone.
    if (brokerCodesOf(error).includes(CODE.TOPIC_AUTHORIZATION_FAILED)) return [];
    throw error;
  }
}
