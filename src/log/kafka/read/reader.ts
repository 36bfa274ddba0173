/** Reads exact ranges by fetches of our own: no group, no position that anybody else moves, read committed. */
import type { ReadRange, RecordChunk } from '../../../contracts/log.ts';
import { partitionNotFound, pastEnd } from '../../shared/errors.ts';
import { coverageOf, markAt } from '../wire/record-batch.ts';
import type { KafkaCluster } from '../cluster/cluster.ts';
import { decodeFetched } from './decode.ts';
import { fetchFrom, type FetchedFrom } from './fetch-from.ts';
import { EMPTY_ANSWERS_MAX, lossBehind } from '../history/gaps.ts';
import type { Note } from '../history/notes.ts';
import { offsetsOfPartition } from '../cluster/offsets.ts';

/** A new leader may for a while know less than the one before; so long, and so often, before it is asked whether it does. */
const SETTLE_MS = 1_000;

/** Numbers ranges in the order in which they were opened, which is that in which they are read. */
let opened = 0;

/**
 * The next fetch is in progress while the last one is read: it is asked for with the second chunk, so a range that is only
 * opened ahead holds one answer, and one that is read holds two.
 */
export async function* readRange(cluster: KafkaCluster, range: ReadRange): AsyncGenerator<RecordChunk> {
  const { topic, partition, start, end } = range;
  if (start >= end) return;
  opened += 1;
  const order = opened;
  const { id, partitions } = await cluster.persist(() => cluster.topic(topic), { topic });
  if (partition < 0 || partition >= partitions) throw partitionNotFound(topic, partition, partitions);
  const fetchAt = (position: number, before: Note | undefined) =>
    fetchFrom(cluster, { range: { ...range, start: position }, topicId: id, order, note: before });
  const memory = cluster.chunkMemory.take();
  let ahead: Promise<FetchedFrom> | undefined = arrivedAt(cluster, range, id);
  let note = cluster.history.before(id, partition, start);
  let position = start;
  let empty = 0;
  const shortSince = { ms: undefined as number | undefined };
  try {
    while (position < end) {
      const fetched = await (ahead ?? fetchAt(position, note));
      ahead = undefined;
      const { part } = fetched;
      const { next, lastStart, gap } = coverageOf(part.block, position, end);
      try {
        if (lastStart !== undefined) note = noteOf(fetched, lastStart, end);
        const after = note;
        const loss = gap && (await lossBehind(cluster, range, id, gap));
        const until = loss === undefined ? end : (gap?.start ?? end);
        for (const chunk of decodeFetched(part, { ...range, start: position, end: until }, memory)) {
          yield chunk;
          if (ahead !== undefined || loss !== undefined || next === undefined || next >= end) continue;
          ahead = fetchAt(next, after);
          // It is awaited when its turn comes; until then a failure is no unhandled one.
          ahead.catch(() => undefined);
        }
        if (loss !== undefined) throw loss;
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
      if (empty < EMPTY_ANSWERS_MAX) continue;
      // The leader has this range and no record in it: compaction took the last ones, or they were lost.
      const loss = await lossBehind(cluster, range, id, { start: position, end });
      if (loss !== undefined) throw loss;
      break;
    }
    if (note !== undefined) cluster.history.keep(id, partition, note);
  } finally {
    cluster.chunkMemory.give(memory);
    void ahead?.then(({ part }) => part.release()).catch(() => undefined);
  }
}

/** What came from exactly the range's start with the news that it is there. */
function arrivedAt(
  cluster: KafkaCluster,
  { partition, start }: ReadRange,
  topicId: string,
): Promise<FetchedFrom> | undefined {
  const checkedAt = cluster.interruptions;
  const part = cluster.arrivals.take(topicId, { partition, offset: start }, checkedAt);
  return part && Promise.resolve({ part, throttleMs: 0, checkedAt });
}

/** Of the last batch that is read for this range: what comes next follows it. */
function noteOf({ part, checkedAt }: FetchedFrom, batchStart: number, end: number): Note {
  const mark = markAt(part.block, batchStart);
  return { offset: Math.min(mark.nextOffset, end), mark, checkedAt };
}

/**
 * Waits if the leader's end is below the range's, and asks for the end of the log now and then. A new leader that has not
 * caught up responds that it cannot tell (KIP-207), which passes. The end that it does tell is right.
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
    const at = await offsetsOfPartition(cluster, range.topic, range.partition);
    if (at !== undefined && at.latest < range.end) throw pastEnd(range, at.latest);
    since.ms = undefined;
  }
  await clock.sleep(20, cluster.closed);
}
