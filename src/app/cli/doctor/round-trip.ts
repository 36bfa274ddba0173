/**
 * Whether a record can be written to the cluster and read back.
 *
 * It uses a separate topic, `<topic>.doctor`, and never the query's topic: a record there would become a dead letter. The
 * name is the same for every run, for two reasons. On a cluster with ACLs, an administrator can create the topic once and
 * allow this user to read and write it; random names would need the right to create any topic. And a run that is killed
 * leaves one topic with one partition, not a new one each time. A topic that existed before stays. A topic that was created
 * here is removed, since the doctor leaves nothing behind.
 */
import { randomUUID } from 'node:crypto';
import type { Config } from '../../config/keys.ts';
import { openLog } from '../../compose.ts';
import type { Clock } from '../../../contracts/clock.ts';
import type { Log } from '../../../contracts/log.ts';
import { TallystreamError } from '../../../errors.ts';
import { notTried, pass, verdictOf, type Check, type Verdict } from './check.ts';
import { KAFKA_TIMEOUT_MS, type KafkaFacts } from './kafka.ts';

/** More than the sum of the time limits of the calls. */
const ROUND_TRIP_TIMEOUT_MS = 30_000;
/** If the removal fails, the broker empties the topic by itself. */
const RETENTION_MS = 3_600_000;
/** Another doctor may remove the topic at the same moment; then the second try creates it. */
const TRIES_MAX = 2;

export type RoundTrip =
  /** The topic does not exist and cannot be created, or may not be described. This says nothing about the query's topic. */
  | { readonly kind: 'no topic'; readonly error: Error }
  | { readonly kind: 'failed'; readonly step: 'written' | 'read'; readonly error: Error }
  | {
      readonly kind: 'done';
      /** From the append to the acknowledgement, including the metadata requests of a first write. */
      readonly writeMs: number;
      readonly readMs: number;
      /** The topic was created for this check and could not be removed. */
      readonly leftBehind: boolean;
    };

export function doctorTopicOf({ log }: Pick<Config, 'log'>): string {
  return `${log.topic}.doctor`;
}

export function roundTripCheck(config: Config, clock: Clock, kafka: Pick<KafkaFacts, 'obstacle'>): Check {
  return {
    name: 'round trip',
    timeoutMs: ROUND_TRIP_TIMEOUT_MS,
    hintUnanswered: `Check the brokers' logs. Topic ${doctorTopicOf(config)} may have been left behind.`,
    run: async (signal) => {
      const obstacle = await kafka.obstacle();
      if (obstacle !== undefined) return notTried(obstacle);
      return judgeRoundTrip(config, await tryRoundTrip(config, clock, signal));
    },
  };
}

export function judgeRoundTrip(config: Pick<Config, 'log' | 'kafka'>, trip: RoundTrip): Verdict {
  const topic = doctorTopicOf(config);
  switch (trip.kind) {
    case 'no topic':
      return {
        status: 'warn',
        found: `Not checked, because topic ${topic} does not exist and cannot be created: ${verdictOf(trip.error).found}`,
        hint: `Have it created with one partition, and allow this user to read and write it. ${config.log.topic} needs the same permissions.`,
      };
    case 'failed': {
      const { found, hint } = verdictOf(trip.error);
      const isPassing = trip.error instanceof TallystreamError && trip.error.retry;
      return {
        status: 'fail',
        found: `A record could not be ${trip.step} in topic ${topic}: ${found}`,
        hint: isPassing
          ? 'Check the brokers’ logs. With kafka.acks: all, at least min.insync.replicas replicas must be in sync.'
          : hint,
      };
    }
    case 'done': {
      const { writeMs, readMs, leftBehind } = trip;
      const stays = leftBehind ? '; the topic could not be removed' : '';
      return pass(
        `a record went through topic ${topic} in ${(writeMs + readMs).toFixed(1)} ms: ${writeMs.toFixed(1)} to write with acks ${config.kafka.acks}, ${readMs.toFixed(1)} to read${stays}`,
        { topic, writeMs: rounded(writeMs), readMs: rounded(readMs), leftBehind },
      );
    }
  }
}

/** @throws LOG_UNAVAILABLE, CONFIG_INVALID if no connection is possible */
async function tryRoundTrip(config: Config, clock: Clock, signal: AbortSignal): Promise<RoundTrip> {
  const log = await openLog(config, clock, { busyTimeoutMs: KAFKA_TIMEOUT_MS });
  const close = () => void log.close().catch(() => undefined);
  signal.addEventListener('abort', close, { once: true });
  try {
    for (let attempt = 1; ; attempt += 1) {
      const trip = await oneTrip(log, clock, doctorTopicOf(config));
      if (trip.kind !== 'failed' || !isTopicGone(trip.error) || attempt === TRIES_MAX) return trip;
    }
  } finally {
    signal.removeEventListener('abort', close);
    await log.close();
  }
}

async function oneTrip(log: Log, clock: Clock, topic: string): Promise<RoundTrip> {
  let isOurs: boolean;
  try {
    isOurs = (await log.describeTopic(topic)) === undefined;
    if (isOurs) await log.createTopic(topic, { partitions: 1, retentionMs: RETENTION_MS });
  } catch (error) {
    return { kind: 'no topic', error: error as Error };
  }
  const trip = await writeAndRead(log, clock, topic);
  // A user who may create topics may not be allowed to remove them. That is not a failure of the round trip.
  const removed = !isOurs || (await log.deleteTopic(topic).then(yes, no));
  return trip.kind === 'done' ? { ...trip, leftBehind: !removed } : trip;
}

async function writeAndRead(log: Log, clock: Clock, topic: string): Promise<RoundTrip> {
  const sent = Buffer.from(`tallystream doctor ${randomUUID()}`);
  let step: 'written' | 'read' = 'written';
  try {
    const startMs = clock.monotonicMs();
    const [range] = await log.append(topic, [{ key: null, value: sent }]);
    const writtenMs = clock.monotonicMs();
    step = 'read';
    const { partition, baseOffset } = range as NonNullable<typeof range>;
    const records = { topic, partition, start: baseOffset, end: baseOffset + 1 };
    for await (const chunk of log.read(records)) {
      const value = chunk.bytes.subarray(chunk.valueStart[0], chunk.valueEnd[0]);
      if (sent.equals(value)) {
        const readMs = clock.monotonicMs() - writtenMs;
        return { kind: 'done', writeMs: writtenMs - startMs, readMs, leftBehind: false };
      }
    }
    throw new Error('another record is at the offset where it was written.');
  } catch (error) {
    return { kind: 'failed', step, error: error as Error };
  }
}

function isTopicGone(error: Error): boolean {
  return error instanceof TallystreamError && ['TOPIC_NOT_FOUND', 'TOPIC_RECREATED'].includes(error.code);
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}

const yes = () => true;
const no = () => false;
