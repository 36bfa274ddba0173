/** The brokers: what they say about topics, and who of them leads what. */
import { metadataV12, ResponseError, type Connection } from '../wire/client.ts';
import type { TopicDescription } from '../../../contracts/log.ts';
import { TallystreamError } from '../../../errors.ts';
import { Arrivals } from '../read/arrivals.ts';
import { ChunkMemoryPool } from '../read/chunk-builder.ts';
import { CleanupPolicies } from '../history/cleanup-policy.ts';
import { Connections, type Purpose } from './connections.ts';
import {
  AdvertisedFault,
  brokerCodesOf,
  BrokerFault,
  CODE,
  ExplainedFault,
  judge,
  type Verdict,
} from '../wire/errors.ts';
import type { FetchChannel } from './fetch-channel.ts';
import { Fetcher } from '../read/fetch-batcher.ts';
import { HistoryNotes } from '../history/notes.ts';
import type { Broker, SettledOptions } from './options.ts';
import { Retry } from './retry.ts';
import { Throttles } from './throttle.ts';
import { topicNotFound } from '../../shared/errors.ts';

export type { Purpose } from './connections.ts';

export interface TopicMetadata extends TopicDescription {
  /** The leader's node id by partition; undefined if a partition has none for now. */
  readonly leaders: readonly (number | undefined)[];
  /** How often leadership has moved, by partition: what says less than was seen before is out of date. */
  readonly leaderEpochs: readonly number[];
}

/** Partitions that one broker leads. */
interface LedPartitions {
  readonly broker: Broker;
  readonly partitions: readonly number[];
}

type MetadataAnswer = Awaited<ReturnType<typeof metadataV12.api.async>>;

/** Topics of which the newest leader epochs are remembered. */
const EPOCHS_MAX = 1_000;
const UNKNOWN_EPOCH = -1;
const NO_TOPIC: ReadonlySet<number> = new Set([CODE.UNKNOWN_TOPIC_OR_PARTITION, CODE.INVALID_TOPIC]);
/** For so long after a topic was seen, a broker that has none of its name may not have heard of it. */
export const NEWS_MS_MAX = 1_500;

export class KafkaCluster {
  readonly options: SettledOptions;
  readonly throttles: Throttles;
  readonly fetcher: Fetcher;
  readonly arrivals = new Arrivals();
  readonly chunkMemory = new ChunkMemoryPool();
  readonly history = new HistoryNotes();
  readonly cleanupPolicies = new CleanupPolicies();
  private readonly bootstrap: readonly Broker[];
  private readonly closing = new AbortController();
  private readonly connections: Connections;
  private readonly topics = new Map<string, TopicMetadata>();
  /** When each name was last seen, by the monotonic clock. */
  private readonly seenMs = new Map<string, number>();
  /** The newest that was seen, by topic id. */
  private readonly leaderEpochs = new Map<string, readonly number[]>();
  private readonly retry: Retry;
  private nodes = new Map<number, Broker>();
  /** The last broker that told about topics, and how many failures there were since: so far past it the next look starts. */
  private answered: string | undefined;
  private turn = 0;
  private interrupted = 0;

  constructor(options: SettledOptions) {
    this.options = options;
    this.throttles = new Throttles(options.clock);
    this.fetcher = new Fetcher(this.throttles);
    this.bootstrap = options.bootstrapServers.map(brokerOf);
    this.connections = new Connections(options, this.closed, () => {
      this.interrupted += 1;
    });
    this.retry = new Retry(options, this.closed, (error) => this.judgeWithConnection(error));
  }

  get closed(): AbortSignal {
    return this.closing.signal;
  }

  /**
   * How often a connection that records are read from has ended, or a leader has changed. Only then can a log have gone
   * back: what was read before is compared with the log before more is read.
   */
  get interruptions(): number {
    return this.interrupted;
  }

  /**
   * Acts, and acts again while the error may pass, up to the bound. What is remembered of the topic is asked again.
   * @throws LOG_UNAVAILABLE at the bound, or soon after `giveUp`; what `judge` makes of an error that does not pass
   */
  persist<T>(
    act: () => Promise<T>,
    bound: { topic?: string; timeoutMs?: number; isStrict?: boolean } = {},
  ): Promise<T> {
    const { topic, timeoutMs = this.options.retryTimeoutMs, isStrict = false } = bound;
    return this.retry.run(act, { timeoutMs, isStrict, onPassing: () => this.turnAway(topic) });
  }

  /** Called before everything that writes. @throws LOG_UNAVAILABLE if the log is open for reading only */
  checkWritable(): void {
    if (this.options.readOnly !== true) return;
    throw new TallystreamError('LOG_UNAVAILABLE', {
      what: 'The log on Apache Kafka is open for reading only.',
    });
  }

