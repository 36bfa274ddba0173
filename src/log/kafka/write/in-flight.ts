/**
 * Pipelined sends: a delivery that is sent while earlier ones are still in flight. It is sent once. Batches that the brokers
 * did not acknowledge are left to `deliver`, which sends one batch at a time and evaluates every response.
 */
import type { KafkaCluster } from '../cluster/cluster.ts';
import {
  acknowledge,
  encodeNext,
  request,
  REQUEST_BYTES_MAX,
  sequenceKey,
  stamp,
  type Delivery,
  type Identity,
  type Sender,
} from './send.ts';

export type Leaders = Awaited<ReturnType<KafkaCluster['leadersOf']>>;

/**
 * The leaders to send the delivery to in one request each; undefined if it cannot be pipelined. Every partition must have
 * an acknowledged batch under this identity: a broker that does not know the producer yet would accept a later batch even
 * if an earlier one was lost.
 */
export async function findPipelineLeaders(
  cluster: KafkaCluster,
  delivery: Delivery,
  sender: Sender,
  identity: Identity | undefined,
): Promise<Leaders | undefined> {
  const sequences = identity?.sequences;
  if (sequences === undefined) return undefined;
  let requestBytes = 0;
  for (const part of delivery.partitions) {
    if (part.next > 0 || part.stamp !== undefined) return undefined;
    if (!sequences.has(sequenceKey(delivery, part.partition))) return undefined;
    const { count, bytes } = encodeNext(cluster, delivery, part, sender);
    requestBytes += bytes.length;
    if (count < part.count || requestBytes > REQUEST_BYTES_MAX) return undefined;
  }
  try {
    const topic = await cluster.topic(delivery.topic);
    if (topic.id !== delivery.topicId) return undefined;
    const partitions = delivery.partitions.map(({ partition }) => partition);
    return await cluster.leadersOf(topic, partitions, sender.purpose);
  } catch {
    // `deliver` meets the same error and reports it.
    return undefined;
  }
}

/**
 * Sends the whole delivery after the requests in flight, before this returns. Resolves when every request has a response
 * or is lost. Never rejects.
 */
export async function sendPipelined(
  cluster: KafkaCluster,
  delivery: Delivery,
  sender: Sender,
  {
    leaders,
    identity,
    before,
  }: {
    readonly leaders: Leaders;
    readonly identity: Identity;
    /** Deliveries to the same topic that are in flight and were sent earlier. */
    readonly before: readonly Delivery[];
  },
): Promise<void> {
  for (const part of delivery.partitions) stamp(delivery, part, identity, before);
  // Each response is processed when it arrives: another broker may take longer.
  const responses = request(cluster, delivery, sender, leaders).map(async (response) => {
    for (const { partition, code, baseOffset } of await response) {
      const part = delivery.partitions.find((each) => each.partition === partition);
      if (code === 0 && part?.batch !== undefined) acknowledge(delivery, part, baseOffset);
    }
  });
  for (const { status } of await Promise.allSettled(responses)) {
    if (status === 'rejected') sender.onNoResponse?.();
  }
}
