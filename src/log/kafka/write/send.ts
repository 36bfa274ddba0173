/**
 * Sends records to the leaders of their partitions. Each batch has a sequence, so that the broker recognises a repeated one
 * (https://cwiki.apache.org/confluence/display/KAFKA/KIP-98). One batch per partition is in flight at a time, so the
 * records of a partition keep the order of the call.
 */
import type { AppendedRange, RecordInPlace } from '../../../contracts/log.ts';
import { InvariantError, TallystreamError } from '../../../errors.ts';
import type { KeylessTurn } from '../../shared/append-plan.ts';
import type { KafkaCluster, Purpose, TopicMetadata } from '../cluster/cluster.ts';
import { stampBatch, type EncodedKafkaBatch } from '../wire/encode.ts';
import { splitInput, type AppendInput, type PartitionInput } from './input.ts';
import { produceRecords, type ProducedPartition } from '../wire/produce.ts';
import { REFUSALS, replaceRefused, tooLarge } from './refused.ts';
import { isAtOrAfter, sequenceAfter } from './sequence.ts';

/** Below the 1 MiB that a broker takes as a batch by default (message.max.bytes). */
const BATCH_BYTES_MAX = 1_000_000;
/** Bound of one request; a larger batch goes alone. */
export const REQUEST_BYTES_MAX = 32 * 1024 * 1024;

/** The part of a call that goes to one partition. */
export interface PartitionDelivery extends PartitionInput {
  /** The first record that is not acknowledged. */
  next: number;
  /** Sent, or about to be sent; kept until the broker has responded. */
  batch: EncodedKafkaBatch | undefined;
  /** The producer id and sequence of `batch`, which a repeat must use again. */
  stamp: { readonly identity: Identity; readonly sequence: number } | undefined;
  batchBytesMax: number;
}

/** One call's records, and how far they have got. */
export interface Delivery {
  readonly topic: string;
  readonly topicId: string;
  readonly input: AppendInput;
  readonly nowMs: number;
  readonly partitions: readonly PartitionDelivery[];
  readonly ranges: AppendedRange[];
}

/** The producer id and epoch that batches are sent with. */
export interface Identity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** The next sequence by topic id and partition; undefined if batches have none. */
  readonly sequences: Map<string, number> | undefined;
}

/** What differs between idempotent and transactional sends. */
export interface Sender {
  readonly purpose: Purpose;
  /** Null outside of transactions. */
  readonly transactionalId: string | null;
  readonly acks: 'all' | 'leader';
  /** Called before every round, with all partitions that have unsent records. May ask the broker. */
  readonly identify: (topic: TopicMetadata, partitions: readonly number[]) => Promise<Identity>;
  /** The error for the error code of a partition, except for a batch that is too large. */
  readonly faultOf: (code: number, message: string | null) => Error;
  /** Called when a request got no response, so that it may still arrive. */
  readonly onNoResponse?: () => void;
}