  /** After an error that may pass: the topic is looked up again if one is named, and another broker is asked. */
  turnAway(topic: string | undefined): void {
    if (topic !== undefined) this.forget(topic);
    this.turn += 1;
  }

  /** A request on a connection that broke says only that it closed; why it broke may be something that no retry fixes. */
  private judgeWithConnection(error: unknown): Verdict {
    const verdict = judge(error);
    const fault = this.connections.takeFault();
    const saysLittle = verdict.kind === 'passing' && brokerCodesOf(error).length === 0;
    if (fault === undefined || !saysLittle) return verdict;
    const below = judge(fault);
    return below.kind === 'passing' && error instanceof AdvertisedFault ? verdict : below;
  }

  /** What the brokers say about the topic now; undefined if there is none. One attempt. */
  async lookUp(name: string): Promise<TopicMetadata | undefined> {
    const answer = await this.metadata([name]);
    const topic = answer.topics.find((each) => each.name === name);
    if (topic === undefined || NO_TOPIC.has(topic.errorCode)) {
      this.forget(name);
      return undefined;
    }
    if (topic.errorCode !== 0) throw new BrokerFault(topic.errorCode);
    const found = topicOf(topic);
    this.checkEpochs(found);
    this.topics.set(name, found);
    this.seenMs.set(name, this.options.clock.monotonicMs());
    return found;
  }

  /**
   * A broker that was away for a while may take itself for the leader still, and would tell of a log that ends early.
   * @throws BrokerFault, which passes: another broker, or this one a little later, knows of the leader since
   */
  private checkEpochs({ id, leaderEpochs }: TopicMetadata): void {
    const newest = this.leaderEpochs.get(id) ?? [];
    const isBehind = (epoch: number, partition: number) => epoch > (leaderEpochs[partition] ?? UNKNOWN_EPOCH);
    if (newest.some(isBehind)) throw new BrokerFault(CODE.FENCED_LEADER_EPOCH);
    if (newest.some((epoch, partition) => epoch !== leaderEpochs[partition])) this.interrupted += 1;
    // The oldest goes first; without an entry a topic is taken as it comes.
    this.leaderEpochs.delete(id);
    this.leaderEpochs.set(id, leaderEpochs);
    const [oldest] = this.leaderEpochs.keys();
    if (this.leaderEpochs.size > EPOCHS_MAX && oldest !== undefined) this.leaderEpochs.delete(oldest);
  }

  /**
   * The topic as it was last seen, or as it is.
   * @throws TOPIC_NOT_FOUND, with the names that there are; BrokerFault, which passes, soon after it was seen: a broker
   *   hears of a new topic later than another
   */
  async topic(name: string): Promise<TopicMetadata> {
    const topic = this.topics.get(name) ?? (await this.lookUp(name));
    if (topic !== undefined) return topic;
    const seenMs = this.seenMs.get(name);
    if (seenMs !== undefined && this.options.clock.monotonicMs() - seenMs < NEWS_MS_MAX) {
      throw new BrokerFault(CODE.UNKNOWN_TOPIC_OR_PARTITION);
    }
    const others = await this.list();
    throw topicNotFound(
      name,
      others.map((other) => other.name),
    );
  }

  /** The topic as it was last seen, unless something happened since that asks for another look. */
  remembered(name: string): TopicMetadata | undefined {
    return this.topics.get(name);
  }

  /** Every topic that is not the cluster's own. One attempt. */
  async list(): Promise<TopicMetadata[]> {
    const answer = await this.metadata(null);
    return answer.topics
      .filter((topic) => topic.errorCode === 0 && topic.name !== null && !topic.isInternal)
      .map(topicOf)
      .toSorted((left, right) => (left.name < right.name ? -1 : 1));
  }

  forget(topic: string): void {
    this.topics.delete(topic);
  }

  /** For a topic that was deleted: what does not know it is right. */
  forgetSeen(topic: string): void {
    this.forget(topic);
    this.seenMs.delete(topic);
  }

  /** The leader of each partition, as a connection; partitions with the same leader come together. */
  async leadersOf(
    topic: TopicMetadata,
    partitions: readonly number[],
    purpose: Purpose,
  ): Promise<{ readonly connection: Connection; readonly partitions: readonly number[] }[]> {
    return Promise.all(
      this.ledBy(topic, partitions).map(async ({ broker, partitions: led }) => {
        return { connection: await this.connect(broker, purpose), partitions: led };
      }),
    );
  }

