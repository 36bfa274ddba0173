/**
 * Transactions that have ended for their coordinator and not for a partition. Brokers with
 * https://issues.apache.org/jira/browse/KAFKA-20734 (4.3.0 is one) leave a marker out for good where a partition has no
 * leader at the moment, as after a broker was killed, and call the transaction complete all the same. Readers then stop
 * before its records, until the same producer ends another transaction there: and that one's end counts for both.
 */
import { describeProducersV0 } from './kafka-client.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import { brokerCodesOf, CODE } from './kafka-errors.ts';

/** Partitions by topic. */
export type TopicPartitions = ReadonlyMap<string, readonly number[]>;

/** The partitions on which the producer has a transaction open, by what their leaders say. One attempt. */
export async function partitionsLeftOpen(
  cluster: KafkaCluster,
  producerId: bigint,
  among: TopicPartitions,
): Promise<TopicPartitions> {
  const open = new Map<string, readonly number[]>();
  for (const [name, partitions] of among) {
    const topic = await cluster.lookUp(name);
    // What went with its topic is not open.
    if (topic === undefined) continue;
    const led = await cluster.leadersOf(topic, partitions, 'ask');
    const found = await Promise.all(
      led.map((each) => leftOpenOn(each.connection, producerId, name, each.partitions)),
    );
    if (found.flat().length > 0) open.set(name, found.flat());
  }
  return open;
}

type Connection = Parameters<typeof describeProducersV0.api.async>[0];

async function leftOpenOn(
  connection: Connection,
  producerId: bigint,
  name: string,
  partitions: readonly number[],
): Promise<number[]> {
  try {
    const asked = [{ name, partitionIndexes: [...partitions] }];
    const { topics } = await describeProducersV0.api.async(connection, asked);
    return topics
      .flatMap((topic) => topic.partitions)
      .filter(({ activeProducers }) =>
        activeProducers.some((each) => each.producerId === producerId && each.currentTxnStartOffset >= 0n),
      )
      .map(({ partitionIndex }) => partitionIndex);
  } catch (error) {
    // Who may write a topic and not read it is not told, and has the coordinator's word alone.
    if (brokerCodesOf(error).includes(CODE.TOPIC_AUTHORIZATION_FAILED)) return [];
    throw error;
  }
}