/** @throws TOPIC_NOT_FOUND, RECORD_TOO_LARGE (above the bound of every log), and any error of one attempt */
export async function planDelivery(
  cluster: KafkaCluster,
  name: string,
  input: AppendInput,
  keyless: KeylessTurn,
  inPlaceOf?: RecordInPlace,
): Promise<Delivery> {
  const topic = await cluster.topic(name);
  const partitions = splitInput(topic, input, keyless, inPlaceOf).map((each) => {
    return { ...each, next: 0, batch: undefined, stamp: undefined, batchBytesMax: BATCH_BYTES_MAX };
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

/**
 * Sends until everything is acknowledged. If an error ends it, acknowledged records stay acknowledged, and a repeat with
 * the same delivery continues from there.
 */
export async function deliver(cluster: KafkaCluster, delivery: Delivery, sender: Sender): Promise<void> {
  for (;;) {
    const open = openPartitions(delivery);
    if (open.length === 0) return;
    const topic = await cluster.topic(delivery.topic);
    if (topic.id !== delivery.topicId) throw topicRecreated(delivery.topic);
    await sendRound(cluster, delivery, sender, topic, open);
  }
}

export function openPartitions({ partitions }: Delivery): readonly PartitionDelivery[] {
  return partitions.filter(({ next, count }) => next < count);
}

/** Whether a batch may or may not have arrived. */
export function hasUnanswered({ partitions }: Delivery): boolean {
  return partitions.some(({ batch }) => batch !== undefined);
}

/** Sends the next batch of every open partition to all leaders at once. Processes every response before it throws. */
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
  const answers = await Promise.allSettled(request(cluster, delivery, sender, led));
  const faults: Error[] = [];
  for (const answer of answers) {
    if (answer.status === 'rejected') {
      sender.onNoResponse?.();
      faults.push(answer.reason as Error);
    } else {
      const found = answer.value.map((produced) => takeAnswer(delivery, sender, round, produced));
      faults.push(...found.filter((fault) => fault !== undefined));
    }
  }
  // An error that may pass goes first: the other one comes again in the next round.
  const fault = faults.find((each) => !(each instanceof TallystreamError)) ?? faults[0];
  if (fault !== undefined) throw fault;
}

/** Sends the batches that were encoded and stamped. When it returns, all have been handed to their connections. */
export function request(
  cluster: KafkaCluster,
  { topic, partitions: all }: Delivery,
  { acks, transactionalId }: Pick<Sender, 'acks' | 'transactionalId'>,
  led: Awaited<ReturnType<KafkaCluster['leadersOf']>>,
): Promise<ProducedPartition[]>[] {
  const timeoutMs = Math.ceil(cluster.options.requestTimeoutMs / 2);
  return led.map(({ connection, partitions }) => {
    const sent = all.filter(({ partition }) => partitions.includes(partition));
    const batches = sent.map(({ partition, batch }) => ({
      partition,
      bytes: (batch as EncodedKafkaBatch).bytes,
    }));
    return produceRecords(connection, { topic, transactionalId, acks, timeoutMs, batches });
  });
}

function prepareRound(
  cluster: KafkaCluster,
  delivery: Delivery,
  sender: Sender,
  identity: Identity,
  open: readonly PartitionDelivery[],
): Map<number, PartitionDelivery> {
  const round = new Map<number, PartitionDelivery>();
  let requestBytes = 0;
  for (const part of open) {
    requestBytes += encodeNext(cluster, delivery, part, sender).bytes.length;
    if (round.size > 0 && requestBytes > REQUEST_BYTES_MAX) break;
    stamp(delivery, part, identity);
    round.set(part.partition, part);
  }
  return round;
}

/** The next batch of a partition; the same batch again if it has no response yet. */
export function encodeNext(
  cluster: KafkaCluster,
  { nowMs }: Delivery,
  part: PartitionDelivery,
  { transactionalId }: Pick<Sender, 'transactionalId'>,
): EncodedKafkaBatch {
  const { compression } = cluster.options;
  const isTransactional = transactionalId !== null;
  return (part.batch ??= part.encode(part.next, {
    nowMs,
    bytesMax: part.batchBytesMax,
    compression,
    isTransactional,
  }));
}

/** @param before deliveries in flight to the same topic that were sent earlier, in their order */
export function stamp(
  delivery: Delivery,
  part: PartitionDelivery,
  identity: Identity,
  before: readonly Delivery[] = [],
): void {
  const { producerId, producerEpoch } = identity;
  if (part.stamp?.identity !== identity) {
    part.stamp = { identity, sequence: nextSequence(delivery, part, identity, before) };
  }
  const { sequence } = part.stamp;
  stampBatch(part.batch as EncodedKafkaBatch, { producerId, producerEpoch, sequence });
}

/**
 * The sequence after the last batch that is acknowledged or in flight. Responses may arrive out of order, so a batch in
 * flight may precede an acknowledged one.
 */
function nextSequence(
  delivery: Delivery,
  { partition }: PartitionDelivery,
  identity: Identity,
  before: readonly Delivery[],
): number {
  const { sequences } = identity;
  if (sequences === undefined) return -1;
  let next = sequences.get(sequenceKey(delivery, partition)) ?? 0;
  for (const part of before.flatMap(openPartitions)) {
    if (part.partition !== partition || part.stamp?.identity !== identity || part.batch === undefined)
      continue;
    const end = sequenceAfter(part.stamp.sequence, part.batch.count);
    if (isAtOrAfter(next, end)) next = end;
  }
  return next;
}

/**
 * Notes that the broker has the batch of a partition.
 * @param baseOffset undefined if it is no longer known
 */
export function acknowledge(
  delivery: Delivery,
  part: PartitionDelivery,
  baseOffset: number | undefined,
): void {
  const { partition } = part;
  const { count } = part.batch as EncodedKafkaBatch;
  const sequences = part.stamp?.identity.sequences;
  if (sequences !== undefined) {
    const key = sequenceKey(delivery, partition);
    const next = sequenceAfter(part.stamp?.sequence ?? 0, count);
    // A late response may arrive after those to later batches, and must not set the sequence back.
    if (isAtOrAfter(sequences.get(key) ?? 0, next)) sequences.set(key, next);
  }
  if (baseOffset !== undefined) delivery.ranges.push({ partition, baseOffset, count });
  part.next += count;
  part.batch?.release?.();
  part.batch = undefined;
  part.stamp = undefined;
}

/** Processes the response of one partition, and returns its error, if any. */
function takeAnswer(
  delivery: Delivery,
  sender: Sender,
  round: ReadonlyMap<number, PartitionDelivery>,
  { partition, code, baseOffset, message, refused }: ProducedPartition,
): Error | undefined {
  const part = round.get(partition);
  if (part?.batch === undefined)
    return new InvariantError(`an answer for partition ${partition}, which was not sent`);
  if (code === 0) {
    acknowledge(delivery, part, baseOffset);
    return undefined;
  }
  const refusal = REFUSALS.get(code);
  const batch = part.batch;
  const isTooLarge = refusal === 'too large';
  if (refusal === undefined || (!isTooLarge && part.replace === undefined))
    return sender.faultOf(code, message);
  // The broker stored nothing of it and did not use its sequence.
  part.batch = undefined;
  part.stamp = undefined;
  if (replaceRefused(part, batch, refusal, refused)) return undefined;
  return isTooLarge ? tooLarge(delivery.topic, part, batch.bytes.length) : sender.faultOf(code, message);
}

export function sequenceKey({ topicId }: Delivery, partition: number): string {
  return `${topicId} ${partition}`;
}

export function topicRecreated(topic: string): TallystreamError {
  return new TallystreamError('TOPIC_RECREATED', {
    what: `Topic ${topic} was deleted and created again while records were being appended to it.`,
    why: 'Records that were acknowledged earlier were deleted with the old topic.',
  });
}
