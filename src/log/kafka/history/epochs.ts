/**
 * Where a log's leader epochs end: a record that was read under an epoch is below its end, in every log that has the
 * same history (KIP-101, KIP-320: https://cwiki.apache.org/confluence/display/KAFKA/KIP-320).
 */
import { offsetForLeaderEpochV4 } from '../wire/client.ts';
import type { KafkaCluster, TopicMetadata } from '../cluster/cluster.ts';
import { BrokerFault, CODE } from '../wire/errors.ts';
import { NO_EPOCH } from '../wire/fetch.ts';

/** Asked on behalf of no broker. */
const CONSUMER = -1;

export interface EpochQuestion {
  readonly partition: number;
  readonly leaderEpoch: number;
}

export interface EpochEnd {
  /** The largest epoch of the log that is not above the one that was asked for. */
  readonly leaderEpoch: number;
  /** One past the last offset of that epoch. */
  readonly endOffset: number;
}

/**
 * By partition, of which each is asked once; undefined if the log knows no such epoch: all of its own are older, or it has
 * none. One attempt.
 */
export async function endsOfEpochs(
  cluster: KafkaCluster,
  topic: TopicMetadata,
  questions: readonly EpochQuestion[],
): Promise<ReadonlyMap<number, EpochEnd | undefined>> {
  const byPartition = new Map(questions.map((question) => [question.partition, question]));
  const led = await cluster.leadersOf(topic, [...byPartition.keys()], 'ask');
  const answers = await Promise.all(
    led.map(({ connection, partitions }) => {
      const asked = partitions.map((partition) => ({
        partitionIndex: partition,
        currentLeaderEpoch: topic.leaderEpochs[partition] ?? NO_EPOCH,
        leaderEpoch: byPartition.get(partition)?.leaderEpoch ?? NO_EPOCH,
      }));
      return offsetForLeaderEpochV4.api.async(connection, CONSUMER, [
        { name: topic.name, partitions: asked },
      ]);
    }),
  );
  const found = answers.flatMap(({ topics }) => topics.flatMap(({ partitions }) => partitions));
  if (found.length < byPartition.size) throw new BrokerFault(CODE.LEADER_NOT_AVAILABLE);
  return new Map(
    found.map(({ partition, leaderEpoch, endOffset }) => {
      const isKnown = leaderEpoch !== NO_EPOCH && endOffset >= 0n;
      return [partition, isKnown ? { leaderEpoch, endOffset: Number(endOffset) } : undefined];
    }),
  );
}
