/**
 * The idempotent producer. A batch that got no answer is sent again with the same producer id and sequence, so that the
 * broker finds the repeat (https://cwiki.apache.org/confluence/display/KAFKA/KIP-98). One append is under way at a time
 * and one batch a partition, so the order of a partition's records is that of the calls.
 */
import { initProducerIdV4 } from '@platformatic/kafka';
import type { AppendedRange, RecordInput } from '../contracts/log.ts';
import { InvariantError, TallystreamError } from '../errors.ts';
import { groupByPartition, KeylessTurn } from './append-plan.ts';
import type { KafkaCluster, TopicMetadata } from './kafka-cluster.ts';
import { encodeKafkaBatch, stampBatch, type EncodedKafkaBatch } from './kafka-encode.ts';
import { BrokerFault, CODE, LOST_IDENTITY } from './kafka-errors.ts';
import { produceRecords, type ProducedPartition } from './kafka-protocol.ts';

/** Below the 1 MiB that a broker takes as a batch by default (message.max.bytes). */
const BATCH_BYTES_MAX = 1_000_000;
/** Bound of one request; a larger batch goes alone. */
const REQUEST_BYTES_MAX = 32 * 1024 * 1024;
const SEQUENCE_MODULUS = 2 ** 31;
const TRANSACTION_TIMEOUT_NONE_MS = 0;

/** What of one call is still to go to one partition. */
interface PartitionWork {
  readonly partition: number;
  readonly records: readonly RecordInput[];
  /** The first record that is not acknowledged. */
  next: number;
  /** Sent, or about to be sent; kept until the broker has answered. */
  batch: EncodedKafkaBatch | undefined;
  batchBytesMax: number;
}

interface Work {
  readonly topic: string;
  readonly topicId: string;
  readonly records: readonly RecordInput[];
  readonly nowMs: number;
  readonly partitions: readonly PartitionWork[];
  readonly ranges: AppendedRange[];
}

interface Identity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** The next sequence by topic id and partition. */
  readonly sequences: Map<string, number>;
}

/** Without idempotence a batch says that it has no producer. */
const ANONYMOUS: Identity = { producerId: -1n, producerEpoch: -1, sequences: new Map() };

export class KafkaAppender {
  private readonly cluster: KafkaCluster;
  private readonly keyless = new KeylessTurn();
  private lane: Promise<unknown> = Promise.resolve();
  private identity: Identity | undefined;
  /** A call that ended without all its answers. The very same array again goes on with it. */
  private unfinished: Work | undefined;

  constructor(cluster: KafkaCluster) {
    this.cluster = cluster;
    if (cluster.options.acks === 'leader') this.identity = ANONYMOUS;
  }

  append(topic: string, records: readonly RecordInput[]): Promise<readonly AppendedRange[]> {
    const appended = this.lane.then(() => this.run(topic, records));
    this.lane = appended.catch(() => undefined);
    return appended;
  }

  private async run(topic: string, records: readonly RecordInput[]): Promise<readonly AppendedRange[]> {
    const { cluster } = this;
    const bound = { topic, timeoutMs: cluster.options.appendTimeoutMs };
    const work =
      this.takeUnfinished(topic, records) ?? (await cluster.persist(() => this.plan(topic, records), bound));
    try {
      await cluster.persist(() => this.advance(work), bound);
    } catch (error) {
      if (error instanceof TallystreamError && error.retry) this.unfinished = work;
      else this.loseIdentity(work);
      throw error;
    }
    return joinRuns(work.ranges);
  }

  private takeUnfinished(topic: string, records: readonly RecordInput[]): Work | undefined {
    const work = this.unfinished;
    this.unfinished = undefined;
    if (work === undefined) return undefined;
    if (work.topic === topic && work.records === records) return work;
    this.loseIdentity(work);
    return undefined;
  }

  private async plan(name: string, records: readonly RecordInput[]): Promise<Work> {
    const topic = await this.cluster.topic(name);
    const partitions = groupByPartition(topic, records, this.keyless).map((group) => {
      return { ...group, next: 0, batch: undefined, batchBytesMax: BATCH_BYTES_MAX };
    });
    const nowMs = this.cluster.options.clock.nowMs();
    return { topic: name, topicId: topic.id, records, nowMs, partitions, ranges: [] };
  }

  /** Sends until everything is acknowledged. What was acknowledged stays so where an error ends it. */
  private async advance(work: Work): Promise<void> {
    for (;;) {
      const open = work.partitions.filter(({ next, records }) => next < records.length);
      if (open.length === 0) return;
      const topic = await this.cluster.topic(work.topic);
      if (topic.id !== work.topicId) throw recreated(work.topic);
      await this.sendRound(work, topic, open);
    }
  }

