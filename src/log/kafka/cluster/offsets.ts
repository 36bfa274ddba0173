/** The first and last offsets of a topic's partitions according to their leaders, even if some have no leader now. */
import { describeProducersV0, listOffsetsV7, ResponseError, type Connection } from '../wire/client.ts';
import type { OpenTransaction, PartitionOffsets } from '../../../contracts/log.ts';
import type { KafkaCluster, TopicMetadata } from './cluster.ts';
import { brokerCodesOf, CODE, ExplainedFault, judge, nameOf, unavailable } from '../wire/errors.ts';

const READ_UNCOMMITTED = 0;
const READ_COMMITTED = 1;
const EARLIEST = -2n;
const LATEST = -1n;
/** Once a leader has answered, the others are given this long before their partitions count as unavailable. */
const ANSWER_WITHIN_MS = 2_000;
/** A leader that has just moved is known to the next broker that is asked. */
const SECOND_LOOK_AFTER_MS = 100;

/**
 * From the leaders; the latest is the last stable offset, below which no transaction is open.
 * @param wanted the partitions that are asked for; all if it is left out. One without a leader is waited for.
 */
export async function offsetsOf(
  cluster: KafkaCluster,
  name: string,
  wanted?: readonly number[],
): Promise<PartitionOffsets[]> {
  return cluster.persist(
    async () => {
      const topic = await cluster.topic(name);
      const asked = wanted ?? Array.from({ length: topic.partitions }, (_, partition) => partition);
      const led = await cluster.leadersOf(topic, asked, 'ask');
      const found = await Promise.all(
        led.map(({ connection, partitions }) => offsetsFrom(connection, topic, partitions)),
      );
      const parts = found.flat().toSorted((left, right) => left.partition - right.partition);
      for (const { fault } of parts) if (fault !== undefined) throw fault;
      return parts;
    },
    { topic: name },
  );
}

/** Those of one partition; undefined if the topic has no such partition. */
export async function offsetsOfPartition(
  cluster: KafkaCluster,
  name: string,
  partition: number,
): Promise<PartitionOffsets | undefined> {
  const [found] = await offsetsOf(cluster, name, [partition]);
  return found;
}

/** See `Log.availableOffsets`. */
export class AvailableOffsets {
  private readonly cluster: KafkaCluster;
  /** What each partition's leader said last, by topic id. */
  private readonly last = new Map<string, Map<number, PartitionOffsets>>();
  /** The partitions that were unavailable at the last look, by topic id. */
  private readonly missing = new Map<string, string>();

  constructor(cluster: KafkaCluster) {
    this.cluster = cluster;
  }

  /** @throws LOG_UNAVAILABLE if no partition can be asked, TOPIC_NOT_FOUND */
  async of(name: string): Promise<readonly PartitionOffsets[]> {
    const { cluster } = this;
    return cluster.persist(
      async () => {
        const found = await this.look(name);
        const faults = found.flatMap(({ fault }) => fault ?? []);
        const [first] = faults;
        if (first === undefined) return found;
        if (faults.length === found.length) throw first;
        return found.map(({ fault, ...offsets }) =>
          fault === undefined ? offsets : { ...offsets, unavailable: reasonOf(fault) },
        );
      },
      { topic: name },
    );
  }

  private async look(name: string): Promise<readonly FoundOffsets[]> {
    const { cluster } = this;
    const topic = await cluster.topic(name);
    const found = await this.ask(topic);
    const missing = missingIn(found);
    if (missing === '' || missing === this.missing.get(topic.id)) {
      if (missing !== '') cluster.forget(name);
      this.missing.set(topic.id, missing);
      return found;
    }
    // Who leads may have changed since it was looked up.
    cluster.turnAway(name);
    await cluster.options.clock.sleep(SECOND_LOOK_AFTER_MS, cluster.closed);
    const again = await cluster.topic(name);
    const second = await this.ask(again);
    this.missing.set(again.id, missingIn(second));
    if (missingIn(second) !== '') cluster.forget(name);
    return second;
  }

  private async ask(topic: TopicMetadata): Promise<readonly FoundOffsets[]> {
    const { cluster } = this;
    const { clock } = cluster.options;
    const all = Array.from({ length: topic.partitions }, (_, partition) => partition);
    const { led, faults } = cluster.ledNow(topic, all);
    const found = new Map<number, FoundOffsets>();
    const answered = new AbortController();
    const asked = led.map(async ({ broker, partitions }) => {
      try {
        const connection = await cluster.connect(broker, 'ask');
        for (const each of await offsetsFrom(connection, topic, partitions)) found.set(each.partition, each);
        answered.abort();
      } catch (error) {
        const fault = error instanceof Error ? error : new Error(String(error));
        for (const partition of partitions) faults.set(partition, fault);
      }
    });
    const ended = new AbortController();
    const late = new Promise<void>((resolve) => {
      const wait = () => void clock.sleep(ANSWER_WITHIN_MS, ended.signal).then(resolve);
      answered.signal.addEventListener('abort', wait, { once: true });
    });
    await Promise.race([Promise.all(asked), late]);
    ended.abort();
    return all.map((partition) =>
      this.settled(topic, partition, found.get(partition), faults.get(partition)),
    );
  }

