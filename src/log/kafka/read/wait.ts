/** Waiting for records: a fetch at the known end that the broker answers when the first byte comes, or not. */
import type { PartitionOffsets } from '../../../contracts/log.ts';
import type { KafkaCluster, TopicMetadata } from '../cluster/cluster.ts';
import { judge } from '../wire/errors.ts';
import type { FetchChannel } from '../cluster/fetch-channel.ts';
import { epochsOf } from './fetch-from.ts';
import type { FetchPosition } from '../wire/fetch.ts';
import { ThrottledFault } from '../cluster/throttle.ts';

/** One long poll. Between two of them the topic is looked up, which finds new partitions, and a topic that is gone. */
const POLL_MS = 500;
/** A leader that takes longer than it was asked to is away; what the others have may come meanwhile. */
const LATE_MS = 500;
/** Enough to know that there is something; the first batch comes whole all the same. */
const POLL_BYTES_MAX = 1;
const PAUSE_MS = 100;

type Outcome = 'something' | 'nothing' | 'given up';

export async function waitForRecords(
  cluster: KafkaCluster,
  name: string,
  known: readonly PartitionOffsets[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { clock } = cluster.options;
  const ended = AbortSignal.any([signal, cluster.closed]);
  const startMs = clock.monotonicMs();
  for (let polls = 0; ; polls += 1) {
    const leftMs = timeoutMs - (clock.monotonicMs() - startMs);
    if (ended.aborted || leftMs <= 0) return false;
    try {
      const seen = polls === 0 ? cluster.remembered(name) : undefined;
      const topic = seen ?? (await untilEnded(cluster.lookUp(name), ended));
      if (topic === 'ended') return false;
      if (topic === undefined || topic.partitions !== known.length) return true;
      const outcome = await poll(cluster, topic, known, Math.min(POLL_MS, leftMs), ended);
      if (outcome === 'something') return true;
      if (outcome === 'given up') return false;
    } catch (error) {
      if (error instanceof ThrottledFault) {
        await clock.sleep(Math.min(error.throttleMs, leftMs), ended);
        continue;
      }
      const verdict = judge(error);
      if (verdict.kind === 'final') throw verdict.error;
      // Who waits looks at the log next, and that call says how long the broker has been away.
      cluster.turnAway(name);
      await clock.sleep(Math.min(PAUSE_MS, leftMs), ended);
    }
  }
}

/** Asks every leader at once; the first that has something ends it, and the others' requests are cut off. */
async function poll(
  cluster: KafkaCluster,
  topic: TopicMetadata,
  known: readonly PartitionOffsets[],
  waitMs: number,
  ended: AbortSignal,
): Promise<Outcome> {
  // The waiting reader looks again soon, and finds out whether the others are back.
  const all = known.filter((each) => each.unavailable === undefined).map(({ partition }) => partition);
  const led = await untilEnded(cluster.fetchChannelsOf(topic, all, 'wait'), ended);
  if (led === 'ended') return 'given up';
  const waiting = new Set<FetchChannel>();
  const polls = led.map(async ({ channel, partitions }) => {
    waiting.add(channel);
    const positions = partitions.map((partition) => {
      return {
        partition,
        offset: known[partition]?.latest as number,
        ...epochsOf(topic, partition, undefined),
      };
    });
    const hasSomething = await pollLeader(cluster, channel, topic.id, positions, Math.ceil(waitMs));
    waiting.delete(channel);
    return hasSomething;
  });
  const answered = new AbortController();
  const late = cluster.options.clock.sleep(waitMs + LATE_MS, answered.signal).then(() => false);
  try {
    const first = await untilEnded(Promise.race([firstTrue(polls), late]), ended);
    if (first === 'ended') return 'given up';
    return first ? 'something' : 'nothing';
  } finally {
    answered.abort();
    // A broker answers one request of a connection after the other: one that still waits would hold up the next poll.
    for (const channel of waiting) channel.cut();
  }
}

/** True also for an error of a partition: the one who waits looks at the log again, and finds out. */
async function pollLeader(
  cluster: KafkaCluster,
  channel: FetchChannel,
  topicId: string,
  positions: readonly FetchPosition[],
  waitMs: number,
): Promise<boolean> {
  const answer = await cluster.throttles.fetch(channel, {
    topicId,
    positions,
    waitMs,
    bytesMax: POLL_BYTES_MAX,
    partitionBytesMax: POLL_BYTES_MAX,
  });
  for (const { release } of answer.partitions) release();
  return answer.code !== 0 || answer.partitions.some(({ code, block }) => code !== 0 || block.length > 0);
}

/** True as soon as one is; false when all are false. Rejects as soon as one does. */
function firstTrue(all: readonly Promise<boolean>[]): Promise<boolean> {
  return new Promise((resolve, reject) => {
    for (const one of all) one.then((is) => (is ? resolve(true) : undefined), reject);
    Promise.all(all).then(() => resolve(false), reject);
  });
}

/** The work's answer, or 'ended' as soon as the signal aborts; it takes its listener back. */
function untilEnded<T>(work: Promise<T>, signal: AbortSignal): Promise<T | 'ended'> {
  return new Promise((resolve, reject) => {
    const onAbort = () => resolve('ended');
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