  /** The next batch of every open partition, to all leaders at once. Every answer is taken in before an error is thrown. */
  private async sendRound(work: Work, topic: TopicMetadata, open: readonly PartitionWork[]): Promise<void> {
    const identity = (this.identity ??= await this.introduce());
    const round = this.prepare(work, identity, open);
    const led = await this.cluster.leadersOf(topic, [...round.keys()], 'write');
    const { acks, requestTimeoutMs } = this.cluster.options;
    const answers = await Promise.allSettled(
      led.map(async ({ connection, partitions }) => {
        const batches = partitions.map((partition) => {
          const { batch } = round.get(partition) as PartitionWork;
          return { partition, bytes: (batch as EncodedKafkaBatch).bytes };
        });
        const timeoutMs = Math.ceil(requestTimeoutMs / 2);
        return produceRecords(connection, { topic: work.topic, acks, timeoutMs, batches });
      }),
    );
    const faults: Error[] = [];
    for (const answer of answers) {
      if (answer.status === 'rejected') faults.push(answer.reason as Error);
      else {
        const found = answer.value.map((produced) => this.takeAnswer(work, identity, round, produced));
        faults.push(...found.filter((fault) => fault !== undefined));
      }
    }
    const fault = faults.find((each) => each instanceof TallystreamError) ?? faults[0];
    if (fault !== undefined) throw fault;
  }

  private prepare(
    work: Work,
    identity: Identity,
    open: readonly PartitionWork[],
  ): Map<number, PartitionWork> {
    const { compression } = this.cluster.options;
    const round = new Map<number, PartitionWork>();
    let requestBytes = 0;
    for (const part of open) {
      part.batch ??= encodeKafkaBatch(part.records, part.next, {
        nowMs: work.nowMs,
        bytesMax: part.batchBytesMax,
        compression,
      });
      requestBytes += part.batch.bytes.length;
      if (round.size > 0 && requestBytes > REQUEST_BYTES_MAX) break;
      const { producerId, producerEpoch, sequences } = identity;
      const sequence = identity === ANONYMOUS ? -1 : (sequences.get(sequenceKey(work, part.partition)) ?? 0);
      stampBatch(part.batch, { producerId, producerEpoch, sequence });
      round.set(part.partition, part);
    }
    return round;
  }

  /** Notes what one partition answered; gives the error where it is one. */
  private takeAnswer(
    work: Work,
    identity: Identity,
    round: ReadonlyMap<number, PartitionWork>,
    { partition, code, baseOffset, message }: ProducedPartition,
  ): Error | undefined {
    const part = round.get(partition);
    if (part?.batch === undefined)
      return new InvariantError(`an answer for partition ${partition}, which was not sent`);
    const { count, bytes } = part.batch;
    if (code === 0) {
      const key = sequenceKey(work, partition);
      identity.sequences.set(key, ((identity.sequences.get(key) ?? 0) + count) % SEQUENCE_MODULUS);
      work.ranges.push({ partition, baseOffset, count });
      part.next += count;
      part.batch = undefined;
      return undefined;
    }
    if (code === CODE.MESSAGE_TOO_LARGE || code === CODE.RECORD_LIST_TOO_LARGE) {
      if (count === 1) return tooLarge(work, part.records[part.next] as RecordInput, bytes.length);
      // The topic takes less than the default; a smaller batch may fit, and its sequence has not been used.
      part.batchBytesMax = Math.ceil(Math.min(part.batchBytesMax, bytes.length) / 2);
      part.batch = undefined;
      return undefined;
    }
    if (LOST_IDENTITY.has(code) && this.identity !== ANONYMOUS) this.identity = undefined;
    return new BrokerFault(code, message);
  }

  /** Batches that may or may not have arrived would make the next sequence wrong; a new identity starts from none. */
  private loseIdentity(work: Work): void {
    if (this.identity === ANONYMOUS) return;
    if (work.partitions.some(({ batch }) => batch !== undefined)) this.identity = undefined;
  }

  private async introduce(): Promise<Identity> {
    const connection = await this.cluster.any();
    const answer = await initProducerIdV4.api.async(connection, null, TRANSACTION_TIMEOUT_NONE_MS);
    return { producerId: answer.producerId, producerEpoch: answer.producerEpoch, sequences: new Map() };
  }
}

function sequenceKey({ topicId }: Work, partition: number): string {
  return `${topicId} ${partition}`;
}

/** Ranges of one partition that lie end to end become one; in order of partition and offset. */
function joinRuns(ranges: readonly AppendedRange[]): AppendedRange[] {
  const joined: AppendedRange[] = [];
  const inOrder = ranges.toSorted((a, b) => a.partition - b.partition || a.baseOffset - b.baseOffset);
  for (const range of inOrder) {
    const last = joined.at(-1);
    const follows = last?.partition === range.partition && last.baseOffset + last.count === range.baseOffset;
    if (follows) joined.splice(-1, 1, { ...last, count: last.count + range.count });
    else joined.push(range);
  }
  return joined;
}

function tooLarge({ topic, records }: Work, record: RecordInput, batchBytes: number): TallystreamError {
  return new TallystreamError('RECORD_TOO_LARGE', {
    what: `Record ${records.indexOf(record)} of the append, with a value of ${record.value?.length ?? 0} bytes, is larger than the broker takes for topic ${topic} (${batchBytes} bytes as a batch).`,
    mend: "Leave the record out, or raise the topic's max.message.bytes; other records of this append may have been written.",
  });
}

function recreated(topic: string): TallystreamError {
  return new TallystreamError('TOPIC_RECREATED', {
    what: `Topic ${topic} was deleted and made anew while records were appended to it.`,
    why: 'Those that were acknowledged before are gone with the old topic.',
  });
}
