/** The brokers: connections to them, what they say about topics, and the one retry that every call goes through. */
import { isIP } from 'node:net';
import { Connection, metadataV12, ResponseError, type ConnectionOptions } from '@platformatic/kafka';
import type { TopicDescription } from '../contracts/log.ts';
import { TallystreamError } from '../errors.ts';
import { brokerCodesOf, BrokerFault, CODE, judge, unavailable, type Verdict } from './kafka-errors.ts';
import type { SettledOptions } from './kafka-options.ts';
import { connectionSecurity } from './kafka-security.ts';
import { topicNotFound } from './faults.ts';

export interface Broker {
  readonly host: string;
  readonly port: number;
}

/** A request waits behind the others of its connection, so those that wait long have one of their own. */
export type Purpose = 'ask' | 'write' | 'read' | 'wait';

export interface TopicMetadata extends TopicDescription {
  /** The leader's node id by partition; undefined where a partition has none for now. */
  readonly leaders: readonly (number | undefined)[];
}

type MetadataAnswer = Awaited<ReturnType<typeof metadataV12.api.async>>;

const PAUSE_MS = 20;
const PAUSE_MS_MAX = 1_000;
/** Who waits is told after this, and again so often: leaders move within it, and nobody need know. */
const NOTICE_AFTER_MS = 1_000;
const NOTICE_EVERY_MS = 5_000;

export class KafkaCluster {
  readonly options: SettledOptions;
  private readonly bootstrap: readonly Broker[];
  private readonly closing = new AbortController();
  private readonly connections = new Map<string, Promise<Connection>>();
  private readonly topics = new Map<string, TopicMetadata>();
  private nodes = new Map<number, Broker>();
  /** Where the next look for any broker starts: past one that did not answer. */
  private turn = 0;
  private noticedAtMs = -Infinity;
  private connectionFault: Error | undefined;

  constructor(options: SettledOptions) {
    this.options = options;
    this.bootstrap = options.bootstrapServers.map(brokerOf);
  }

  get isClosed(): boolean {
    return this.closing.signal.aborted;
  }

  get closed(): AbortSignal {
    return this.closing.signal;
  }

  /**
   * Acts, and acts again while the error may pass, up to the bound. What is remembered of the topic is asked anew.
   * @throws LOG_UNAVAILABLE at the bound; what `judge` makes of an error that does not pass
   */
  async persist<T>(act: () => Promise<T>, bound: { topic?: string; timeoutMs?: number } = {}): Promise<T> {
    const { clock, retryTimeoutMs } = this.options;
    const timeoutMs = bound.timeoutMs ?? retryTimeoutMs;
    const startMs = clock.monotonicMs();
    for (let attempt = 0; ; attempt += 1) {
      if (this.isClosed) throw unavailable('the log was closed');
      try {
        return await act();
      } catch (error) {
        const verdict = this.judgeWithConnection(error);
        if (verdict.kind === 'final') throw verdict.error;
        if (bound.topic !== undefined) this.forget(bound.topic);
        const elapsedMs = clock.monotonicMs() - startMs;
        if (elapsedMs >= timeoutMs) throw unavailable(verdict.why, error);
        this.notice(verdict.why, elapsedMs, timeoutMs);
        const pauseMs = Math.min(PAUSE_MS * 2 ** Math.min(attempt, 10), PAUSE_MS_MAX, timeoutMs - elapsedMs);
        await clock.sleep(pauseMs, this.closed);
      }
    }
  }

  /** A request on a connection that broke says only that it closed; why it broke may be something that no retry mends. */
  private judgeWithConnection(error: unknown): Verdict {
    const verdict = judge(error);
    const below = this.connectionFault === undefined ? verdict : judge(this.connectionFault);
    this.connectionFault = undefined;
    return verdict.kind === 'passing' && below.kind === 'final' ? below : verdict;
  }

  /** What the brokers say about the topic now; undefined where there is none. One attempt. */
  async lookUp(name: string): Promise<TopicMetadata | undefined> {
    const answer = await this.metadata([name]);
    const topic = answer.topics.find((each) => each.name === name);
    if (topic === undefined || topic.errorCode === CODE.INVALID_TOPIC) return undefined;
    if (topic.errorCode === CODE.UNKNOWN_TOPIC_OR_PARTITION) {
      this.forget(name);
      return undefined;
    }
    if (topic.errorCode !== 0) throw new BrokerFault(topic.errorCode);
    const found = topicOf(topic);
    this.topics.set(name, found);
    return found;
  }

