/** A log in memory, for tests: the contract in the plainest form, gone with the process. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../contracts/clock.ts';
import type {
  AppendedRange,
  Log,
  PartitionOffsets,
  ReadRange,
  RecordChunk,
  Retention,
  RecordInput,
  RetentionRemoval,
  TopicDescription,
  TopicOptions,
} from '../contracts/log.ts';
import { InvariantError } from '../errors.ts';
import { KeylessTurn, planAppend } from './append-plan.ts';
import { sliceChunk } from './chunk.ts';
import { checkTopic, dataLoss, partitionNotFound, pastEnd, topicNotFound } from './faults.ts';
import { checksumOf, decodeBatch, type EncodedBatch } from './record-batch.ts';
import { decideRetention, type StoredBatch } from './retention.ts';
import { latestDiffers, Waiters } from './waiters.ts';

interface MemoryBatch extends StoredBatch {
  readonly body: Uint8Array;
}

interface MemoryPartition {
  earliest: number;
  latest: number;
  batches: MemoryBatch[];
}

interface MemoryTopic extends TopicDescription {
  options: TopicOptions;
  readonly stored: readonly MemoryPartition[];
}

export function createMemoryLog(options: { readonly clock: Clock }): Log {
  return new MemoryLog(options.clock);
}

class MemoryLog implements Log {
  readonly format = 'memory';
  private readonly clock: Clock;
  private readonly topics = new Map<string, MemoryTopic>();
  private readonly waiters = new Waiters();
  private readonly keyless = new KeylessTurn();

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
    const options = { partitions: topic.partitions, ...retention };
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
    const topic = this.find(topicName);
    const ranges: AppendedRange[] = [];
    for (const { partition, count, batches } of planAppend(
      topic,
      records,
      this.keyless,
      this.clock.nowMs(),
    )) {
      const target = topic.stored[partition] as MemoryPartition;
      ranges.push({ partition, baseOffset: target.latest, count });
      for (const batch of batches) push(target, batch);
    }
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
      const batch = batchAt(partition.batches, position);
      const base = batch.baseOffset;
      const decoded = decodeBatch(batch.body, checksumOf(batch.body, base), range.partition, base);
      if (decoded.kind === 'corrupt')
        throw new InvariantError(`a batch in memory is corrupt: ${decoded.problem}`);
      const to = Math.min(range.end - base, batch.count);
      yield sliceChunk(decoded.chunk, position - base, to);
      position = base + to;
    }
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

  async close(): Promise<void> {
    this.waiters.close();
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

function push(partition: MemoryPartition, { body, count, timestampMsMax }: EncodedBatch): void {
  partition.batches.push({ baseOffset: partition.latest, count, bytes: body.length, timestampMsMax, body });
  partition.latest += count;
}

/** The batch that holds an offset between earliest and latest, by bisection: tests read long logs batch by batch. */
function batchAt(batches: readonly MemoryBatch[], offset: number): MemoryBatch {
  let low = 0;
  let high = batches.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((batches[middle] as MemoryBatch).baseOffset <= offset) low = middle;
    else high = middle - 1;
  }
  return batches[low] as MemoryBatch;
}
