/**
 * Records on their way to the leaders of their partitions, for whoever appends: with a sequence a batch, so that the
 * broker finds one that is sent again (https://cwiki.apache.org/confluence/display/KAFKA/KIP-98). One batch a partition
 * is under way at a time, so the order of a partition's records is that of the call.
 */
import type { AppendedRange, RecordBlock, RecordInput } from '../contracts/log.ts';
import { InvariantError, TallystreamError } from '../errors.ts';
import { groupByPartition, groupRowsByPartition, type KeylessTurn } from './append-plan.ts';
import type { KafkaCluster, Purpose, TopicMetadata } from './kafka-cluster.ts';
import { encodeKafkaBatch, stampBatch, type EncodedKafkaBatch, type EncodeOptions } from './kafka-encode.ts';
import { encodeKafkaRows } from './kafka-encode-rows.ts';
import { CODE } from './kafka-errors.ts';
import { produceRecords, type ProducedPartition } from './kafka-protocol.ts';

/** Below the 1 MiB that a broker takes as a batch by default (message.max.bytes). */
const BATCH_BYTES_MAX = 1_000_000;
/** Bound of one request; a larger batch goes alone. */
const REQUEST_BYTES_MAX = 32 * 1024 * 1024;
const SEQUENCE_MODULUS = 2 ** 31;

/** What one call has for one partition. */
interface PartitionInput {
  readonly partition: number;
  readonly count: number;
  /** A batch of those from the `from`-th on, as many as fit. */
  readonly encode: (from: number, options: EncodeOptions) => EncodedKafkaBatch;
  /** The place within the call, and the bytes of the value, for the error that names a record. */
  readonly describe: (at: number) => { readonly index: number; readonly valueBytes: number };
}

/** What of one call is still to go to one partition. */
interface PartitionDelivery extends PartitionInput {
  /** The first record that is not acknowledged. */
  next: number;
  /** Sent, or about to be sent; kept until the broker has answered. */
  batch: EncodedKafkaBatch | undefined;
  batchBytesMax: number;
}

/** What one call appends: records, or the rows of a block. */
export type AppendInput = readonly RecordInput[] | RecordBlock;

/** One call's records, and how far they have got. */
export interface Delivery {
  readonly topic: string;
  readonly topicId: string;
  readonly input: AppendInput;
  readonly nowMs: number;
  readonly partitions: readonly PartitionDelivery[];
  readonly ranges: AppendedRange[];
}

/** Whom a broker takes the batches for. */
export interface Identity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** The next sequence by topic id and partition; undefined where batches have none. */
  readonly sequences: Map<string, number> | undefined;
}

/** Who sends: what differs between appends alone and those of a transaction. */
export interface Sender {
  readonly purpose: Purpose;
  /** Null outside of transactions. */
  readonly transactionalId: string | null;
  readonly acks: 'all' | 'leader';
  /** Called before every round: the partitions are all that something is still to go to. May ask the broker. */
  readonly identify: (topic: TopicMetadata, partitions: readonly number[]) => Promise<Identity>;
  /** The error for what a partition answered; too large a batch is not among it. */
  readonly faultOf: (code: number, message: string | null) => Error;
  /** Told when a request got no answer, so that it may still arrive. */
  readonly onSilence?: () => void;
}

/** @throws TOPIC_NOT_FOUND, RECORD_TOO_LARGE (above the bound of every log), and whatever one attempt can meet */
export async function planDelivery(
  cluster: KafkaCluster,
  name: string,
  input: AppendInput,
  keyless: KeylessTurn,
): Promise<Delivery> {
  const topic = await cluster.topic(name);
  const inputs =
    'bytes' in input ? inputsOfBlock(topic, input, keyless) : inputsOfRecords(topic, input, keyless);
  const partitions = inputs.map((each) => {
    return { ...each, next: 0, batch: undefined, batchBytesMax: BATCH_BYTES_MAX };
  });
  return {
    topic: name,
    topicId: topic.id,
    input,
    nowMs: cluster.options.clock.nowMs(),
    partitions,
    ranges: [],
  };
}

function inputsOfRecords(
  topic: TopicMetadata,
  input: readonly RecordInput[],
  keyless: KeylessTurn,
): PartitionInput[] {
  return groupByPartition(topic, input, keyless).map(({ partition, records }) => ({
    partition,
    count: records.length,
    encode: (from, options) => encodeKafkaBatch(records, from, options),
    describe(at) {
      const record = records[at] as RecordInput;
      return { index: input.indexOf(record), valueBytes: record.value?.length ?? 0 };
    },
  }));
}

function inputsOfBlock(topic: TopicMetadata, block: RecordBlock, keyless: KeylessTurn): PartitionInput[] {
  return groupRowsByPartition(topic, block, keyless).map(({ partition, rows }) => ({
    partition,
    count: rows.length,
    encode: (from, options) => encodeKafkaRows(block, rows, from, options),
    describe(at) {
      const index = rows[at] as number;
      return { index, valueBytes: (block.valueEnd[index] as number) - (block.valueStart[index] as number) };
    },
  }));
}

/**
 * Sends until everything is acknowledged. What was acknowledged stays so where an error ends it, and a repeat with the
 * same delivery goes on from there.
 */
