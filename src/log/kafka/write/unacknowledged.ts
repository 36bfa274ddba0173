/**
 * Unacknowledged batches of a producer id that the brokers have since rejected, for example because a broker lost its
 * producer state. If a batch had arrived and were sent again under the next producer id, it would be in the log twice. So
 * the leader is asked for the last sequence of the old producer id in the partition
 * (https://cwiki.apache.org/confluence/display/KAFKA/KIP-664, DescribeProducers). Batches arrive in sequence or not at all.
 */
import { describeProducersV0 } from '../wire/client.ts';
import type { KafkaCluster } from '../cluster/cluster.ts';
import { acknowledge, openPartitions, type Delivery, type Identity, type PartitionDelivery } from './send.ts';
import { brokerCodesOf, CODE } from '../wire/errors.ts';
import { isAtOrAfter, sequenceAfter } from './sequence.ts';

/** Acknowledges the batches of the delivery that have arrived under an identity other than the present one. One attempt. */
export async function settleUnacknowledged(
  cluster: KafkaCluster,
  delivery: Delivery,
  present: Identity | undefined,
): Promise<void> {
  const unacknowledged = openPartitions(delivery).filter(
    ({ stamp }) => stamp?.identity.sequences !== undefined && stamp.identity !== present,
  );
  if (unacknowledged.length === 0) return;
  const topic = await cluster.topic(delivery.topic);
  // `deliver` reports batches that were lost with the old topic.
  if (topic.id !== delivery.topicId) return;
  const all = unacknowledged.map(({ partition }) => partition);
  const led = await cluster.leadersOf(topic, all, 'ask');
  await Promise.all(
    led.map(async ({ connection, partitions }) => {
      const producers = await producersOn(connection, topic.name, partitions);
      for (const part of unacknowledged) {
        const known = producers.get(part.partition);
        // Its offset is no longer known.
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
    // A user who may write the topic but not read it gets no answer. Sent again, the batch may be duplicated but is not lost.
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
    return isAtOrAfter(sequenceAfter(stamp.sequence, batch.count - 1), each.lastSequence);
  });
}
