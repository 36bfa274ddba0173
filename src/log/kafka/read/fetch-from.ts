/** One fetch of a partition from an offset, with retries, that checks that earlier records are still there. */
import type { ReadRange } from '../../../contracts/log.ts';
import { TallystreamError } from '../../../errors.ts';
import { dataLoss, pastEnd } from '../../shared/errors.ts';
import type { KafkaCluster, TopicMetadata } from '../cluster/cluster.ts';
import { BrokerFault, CODE, ExplainedFault, nameOf } from '../wire/errors.ts';
import type { DivergingEpoch } from '../wire/fetch.ts';
import type { FetchedPart } from './fetch-batcher.ts';
import { historyLost, verifyNote, verifyNotes } from '../history/check.ts';
import { lastEpochAt, type Note } from '../history/notes.ts';
import { offsetsOfPartition } from '../cluster/offsets.ts';

/** What is fetched for a range, whose `start` is where the fetch begins. */
export interface FetchFrom {
  readonly range: ReadRange;
  readonly topicId: string;
  /** The order of ranges, of which the lower are read sooner. */
  readonly order: number;
  /** What is known to have been read before, if anything is. */
  readonly note: Note | undefined;
}

export interface FetchedFrom extends FetchedPart {
  /** `KafkaCluster.interruptions` at the time of the fetch. */
  readonly checkedAt: number;
}

/**
 * One fetch that succeeded.
 * @throws DATA_LOSS (records are gone, or the log has gone back), LOG_CORRUPT (past the end), TOPIC_RECREATED, TOPIC_NOT_FOUND
 */
export function fetchFrom(cluster: KafkaCluster, from: FetchFrom): Promise<FetchedFrom> {
  const { range, topicId, order, note } = from;
  const { topic: name, partition, start } = range;
  let lastEpoch = lastEpochAt(note, start);
  return cluster.persist(
    async () => {
      const topic = await cluster.topic(name);
      if (topic.id !== topicId) throw recreated(name, topicId);
      const checkedAt = cluster.interruptions;
      await verifyNote(cluster, topic, partition, note);
      const [led] = await cluster.fetchChannelsOf(topic, [partition], 'read');
      if (led === undefined) throw new BrokerFault(CODE.LEADER_NOT_AVAILABLE);
      const fetched = await cluster.fetcher.fetch(led.channel, {
        topicId,
        order,
        partition,
        offset: start,
        ...epochsOf(topic, partition, lastEpoch),
      });
      const { code, diverging, release } = fetched.part;
      if (diverging !== undefined) throw diverged(range, note, diverging);
      if (code === CODE.OFFSET_OUT_OF_RANGE) {
        const error = await outOfRange(cluster, topic, from);
        // The leader may know the offset and not the epoch; what was read was compared with what it has.
        lastEpoch = undefined;
        throw error;
      }
      if (code !== 0) {
        throw new ExplainedFault(
          code,
          `the leader of partition ${partition} of topic ${name} answers ${nameOf(code)}`,
        );
      }
      if (note !== undefined && cluster.interruptions !== checkedAt) {
        release();
        throw new BrokerFault(CODE.LEADER_NOT_AVAILABLE);
      }
      // A log start that moved past us while the bytes were fetched is seen by the next fetch.
      return { ...fetched, checkedAt };
    },
    { topic: name },
  );
}

/** What a fetch says of epochs: that of the leader, and that of the record before, if they are known. */
export function epochsOf(
  { leaderEpochs }: TopicMetadata,
  partition: number,
  lastEpoch: number | undefined,
): { readonly leaderEpoch?: number; readonly lastEpoch?: number } {
  const leaderEpoch = leaderEpochs[partition];
  return {
    ...(leaderEpoch === undefined ? {} : { leaderEpoch }),
    ...(lastEpoch === undefined ? {} : { lastEpoch }),
  };
}

/** Why an offset is out of range: below the earliest, above the end, or after records that this log does not have. */
async function outOfRange(cluster: KafkaCluster, topic: TopicMetadata, from: FetchFrom): Promise<Error> {
  const { range, note } = from;
  const { partition, start } = range;
  const at = await offsetsOfPartition(cluster, range.topic, partition);
  if (at === undefined) return new BrokerFault(CODE.LEADER_NOT_AVAILABLE);
  if (start < at.earliest) return dataLoss(range, at.earliest);
  if (start > at.latest) return pastEnd(range, at.latest);
  if (note !== undefined) {
    const unchecked = { ...note, checkedAt: -1 };
    const [found] = await verifyNotes(cluster, topic, [{ partition, note: unchecked }]);
    if (found !== undefined) return historyLost(topic.name, found);
  }
  // The offsets moved between the two questions; the fetch is worth another try.
  return new BrokerFault(CODE.LEADER_NOT_AVAILABLE);
}

function diverged(
  { topic, partition, start: end }: ReadRange,
  note: Note | undefined,
  { epoch, endOffset }: DivergingEpoch,
): TallystreamError {
  const start = endOffset < end ? endOffset : (note?.mark.baseOffset ?? end - 1);
  const readUnder = note?.mark.leaderEpoch ?? 'unknown';
  const why = `The record before offset ${end} was read under leader epoch ${readUnder}; in this log leader epoch ${epoch} ends at offset ${endOffset}.`;
  return historyLost(topic, { partition, start, end, why });
}

function recreated(topic: string, topicId: string): TallystreamError {
  return new TallystreamError('TOPIC_RECREATED', {
    what: `Topic ${topic} was deleted and created again while it was being read.`,
    why: `The offsets belong to topic id ${topicId}.`,
    hint: 'Restore the old topic, or start the query again with a new checkpoint.',
  });
}
