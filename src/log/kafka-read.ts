/** Reads exact ranges by fetches of our own: no group, no position that anybody else moves, read committed. */
import type { ReadRange, RecordChunk } from '../contracts/log.ts';
import { TallystreamError } from '../errors.ts';
import { dataLoss, partitionNotFound, pastEnd } from './faults.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import { decodeFetched } from './kafka-decode.ts';
import { BrokerFault, CODE } from './kafka-errors.ts';
import { fetchRecords, type FetchedPartition } from './kafka-protocol.ts';
import { offsetsOf } from './kafka-topics.ts';

/** Of one fetch: some chunks, so that a round trip is small beside them. */
const FETCH_BYTES_MAX = 2 * 1024 * 1024;
const FETCH_WAIT_MS = 250;
/** A new leader may for a while know less than the one before; so long, and so often, before it is asked whether it does. */
const SETTLE_MS = 1_000;
/** Answers in a row without a record, from a leader that has the whole range, before it is taken at its word. */
const EMPTY_ANSWERS_MAX = 2;

export async function* readRange(cluster: KafkaCluster, range: ReadRange): AsyncGenerator<RecordChunk> {
  const { topic, partition, start, end } = range;
  if (start >= end) return;
  const { id, partitions } = await cluster.persist(() => cluster.topic(topic), { topic });
  if (partition < 0 || partition >= partitions) throw partitionNotFound(topic, partition, partitions);
  let position = start;
  let empty = 0;
  const shortSince = { ms: undefined as number | undefined };
  while (position < end) {
    const rest = { ...range, start: position };
    const fetched = await fetchAt(cluster, rest, id);
    const next = yield* decodeFetched(fetched.part, rest);
    if (next !== undefined && next > position) {
      position = next;
      empty = 0;
      shortSince.ms = undefined;
      continue;
    }
    if (fetched.part.lastStableOffset < end) await settle(cluster, range, shortSince);
    else if (fetched.throttleMs === 0) empty += 1;
    // The leader has this range and no record in it: compaction took the last ones.
    if (empty >= EMPTY_ANSWERS_MAX) return;
  }
}

/** One fetch that succeeded. @throws DATA_LOSS, LOG_CORRUPT (past the end), TOPIC_RECREATED, TOPIC_NOT_FOUND */
function fetchAt(
  cluster: KafkaCluster,
  range: ReadRange,
  topicId: string,
): Promise<{ readonly part: FetchedPartition; readonly throttleMs: number }> {
  const { topic: name, partition, start } = range;
  return cluster.persist(
    async () => {
      const topic = await cluster.topic(name);
      if (topic.id !== topicId) throw recreated(name, topicId);
      const [led] = await cluster.leadersOf(topic, [partition], 'read');
      if (led === undefined) throw new BrokerFault(CODE.LEADER_NOT_AVAILABLE);
      const answer = await fetchRecords(led.connection, {
        topicId,
        positions: [{ partition, offset: start }],
        waitMs: FETCH_WAIT_MS,
        bytesMax: FETCH_BYTES_MAX,
      });
      if (answer.code !== 0) throw new BrokerFault(answer.code);
      const part = answer.partitions.find((each) => each.partition === partition);
      if (part === undefined) throw new BrokerFault(CODE.LEADER_NOT_AVAILABLE);
      if (part.code === CODE.OFFSET_OUT_OF_RANGE) throw await outOfRange(cluster, range);
      if (part.code !== 0) throw new BrokerFault(part.code);
      // A log start that moved past us while the bytes were fetched is seen by the next fetch.
      return { part, throttleMs: answer.throttleMs };
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