  /** The same for fetches. */
  async fetchChannelsOf(
    topic: TopicMetadata,
    partitions: readonly number[],
    purpose: Purpose,
  ): Promise<{ readonly channel: FetchChannel; readonly partitions: readonly number[] }[]> {
    return Promise.all(
      this.ledBy(topic, partitions).map(async ({ broker, partitions: led }) => {
        return { channel: await this.connections.openFetch(broker, purpose), partitions: led };
      }),
    );
  }

  private ledBy(topic: TopicMetadata, partitions: readonly number[]): readonly LedPartitions[] {
    const { led, faults } = this.ledNow(topic, partitions);
    for (const fault of faults.values()) throw fault;
    return led;
  }

  /** The partitions by leader, and why those have none that are not among them. */
  ledNow(
    { name, leaders }: TopicMetadata,
    partitions: readonly number[],
  ): { readonly led: readonly LedPartitions[]; readonly faults: Map<number, Error> } {
    const byLeader = Map.groupBy(partitions, (partition) => leaders[partition]);
    const led: LedPartitions[] = [];
    const faults = new Map<number, Error>();
    for (const [nodeId, of] of byLeader) {
      const broker = nodeId === undefined ? undefined : this.nodes.get(nodeId);
      if (broker !== undefined) led.push({ broker, partitions: of });
      else for (const partition of of) faults.set(partition, leaderless(name, partition));
    }
    return { led, faults };
  }

  /** A connection to whichever broker answers. */
  any(): Promise<Connection> {
    const all = [...this.nodes.values(), ...this.bootstrap];
    const answered = all.findIndex(({ host, port }) => `${host}:${port}` === this.answered);
    const start = (Math.max(0, answered) + this.turn) % all.length;
    return this.connections.any([...all.slice(start), ...all.slice(0, start)], 'ask');
  }

  /** A broker as the cluster tells of it. If the configuration has the same address, that one is named if it fails. */
  advertised({ nodeId, host, port }: Required<Broker>): Broker {
    const isConfigured = this.bootstrap.some((each) => each.host === host && each.port === port);
    return { host, port, ...(isConfigured ? {} : { nodeId }) };
  }

  connect(broker: Broker, purpose: Purpose): Promise<Connection> {
    return this.connections.open(broker, purpose);
  }

  /** Closes the connections of one purpose, with everything that waits for them. */
  release(purpose: Purpose): Promise<void> {
    return this.connections.release(purpose);
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.connections.release();
  }

  private async metadata(names: string[] | null): Promise<MetadataAnswer> {
    const connection = await this.any();
    const answer = await this.ask(connection, names);
    this.answered = [connection.host, connection.port].join(':');
    this.turn = 0;
    this.nodes = new Map(answer.brokers.map((each) => [each.nodeId, this.advertised(each)]));
    return answer;
  }

  private async ask(connection: Connection, names: string[] | null): Promise<MetadataAnswer> {
    try {
      return await metadataV12.api.async(connection, names, false, false);
    } catch (error) {
      // The client ends the whole answer for an error of one topic or partition; the answer itself is with the error.
      const answer = error instanceof ResponseError ? (error as { response?: unknown }).response : undefined;
      if (answer !== undefined && brokerCodesOf(error).length > 0) return answer as MetadataAnswer;
      throw error;
    }
  }
}

function leaderless(topic: string, partition: number): ExplainedFault {
  return new ExplainedFault(
    CODE.LEADER_NOT_AVAILABLE,
    `partition ${partition} of topic ${topic} has no leader (LEADER_NOT_AVAILABLE)`,
  );
}

function topicOf({ name, topicId, partitions }: MetadataAnswer['topics'][number]): TopicMetadata {
  const leaders: (number | undefined)[] = new Array<undefined>(partitions.length).fill(undefined);
  const leaderEpochs = new Array<number>(partitions.length).fill(UNKNOWN_EPOCH);
  for (const { partitionIndex, leaderId, leaderEpoch } of partitions) {
    leaders[partitionIndex] = leaderId < 0 ? undefined : leaderId;
    leaderEpochs[partitionIndex] = leaderEpoch;
  }
  return { name: name ?? '', id: topicId, partitions: partitions.length, leaders, leaderEpochs };
}

/** @throws CONFIG_INVALID */
function brokerOf(server: string): Broker {
  const match = /^\[?(?<host>[^\]]+?)\]?:(?<port>\d+)$/.exec(server);
  if (match?.groups === undefined) {
    throw new TallystreamError('CONFIG_INVALID', {
      what: `${JSON.stringify(server)} is not a broker address.`,
      hint: 'Write kafka.bootstrap_servers as host:port, separated by commas.',
    });
  }
  return { host: match.groups['host'] ?? '', port: Number(match.groups['port']) };
}