  private settled(
    topic: TopicMetadata,
    partition: number,
    found: FoundOffsets | undefined,
    fault: Error | undefined,
  ): FoundOffsets {
    const last = this.last.get(topic.id) ?? new Map<number, PartitionOffsets>();
    this.last.set(topic.id, last);
    if (found !== undefined && found.fault === undefined) {
      last.set(partition, found);
      return found;
    }
    const why = found?.fault ?? fault ?? silent(topic.name, partition);
    // An error that does not pass ends the query, as it does if every partition is asked.
    const verdict = judge(why);
    if (verdict.kind === 'final') throw verdict.error;
    const { earliest, latest } = last.get(partition) ?? { earliest: 0, latest: 0 };
    return { partition, earliest, latest, fault: why };
  }
}

/** The transaction that records of a partition wait for; undefined if there is none, or the broker does not tell. */
export async function openTransactionIn(
  cluster: KafkaCluster,
  name: string,
  partition: number,
): Promise<OpenTransaction | undefined> {
  return cluster.persist(
    async () => {
      const topic = await cluster.topic(name);
      const [led] = await cluster.leadersOf(topic, [partition], 'ask');
      if (led === undefined) return undefined;
      try {
        const asked = [{ name, partitionIndexes: [partition] }];
        const { topics } = await describeProducersV0.api.async(led.connection, asked);
        const open = topics
          .flatMap((each) => each.partitions)
          .flatMap((each) => each.activeProducers)
          .filter(({ currentTxnStartOffset }) => currentTxnStartOffset >= 0n)
          .toSorted((a, b) => Number(a.currentTxnStartOffset - b.currentTxnStartOffset));
        const [first] = open;
        return first && { producerId: String(first.producerId), lastWriteMs: Number(first.lastTimestamp) };
      } catch (error) {
        // Who may not read the topic's producers still learns that records wait.
        if (brokerCodesOf(error).includes(CODE.TOPIC_AUTHORIZATION_FAILED)) return undefined;
        throw error;
      }
    },
    { topic: name, timeoutMs: ANSWER_WITHIN_MS },
  );
}

interface FoundOffsets extends PartitionOffsets {
  readonly fault?: Error;
}

/** What one leader says. An error of one partition is with that partition. */
async function offsetsFrom(
  connection: Connection,
  topic: TopicMetadata,
  partitions: readonly number[],
): Promise<FoundOffsets[]> {
  // Earliest first: otherwise it could be above the latest if retention removes records in between. The end of all records
  // before the last stable offset, so that records that arrive in between are not taken for waiting ones.
  const [earliest, end, latest] = await Promise.all([
    listed(connection, READ_COMMITTED, EARLIEST, topic, partitions),
    listed(connection, READ_UNCOMMITTED, LATEST, topic, partitions),
    listed(connection, READ_COMMITTED, LATEST, topic, partitions),
  ]);
  return partitions.map((partition) => {
    const [from, to, all] = [earliest, latest, end].map((each) => each.get(partition));
    const code = [from, to, all].find((each) => each !== undefined && each.code !== 0)?.code;
    if (from === undefined || to === undefined || all === undefined || code !== undefined) {
      const fault = answered(topic.name, partition, code ?? CODE.LEADER_NOT_AVAILABLE);
      return { partition, earliest: 0, latest: 0, fault };
    }
    const waiting = all.offset > to.offset ? { end: all.offset } : {};
    return { partition, earliest: from.offset, latest: to.offset, ...waiting };
  });
}

type Listed = ReadonlyMap<number, { readonly code: number; readonly offset: number }>;
type ListedAnswer = Awaited<ReturnType<typeof listOffsetsV7.api.async>>;

async function listed(
  connection: Connection,
  isolation: number,
  timestamp: bigint,
  { name, leaderEpochs }: TopicMetadata,
  partitions: readonly number[],
): Promise<Listed> {
  const asked = partitions.map((partitionIndex) => ({
    partitionIndex,
    currentLeaderEpoch: leaderEpochs[partitionIndex] ?? -1,
    timestamp,
  }));
  const { topics } = await answerOf(
    listOffsetsV7.api.async(connection, -1, isolation, [{ name, partitions: asked }]),
  );
  const found = topics.find((topic) => topic.name === name)?.partitions ?? [];
  return new Map(
    found.map(({ partitionIndex, errorCode, offset }) => [
      partitionIndex,
      { code: errorCode, offset: Number(offset) },
    ]),
  );
}

/** The client ends the whole answer for an error of one partition; the answer itself is with the error. */
async function answerOf(asking: Promise<ListedAnswer>): Promise<ListedAnswer> {
  try {
    return await asking;
  } catch (error) {
    const answer = error instanceof ResponseError ? (error as { response?: unknown }).response : undefined;
    if (answer !== undefined && brokerCodesOf(error).length > 0) return answer as ListedAnswer;
    throw error;
  }
}

function answered(topic: string, partition: number, code: number): ExplainedFault {
  return new ExplainedFault(
    code,
    `the leader of partition ${partition} of topic ${topic} answers ${nameOf(code)}`,
  );
}

function silent(topic: string, partition: number): ExplainedFault {
  return new ExplainedFault(
    CODE.LEADER_NOT_AVAILABLE,
    `the leader of partition ${partition} of topic ${topic} does not answer`,
  );
}

function reasonOf(fault: Error): string {
  const verdict = judge(fault);
  return verdict.kind === 'passing' ? verdict.why : unavailable(fault.message, fault).message;
}

function missingIn(found: readonly FoundOffsets[]): string {
  return found
    .filter(({ fault }) => fault !== undefined)
    .map(({ partition }) => partition)
    .join(',');
}