  /** The topic as it was last seen, or as it is. @throws TOPIC_NOT_FOUND, with the names that there are */
  async topic(name: string): Promise<TopicMetadata> {
    const topic = this.topics.get(name) ?? (await this.lookUp(name));
    if (topic !== undefined) return topic;
    const others = await this.list();
    throw topicNotFound(
      name,
      others.map((other) => other.name),
    );
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

  /** The leader of each partition, as a connection; partitions with the same leader come together. */
  async leadersOf(
    topic: TopicMetadata,
    partitions: readonly number[],
    purpose: Purpose,
  ): Promise<{ readonly connection: Connection; readonly partitions: readonly number[] }[]> {
    const byLeader = Map.groupBy(partitions, (partition) => topic.leaders[partition]);
    return Promise.all(
      [...byLeader].map(async ([nodeId, led]) => {
        const node = nodeId === undefined ? undefined : this.nodes.get(nodeId);
        if (node === undefined) throw new BrokerFault(CODE.LEADER_NOT_AVAILABLE);
        return { connection: await this.connect(node, purpose), partitions: led };
      }),
    );
  }

  /** A connection to whichever broker answers. */
  async any(): Promise<Connection> {
    const candidates = [...this.nodes.values(), ...this.bootstrap];
    let failure: unknown;
    for (let tried = 0; tried < candidates.length; tried += 1) {
      try {
        return await this.connect(candidates[(this.turn + tried) % candidates.length] as Broker, 'ask');
      } catch (error) {
        failure = error;
      }
    }
    throw failure instanceof Error ? failure : new Error('no broker is named');
  }

  /** The connection for this purpose, opened where there is none. */
  connect({ host, port }: Broker, purpose: Purpose): Promise<Connection> {
    const key = `${host}:${port} ${purpose}`;
    const existing = this.connections.get(key);
    if (existing !== undefined) return existing;
    const { clientId, connectTimeoutMs, requestTimeoutMs, security } = this.options;
    const options: ConnectionOptions = {
      connectTimeout: Math.min(connectTimeoutMs, requestTimeoutMs),
      requestTimeout: requestTimeoutMs,
      ...connectionSecurity(security),
      ...(isIP(host) === 0 ? { tlsServerName: host } : {}),
    };
    const connection = new Connection(clientId, options);
    const opening = connection.connect(host, port) as Promise<void>;
    const opened = opening.then(() => connection);
    const drop = () => {
      if (this.connections.get(key) === opened) this.connections.delete(key);
    };
    connection.on('close', drop);
    connection.on('error', (error) => {
      this.connectionFault = error;
      drop();
    });
    opened.catch(drop);
    this.connections.set(key, opened);
    return opened;
  }

  /** Closes one connection at once, with whatever waits on it. The next call opens another. */
  cut(connection: Connection): void {
    connection.socket.destroy();
  }

  async close(): Promise<void> {
    this.closing.abort();
    const open = [...this.connections.values()];
    this.connections.clear();
    for (const opened of open) await opened.then((connection) => this.cut(connection)).catch(() => undefined);
  }

  notice(why: string, elapsedMs: number, timeoutMs: number): void {
    const nowMs = this.options.clock.monotonicMs();
    if (elapsedMs < NOTICE_AFTER_MS || nowMs - this.noticedAtMs < NOTICE_EVERY_MS) return;
    this.noticedAtMs = nowMs;
    const seconds = (ms: number) => `${Math.round(ms / 1000)} s`;
    this.options.onWaiting?.(
      `Apache Kafka cannot be used for ${seconds(elapsedMs)} now (giving up after ${seconds(timeoutMs)}): ${why}.`,
    );
  }

  private async metadata(names: string[] | null): Promise<MetadataAnswer> {
    const connection = await this.any();
    const answer = await this.ask(connection, names);
    this.nodes = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
    return answer;
  }

  private async ask(connection: Connection, names: string[] | null): Promise<MetadataAnswer> {
    try {
      return await metadataV12.api.async(connection, names, false, false);
    } catch (error) {
      // The client ends the whole answer for an error of one topic or partition; the answer itself is with the error.
      const answer = error instanceof ResponseError ? (error as { response?: unknown }).response : undefined;
      if (answer !== undefined && brokerCodesOf(error).length > 0) return answer as MetadataAnswer;
      this.turn += 1;
      throw error;
    }
  }
}

function topicOf(topic: MetadataAnswer['topics'][number]): TopicMetadata {
  const leaders: (number | undefined)[] = new Array<undefined>(topic.partitions.length).fill(undefined);
  for (const { partitionIndex, leaderId } of topic.partitions) {
    leaders[partitionIndex] = leaderId < 0 ? undefined : leaderId;
  }
  return { name: topic.name ?? '', id: topic.topicId, partitions: topic.partitions.length, leaders };
}

/** @throws CONFIG_INVALID */
function brokerOf(server: string): Broker {
  const match = /^\[?(?<host>[^\]]+?)\]?:(?<port>\d+)$/.exec(server);
  if (match?.groups === undefined) {
    throw new TallystreamError('CONFIG_INVALID', {
      what: `${JSON.stringify(server)} is not a broker.`,
      mend: 'Write kafka.bootstrap_servers as host:port, separated by commas.',
    });
  }
  return { host: match.groups['host'] ?? '', port: Number(match.groups['port']) };
}
