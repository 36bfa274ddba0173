/** The log on Apache Kafka: topics, records and retention are the brokers' own. */
import type {
  AppendedRange,
  GroupOffset,
  HistoryBreak,
  Log,
  LostRecords,
  PartitionMark,
  OpenTransaction,
  PartitionOffsets,
  ReadRange,
  RecordBlock,
  RecordChunk,
  RecordInput,
  Retention,
  RetentionRemoval,
  TopicDescription,
  TopicOptions,
  TransactionalWriter,
} from '../../contracts/log.ts';
import { KafkaAppender } from './write/producer.ts';
import { KafkaCluster } from './cluster/cluster.ts';
import { Follower } from './read/follow.ts';
import { findLost } from './history/gaps.ts';
import { GroupPublisher } from './cluster/group-offsets.ts';
import { checkHistory } from './history/check.ts';
import { settleOptions, type KafkaLogOptions } from './cluster/options.ts';
import { AvailableOffsets, offsetsOf, openTransactionIn } from './cluster/offsets.ts';
import { readRange } from './read/reader.ts';
import {
  createTopic,
  deleteTopic,
  describeTopic,
  listTopics,
  requireTopic,
  setRetention,
} from './cluster/topics.ts';
import { openTransactions } from './write/transactional-writer.ts';
import { waitForRecords } from './read/wait.ts';

export type { KafkaLogOptions } from './cluster/options.ts';

/**
 * Opens the log, which takes one answer of one broker.
 * @throws LOG_UNAVAILABLE after `connectTimeoutMs`; CONFIG_INVALID if the broker refuses the credentials or the connection
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<Log> {
  const settled = settleOptions(options);
  const cluster = new KafkaCluster(settled);
  try {
    await cluster.persist(() => cluster.list(), { timeoutMs: settled.connectTimeoutMs, isStrict: true });
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return new KafkaLog(cluster);
}

class KafkaLog implements Log {
  readonly format = 'kafka';
  private readonly cluster: KafkaCluster;
  private readonly appender: KafkaAppender;
  private readonly groups: GroupPublisher;
  private readonly follower: Follower;
  private readonly available: AvailableOffsets;
  private writersOpened = 0;

  constructor(cluster: KafkaCluster) {
    this.cluster = cluster;
    this.appender = new KafkaAppender(cluster);
    this.follower = new Follower(cluster);
    this.available = new AvailableOffsets(cluster);
    this.groups = new GroupPublisher(cluster);
  }

  createTopic(name: string, options: TopicOptions): Promise<TopicDescription> {
    return createTopic(this.cluster, name, options);
  }

  requireTopic(name: string, options: TopicOptions): Promise<TopicDescription> {
    return requireTopic(this.cluster, name, options);
  }

  describeTopic(name: string): Promise<TopicDescription | undefined> {
    return describeTopic(this.cluster, name);
  }

  listTopics(): Promise<readonly TopicDescription[]> {
    return listTopics(this.cluster);
  }

  deleteTopic(name: string): Promise<void> {
    return deleteTopic(this.cluster, name);
  }

  offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    return offsetsOf(this.cluster, topic);
  }

  availableOffsets(topic: string): Promise<readonly PartitionOffsets[]> {
    return this.available.of(topic);
  }

  openTransactionIn(topic: string, partition: number): Promise<OpenTransaction | undefined> {
    return openTransactionIn(this.cluster, topic, partition);
  }

  get appendsMax(): number {
    return this.appender.appendsMax;
  }

  async append(topic: string, records: readonly RecordInput[]): Promise<readonly AppendedRange[]> {
    this.cluster.checkWritable();
    return this.appender.append(topic, records);
  }

  async appendBlock(topic: string, block: RecordBlock): Promise<readonly AppendedRange[]> {
    this.cluster.checkWritable();
    return this.appender.append(topic, block);
  }

  read(range: ReadRange): AsyncIterable<RecordChunk> {
    return readRange(this.cluster, range);
  }

  findLost(range: ReadRange): Promise<LostRecords | undefined> {
    return findLost(this.cluster, range);
  }

  checkHistory(topic: TopicDescription, marks: readonly PartitionMark[]): Promise<readonly HistoryBreak[]> {
    return checkHistory(this.cluster, topic, marks);
  }

  waitForRecords(
    topic: string,
    known: readonly PartitionOffsets[],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    return waitForRecords(this.cluster, topic, known, timeoutMs, signal);
  }

  follow(
    topic: TopicDescription,
    known: readonly PartitionOffsets[],
  ): Promise<readonly PartitionOffsets[] | undefined> {
    return this.follower.follow(topic, known);
  }

  setRetention(topic: string, retention: Retention): Promise<void> {
    return setRetention(this.cluster, topic, retention);
  }

  /** The brokers apply it by themselves, and do not say what they removed. */
  async enforceRetention(): Promise<readonly RetentionRemoval[]> {
    return [];
  }

  publishOffsets(group: string, topic: string, offsets: readonly GroupOffset[]): Promise<void> {
    return this.groups.publish(group, topic, offsets);
  }

  async openTransactions(name: string, topics: readonly string[] = []): Promise<TransactionalWriter> {
    this.cluster.checkWritable();
    this.writersOpened += 1;
    return openTransactions(this.cluster, name, this.writersOpened, topics);
  }

  close(): Promise<void> {
    return this.cluster.close();
  }
}
