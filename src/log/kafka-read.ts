/** Reads exact ranges by fetches of our own: no group, no position that anybody else moves, read committed. */
import type { ReadRange, RecordChunk } from '../contracts/log.ts';
import { TallystreamError } from '../errors.ts';
import { dataLoss, partitionNotFound, pastEnd } from './faults.ts';
import { nextOffsetOf } from './kafka-batch.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import { decodeFetched } from './kafka-decode.ts';
import { BrokerFault, CODE, ExplainedFault, nameOf } from './kafka-errors.ts';
import type { FetchedPart } from './kafka-fetcher.ts';
import { offsetsOf } from './kafka-offsets.ts';

/** A new leader may for a while know less than the one before; so long, and so often, before it is asked whether it does. */
const SETTLE_MS = 1_000;
/** Answers in a row without a record, from a leader that has the whole range, before it is taken at its word. */
const EMPTY_ANSWERS_MAX = 2;

/** Numbers ranges in the order in which they were opened, which is that in which they are read. */
let opened = 0;

/**
 * The next fetch is under way while the last one is read: it is asked for with the second chunk, so a range that is only
 * opened ahead holds one answer, and one that is read holds two.
 */
export async function* readRange(cluster: KafkaCluster, range: ReadRange): AsyncGenerator<RecordChunk> {
  const { topic, partition, start, end } = range;
  if (start >= end) return;
  opened += 1;
  const order = opened;
  const { id, partitions } = await cluster.persist(() => cluster.topic(topic), { topic });
  if (partition < 0 || partition >= partitions) throw partitionNotFound(topic, partition, partitions);
  const fetchFrom = (position: number) => fetchAt(cluster, { ...range, start: position }, id, order);
  const memory = cluster.chunkMemory.take();
  const arrived = cluster.arrivals.take(id, partition, start);
  let ahead: Promise<FetchedPart> | undefined = arrived && Promise.resolve({ part: arrived, throttleMs: 0 });
  let position = start;
  let empty = 0;
  const shortSince = { ms: undefined as number | undefined };
  try {
    while (position < end) {
      const fetched = await (ahead ?? fetchFrom(position));
      ahead = undefined;
      const { part } = fetched;
      const next = nextOffsetOf(part.block);
      try {
        const chunks = decodeFetched(part, { ...range, start: position }, memory);
        for (const chunk of chunks) {
          yield chunk;
          if (ahead !== undefined || next === undefined || next >= end) continue;
          ahead = fetchFrom(next);
          // It is awaited when its turn comes; until then a failure is no unhandled one.
          ahead.catch(() => undefined);
        }
      } finally {
        part.release();
      }
      if (next !== undefined && next > position) {
        position = next;
        empty = 0;
        shortSince.ms = undefined;
        continue;
      }
      if (part.lastStableOffset < end) await settle(cluster, range, shortSince);
      else if (fetched.throttleMs === 0) empty += 1;
      // The leader has this range and no record in it: compaction took the last ones.
      if (empty >= EMPTY_ANSWERS_MAX) return;
    }
  } finally {
    cluster.chunkMemory.give(memory);
    void ahead?.then(({ part }) => part.release()).catch(() => undefined);
  }
}

/** One fetch that succeeded. @throws DATA_LOSS, LOG_CORRUPT (past the end), TOPIC_RECREATED, TOPIC_NOT_FOUND */
function fetchAt(
  cluster: KafkaCluster,
  range: ReadRange,
  topicId: string,
  order: number,
): Promise<FetchedPart> {
  const { topic: name, partition, start } = range;
  return cluster.persist(
    async () => {
      const topic = await cluster.topic(name);
      if (topic.id !== topicId) throw recreated(name, topicId);
      const [led] = await cluster.fetchChannelsOf(topic, [partition], 'read');
      if (led === undefined) throw new BrokerFault(CODE.LEADER_NOT_AVAILABLE);
      const fetched = await cluster.fetcher.fetch(led.channel, { topicId, partition, offset: start, order });
      const { code } = fetched.part;
      if (code === CODE.OFFSET_OUT_OF_RANGE) throw await outOfRange(cluster, range);
      if (code !== 0) {
        throw new ExplainedFault(
          code,
          `the leader of partition ${partition} of topic ${name} answers ${nameOf(code)}`,
        );
      }
      // A log start that moved past us while the bytes were fetched is seen by the next fetch.
      return fetched;
    },
    { topic: name },
  );
}

/** Why an offset is out of range: below the earliest, or above the end. */
async function outOfRange(cluster: KafkaCluster, range: ReadRange): Promise<Error> {
  const at = (await offsetsOf(cluster, range.topic))[range.partition];
  if (at === undefined) return new BrokerFault(CODE.LEADER_NOT_AVAILABLE);
  if (range.start < at.earliest) return dataLoss(range, at.earliest);
  if (range.start > at.latest) return pastEnd(range, at.latest);
  // The offsets moved between the two questions; the fetch is worth another try.
  return new BrokerFault(CODE.LEADER_NOT_AVAILABLE);
}

/**
 * The leader's end lies below the range's: waits, and asks now and then where the log ends. A new leader that has not
 * caught up answers that it cannot tell (KIP-207), which passes; what it does tell is so.
 * @throws LOG_CORRUPT
 */
async function settle(
  cluster: KafkaCluster,
  range: ReadRange,
  since: { ms: number | undefined },
): Promise<void> {
  const { clock } = cluster.options;
  since.ms ??= clock.monotonicMs();
  cluster.forget(range.topic);
  if (clock.monotonicMs() - since.ms > SETTLE_MS) {
    const at = (await offsetsOf(cluster, range.topic))[range.partition];
    if (at !== undefined && at.latest < range.end) throw pastEnd(range, at.latest);
    since.ms = undefined;
  }
  await clock.sleep(20, cluster.closed);
}

function recreated(topic: string, topicId: string): TallystreamError {
  return new TallystreamError('TOPIC_RECREATED', {
    what: `Topic ${topic} was deleted and made anew while it was read.`,
    why: `The offsets belong to topic id ${topicId}.`,
    mend: 'Bring the old log back, or start the query again with a new checkpoint.',
  });
}
