/**
 * Batches that were sent under an identity that the brokers have since refused, as after a broker lost what it knew of the
 * producer: sent again under the next identity, one that had arrived would lie in the log twice. The leader is asked how
 * far the old identity's sequence has come in the partition
 * (https://cwiki.apache.org/confluence/display/KAFKA/KIP-664, DescribeProducers): batches arrive in sequence or not at all.
 */
import { describeProducersV0 } from '../wire/client.ts';
import type { KafkaCluster } from '../cluster/cluster.ts';
import { acknowledge, openPartitions, type Delivery, type Identity, type PartitionDelivery } from './send.ts';
import { brokerCodesOf, CODE } from '../wire/errors.ts';
import { hasCome, sequenceAfter } from './sequence.ts';

/** Acknowledges what of the delivery has arrived under an identity other than the present one. One attempt. */
export async function settleDoubt(
  cluster: KafkaCluster,
  delivery: Delivery,
  present: Identity | undefined,
): Promise<void> {
  const doubtful = openPartitions(delivery).filter(
    ({ stamp }) => stamp?.identity.sequences !== undefined && stamp.identity !== present,
  );
  if (doubtful.length === 0) return;
  const topic = await cluster.topic(delivery.topic);
  // What went with the old topic is for the one who sends to tell.
  if (topic.id !== delivery.topicId) return;
  const all = doubtful.map(({ partition }) => partition);
  const led = await cluster.leadersOf(topic, all, 'ask');
  await Promise.all(
    led.map(async ({ connection, partitions }) => {
      const producers = await producersOn(connection, topic.name, partitions);
      for (const part of doubtful) {
        const known = producers.get(part.partition);
        // Where it lies is not known any more.
        if (known !== undefined && hasArrived(part, known)) acknowledge(delivery, part, undefined);
      }
    }),
  );
}

type Connection = Parameters<typeof describeProducersV0.api.async>[0];
type ActiveProducers = Awaited<
  ReturnType<typeof describeProducersV0.api.async>
>['topics'][number]['partitions'][number]['activeProducers'];

async function producersOn(
  connection: Connection,
  name: string,
  partitions: readonly number[],
): Promise<ReadonlyMap<number, ActiveProducers>> {
  try {
    const { topics } = await describeProducersV0.api.async(connection, [
      { name, partitionIndexes: [...partitions] },
    ]);
    const found = topics.flatMap((topic) => topic.partitions);
    return new Map(found.map(({ partitionIndex, activeProducers }) => [partitionIndex, activeProducers]));
  } catch (error) {
    // Who may write a topic and not read it is not told. Sent again, the batch may be doubled, and is not lost.
    if (brokerCodesOf(error).includes(CODE.TOPIC_AUTHORIZATION_FAILED)) return new Map();
    throw error;
  }
}

function hasArrived({ stamp, batch }: PartitionDelivery, producers: ActiveProducers): boolean {
  if (stamp === undefined || batch === undefined) return false;
  const { producerId, producerEpoch } = stamp.identity;
  return producers.some((each) => {
    if (each.producerId !== producerId || each.producerEpoch !== producerEpoch || each.lastSequence < 0)
      return false;
    return hasCome(sequenceAfter(stamp.sequence, batch.count - 1), each.lastSequence);
  });
}