export async function deliver(cluster: KafkaCluster, delivery: Delivery, sender: Sender): Promise<void> {
  for (;;) {
    const open = delivery.partitions.filter(({ next, count }) => next < count);
    if (open.length === 0) return;
    const topic = await cluster.topic(delivery.topic);
    if (topic.id !== delivery.topicId) throw topicRecreated(delivery.topic);
    await sendRound(cluster, delivery, sender, topic, open);
  }
}

/** Whether a batch may or may not have arrived. */
export function hasUnanswered({ partitions }: Delivery): boolean {
  return partitions.some(({ batch }) => batch !== undefined);
}

/** The next batch of every open partition, to all leaders at once. Every answer is taken in before an error is thrown. */
async function sendRound(
  cluster: KafkaCluster,
  delivery: Delivery,
  sender: Sender,
  topic: TopicMetadata,
  open: readonly PartitionDelivery[],
): Promise<void> {
  const all = open.map(({ partition }) => partition);
  const identity = await sender.identify(topic, all);
  const round = prepareRound(cluster, delivery, sender, identity, open);
  const led = await cluster.leadersOf(topic, [...round.keys()], sender.purpose);
  const { acks, transactionalId } = sender;
  const timeoutMs = Math.ceil(cluster.options.requestTimeoutMs / 2);
  const answers = await Promise.allSettled(
    led.map(async ({ connection, partitions }) => {
      const batches = partitions.map((partition) => {
        const { batch } = round.get(partition) as PartitionDelivery;
        return { partition, bytes: (batch as EncodedKafkaBatch).bytes };
      });
      return produceRecords(connection, {
        topic: delivery.topic,
        transactionalId,
        acks,
        timeoutMs,
        batches,
      });
    }),
  );
  const faults: Error[] = [];
  for (const answer of answers) {
    if (answer.status === 'rejected') {
      sender.onSilence?.();
      faults.push(answer.reason as Error);
    } else {
      const found = answer.value.map((produced) => takeAnswer(delivery, sender, identity, round, produced));
      faults.push(...found.filter((fault) => fault !== undefined));
    }
  }
  // What may pass goes first: the other comes again in the next round, and then nothing is left in between.
  const fault = faults.find((each) => !(each instanceof TallystreamError)) ?? faults[0];
  if (fault !== undefined) throw fault;
}

function prepareRound(
  cluster: KafkaCluster,
  delivery: Delivery,
  { transactionalId }: Sender,
  { producerId, producerEpoch, sequences }: Identity,
  open: readonly PartitionDelivery[],
): Map<number, PartitionDelivery> {
  const { compression } = cluster.options;
  const isTransactional = transactionalId !== null;
  const round = new Map<number, PartitionDelivery>();
  let requestBytes = 0;
  for (const part of open) {
    part.batch ??= part.encode(part.next, {
      nowMs: delivery.nowMs,
      bytesMax: part.batchBytesMax,
      compression,
      isTransactional,
    });
    requestBytes += part.batch.bytes.length;
    if (round.size > 0 && requestBytes > REQUEST_BYTES_MAX) break;
    const sequence =
      sequences === undefined ? -1 : (sequences.get(sequenceKey(delivery, part.partition)) ?? 0);
    stampBatch(part.batch, { producerId, producerEpoch, sequence });
    round.set(part.partition, part);
  }
  return round;
}

/** Notes what one partition answered; gives the error where it is one. */
function takeAnswer(
  delivery: Delivery,
  sender: Sender,
  { sequences }: Identity,
  round: ReadonlyMap<number, PartitionDelivery>,
  { partition, code, baseOffset, message }: ProducedPartition,
): Error | undefined {
  const part = round.get(partition);
  if (part?.batch === undefined)
    return new InvariantError(`an answer for partition ${partition}, which was not sent`);
  const { count, bytes } = part.batch;
  if (code === 0) {
    const key = sequenceKey(delivery, partition);
    sequences?.set(key, ((sequences.get(key) ?? 0) + count) % SEQUENCE_MODULUS);
    delivery.ranges.push({ partition, baseOffset, count });
    part.next += count;
    part.batch = undefined;
    return undefined;
  }
  if (code === CODE.MESSAGE_TOO_LARGE || code === CODE.RECORD_LIST_TOO_LARGE) {
    // The broker has nothing of it, and its sequence has not been used.
    part.batch = undefined;
    if (count === 1) return tooLarge(delivery.topic, part, bytes.length);
    // The topic takes less than the default; a smaller batch may fit.
    part.batchBytesMax = Math.ceil(Math.min(part.batchBytesMax, bytes.length) / 2);
    return undefined;
  }
  return sender.faultOf(code, message);
}

function sequenceKey({ topicId }: Delivery, partition: number): string {
  return `${topicId} ${partition}`;
}

function tooLarge(topic: string, part: PartitionDelivery, batchBytes: number): TallystreamError {
  const { index, valueBytes } = part.describe(part.next);
  return new TallystreamError('RECORD_TOO_LARGE', {
    what: `Record ${index} of the append, with a value of ${valueBytes} bytes, is larger than the broker takes for topic ${topic} (${batchBytes} bytes as a batch).`,
    mend: "Leave the record out, or raise the topic's max.message.bytes; other records of this append may have been written.",
  });
}

export function topicRecreated(topic: string): TallystreamError {
  return new TallystreamError('TOPIC_RECREATED', {
    what: `Topic ${topic} was deleted and made anew while records were appended to it.`,
    why: 'Those that were acknowledged before are gone with the old topic.',
  });
}
