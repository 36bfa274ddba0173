/**
 * A delivery that is sent while others are still under way. It is sent once, in the hope that nothing goes wrong: what
 * the brokers did not acknowledge stays as it is, for the careful way (`deliver`), which sends one batch at a time and
 * judges every answer.
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

export type Route = Awaited<ReturnType<KafkaCluster['leadersOf']>>;

/**
 * The leaders that the delivery would be sent to in one request each; undefined where it has to go the careful way. Of
 * every partition some batch must be acknowledged under this identity: a broker that does not know the producer yet would
 * take a later batch although an earlier one was lost.
 */
export async function routeOf(
  cluster: KafkaCluster,
  delivery: Delivery,
  sender: Sender,
  identity: Identity | undefined,
): Promise<Route | undefined> {
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
    // What is the matter is for the careful way to find out.
    return undefined;
  }
}

/**
 * Sends all of it behind what is under way, at once: before this returns. Resolves, and never rejects, when every request
 * is answered or lost.
 */
export async function takeOff(
  cluster: KafkaCluster,
  delivery: Delivery,
  sender: Sender,
  way: {
    readonly route: Route;
    readonly identity: Identity;
    /** Deliveries to the same topic that are under way, and were sent before. */
    readonly before: readonly Delivery[];
  },
): Promise<void> {
  for (const part of delivery.partitions) stamp(delivery, part, way.identity, way.before);
  // Each answer is taken in when it comes: that of another broker may be long in coming.
  const answers = request(cluster, delivery, sender, way.route).map(async (asked) => {
    for (const { partition, code, baseOffset } of await asked) {
      const part = delivery.partitions.find((each) => each.partition === partition);
      if (code === 0 && part?.batch !== undefined) acknowledge(delivery, part, baseOffset);
    }
  });
  for (const { status } of await Promise.allSettled(answers)) {
    if (status === 'rejected') sender.onSilence?.();
  }
}
