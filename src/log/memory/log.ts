/** A log in memory, for tests: the contract in the plainest form, gone with the process. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../contracts/clock.ts';
import type {
  AppendedRange,
  HistoryBreak,
  Log,
  PartitionMark,
  PartitionOffsets,
  ReadRange,
  RecordChunk,
  Retention,
  RecordInput,
  RetentionRemoval,
  TopicDescription,
  TopicOptions,
  TransactionalWriter,
} from '../../contracts/log.ts';
import { KeylessTurn, planAppend } from '../shared/append-plan.ts';
import { sliceChunk } from '../shared/chunk.ts';
import { checkTopic, dataLoss, partitionNotFound, pastEnd, topicNotFound } from '../shared/errors.ts';
import {
  batchFrom,
  breaksOf,
  checkRecords,
  chunkOf,
  compact,
  pushBatch,
  refusalBy,
  type MemoryPartition,
  type MemoryTopic,
} from './topic.ts';
import { MemoryWriters } from './transactions.ts';
import { fitRecords } from '../shared/replacements.ts';
import { decideRetention } from '../shared/retention.ts';
import { latestDiffers, Waiters } from '../shared/waiters.ts';

export function createMemoryLog(options: { readonly clock: Clock }): Log {
  return new MemoryLog(options.clock);
}

class MemoryLog implements Log {
  readonly format = 'memory';
  private readonly clock: Clock;
  private readonly topics = new Map<string, MemoryTopic>();
  private readonly waiters = new Waiters();
  private readonly keyless = new KeylessTurn();
  private readonly writers = new MemoryWriters(
    (name, records, inPlaceOf) => {
      const topic = this.find(name);
      const fitting = fitRecords(records, inPlaceOf, (record) => refusalBy(topic, record));
      const write = this.planAppend(name, fitting);
      return () => void write();
    },
    () => this.waiters.wake(),
  );

  constructor(clock: Clock) {
    this.clock = clock;
  }

  async createTopic(name: string, options: TopicOptions): Promise<TopicDescription> {
    const existing = this.topics.get(name);
    if (existing !== undefined) return describe(existing);
    checkTopic(name, options);
    const { partitions } = options;
    const stored = Array.from({ length: partitions }, () => ({ earliest: 0, latest: 0, batches: [] }));
    const topic = { name, id: randomUUID(), partitions, options, stored };
    this.topics.set(name, topic);
    return describe(topic);
  }

  async describeTopic(name: string): Promise<TopicDescription | undefined> {
    const topic = this.topics.get(name);
    return topic && describe(topic);
  }

  async listTopics(): Promise<readonly TopicDescription[]> {
    return [...this.topics.values()]
      .map(describe)
      .toSorted((left, right) => (left.name < right.name ? -1 : 1));
  }

  async setRetention(name: string, retention: Retention): Promise<void> {
    const topic = this.find(name);
    const { compacted, recordBytesMax, partitions } = topic.options;
    const options = {
      partitions,
      ...retention,
      ...(compacted === undefined ? {} : { compacted }),
      ...(recordBytesMax === undefined ? {} : { recordBytesMax }),
    };
    checkTopic(name, options);
    topic.options = options;
  }

  async deleteTopic(name: string): Promise<void> {
    this.topics.delete(name);
    this.waiters.wake();
  }

  async offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    return offsetsOf(this.find(topic));
  }

  async append(topicName: string, records: readonly RecordInput[]): Promise<readonly AppendedRange[]> {
    const ranges = this.planAppend(topicName, records)();
    this.waiters.wake();
    return ranges;
  }

  async *read(range: ReadRange): AsyncGenerator<RecordChunk> {
    const topic = this.find(range.topic);
    const partition = topic.stored[range.partition];
    if (partition === undefined) throw partitionNotFound(range.topic, range.partition, topic.partitions);
    if (range.end > partition.latest) throw pastEnd(range, partition.latest);
    let position = range.start;
    while (position < range.end) {
      if (position < partition.earliest) throw dataLoss({ ...range, start: position }, partition.earliest);
      const batch = batchFrom(partition.batches, position);
      if (batch === undefined || batch.baseOffset >= range.end) return;
      const from = Math.max(0, position - batch.baseOffset);
      const to = Math.min(range.end - batch.baseOffset, batch.count);
      yield sliceChunk(chunkOf(batch, range.partition), from, to);
      position = batch.baseOffset + to;
    }
  }

  readonly isHistoryCheap = true;

  async checkHistory(
    { name }: TopicDescription,
    marks: readonly PartitionMark[],
  ): Promise<readonly HistoryBreak[]> {
    const topic = this.find(name);
    return marks.flatMap(({ partition, mark }) => {
      const stored = topic.stored[partition];
      if (stored === undefined) throw partitionNotFound(name, partition, topic.partitions);
      return breaksOf(stored, [mark]).map((found) => ({ partition, ...found }));
    });
  }

  waitForRecords(
    topicName: string,
    known: readonly PartitionOffsets[],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const changed = () => {
      const topic = this.topics.get(topicName);
      return topic === undefined || latestDiffers(known, topic.stored);
    };
    return this.waiters.wait(changed, this.clock, () => Infinity, timeoutMs, signal);
  }

  async enforceRetention(): Promise<readonly RetentionRemoval[]> {
    const removed: RetentionRemoval[] = [];
    for (const topic of this.topics.values()) {
      if (topic.options.compacted === true) {
        topic.stored.forEach(compact);
        continue;
      }
      const policy = { retentionMs: undefined, retentionBytes: undefined, ...topic.options };
      for (const [partition, stored] of topic.stored.entries()) {
        const bytes = stored.batches.reduce((sum, batch) => sum + batch.bytes, 0);
        const removals = decideRetention(stored.batches, bytes, policy, this.clock.nowMs());
        stored.earliest = removals.at(-1)?.end ?? stored.earliest;
        stored.batches = stored.batches.filter((batch) => batch.baseOffset >= stored.earliest);
        for (const removal of removals) removed.push({ topic: topic.name, partition, ...removal });
      }
    }
    return removed;
  }

  async openTransactions(name: string): Promise<TransactionalWriter> {
    return this.writers.open(name);
  }

  async close(): Promise<void> {
    this.waiters.close();
  }

  /** Decides what to write where; the function that it gives writes it. @throws what `append` does */
  private planAppend(topicName: string, records: readonly RecordInput[]): () => AppendedRange[] {
    const topic = this.find(topicName);
    checkRecords(topic, records);
    const plan = planAppend(topic, records, this.keyless, this.clock.nowMs());
    return () =>
      plan.map(({ partition, count, batches }) => {
        const target = topic.stored[partition] as MemoryPartition;
        const baseOffset = target.latest;
        for (const batch of batches) pushBatch(target, batch);
        return { partition, baseOffset, count };
      });
  }

  private find(name: string): MemoryTopic {
    const topic = this.topics.get(name);
    if (topic === undefined) throw topicNotFound(name, [...this.topics.keys()]);
    return topic;
  }
}

function describe({ name, id, partitions }: TopicDescription): TopicDescription {
  return { name, id, partitions };
}

function offsetsOf(topic: MemoryTopic): PartitionOffsets[] {
  return topic.stored.map(({ earliest, latest }, partition) => ({ partition, earliest, latest }));
}
