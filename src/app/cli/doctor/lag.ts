/** How far the query is behind the log: in events, and in the time that the oldest unread event has waited. */
import type { Config } from '../../config/keys.ts';
import type { Clock } from '../../../contracts/clock.ts';
import type { Log, PartitionOffsets } from '../../../contracts/log.ts';
import { kindOfRecordTime } from '../../../operators/record-time.ts';
import type { DataLoss } from '../../../contracts/batch.ts';
import { openLog } from '../../compose.ts';
import { inspectHistory } from '../checkpoint/history.ts';
import { lossText } from '../checkpoint/loss-text.ts';
import { notTried, pass, type Check, type Verdict } from './check.ts';
import type { CheckpointFacts } from './checkpoint.ts';
import { committedOffsets } from './committed.ts';
import { availableOffsets, counted, LOG_TIMEOUT_MS, type LogFacts } from './log.ts';

/** How many partitions are checked concurrently for their oldest unread record. */
const READS_AT_ONCE = 16;
/** More lines would not help a person; programs get all of them. */
const SHOWN_MAX = 20;

export interface PartitionDelay {
  readonly partition: number;
  /** Offset of the next record to read; the partition's earliest if nothing was read yet. */
  readonly nextOffset: number;
  readonly earliest: number;
  readonly latest: number;
  /** Unread positions. There are fewer records if the log has gaps (compaction, transactions). */
  readonly events: number;
  /** From the log timestamp of the oldest unread record until now; 0 if nothing is unread, or if the clock is behind. */
  readonly seconds: number;
}

export interface LagSources {
  readonly config: Config;
  readonly clock: Clock;
  readonly readLog: () => Promise<LogFacts>;
  readonly readCheckpoint: () => Promise<CheckpointFacts>;
  /** Why the log cannot be asked; undefined if it can. */
  readonly obstacle: () => Promise<string | undefined>;
  readonly timeoutMs: number;
}

export function lagCheck(sources: LagSources): Check {
  const { config, clock } = sources;
  return {
    name: 'lag',
    timeoutMs: sources.timeoutMs,
    run: async (signal) => {
      const obstacle = await sources.obstacle();
      if (obstacle !== undefined) return notTried(obstacle);
      const log = await sources.readLog().catch(() => undefined);
      const checkpoint = await sources.readCheckpoint().catch(() => undefined);
      if (log === undefined) return notTried('the log cannot be read');
      if (checkpoint === undefined) return notTried('the checkpoint cannot be read');
      if (log.kind !== 'topic') return pass('nothing to read: the topic does not exist yet');
      const topicId = checkpoint.kind === 'present' ? checkpoint.topicId : undefined;
      if (topicId !== undefined && topicId !== log.topicId) {
        return notTried('the checkpoint belongs to an earlier topic of this name');
      }
      const committed =
        topicId === undefined ? new Map<number, number>() : committedOffsets(config.query.checkpointLocation);
      const delays = await inspectLag(config, clock, committed, signal);
      if (topicId === undefined) return judgeLag(config, null, delays);
      const losses = await inspectLosses(config, clock);
      return judgeLag(config, config.query.name, delays, losses);
    },
  };
}

/**
 * The losses that stop the next run: raised ones that were not accepted, otherwise those that it would raise.
 * @throws what `inspectHistory` throws
 */
async function inspectLosses(config: Config, clock: Clock): Promise<readonly DataLoss[]> {
  const log = await openLog(config, clock, {
    readOnly: true,
    busyTimeoutMs: LOG_TIMEOUT_MS[config.log.type],
  });
  try {
    const { raised, found } = await inspectHistory(config, log);
    const ending = raised.filter(({ kind }) => kind === 'counted' || config.query.failOnDataLoss);
    return ending.length > 0 ? ending : found;
  } finally {
    await log.close();
  }
}

/** @param queryName null if there is no checkpoint */
export function judgeLag(
  { query }: { readonly query: Pick<Config['query'], 'failOnDataLoss'> },
  queryName: string | null,
  delays: readonly PartitionDelay[],
  losses: readonly DataLoss[] = [],
): Verdict {
  const events = delays.reduce((sum, delay) => sum + delay.events, 0);
  const seconds = delays.reduce((most, delay) => Math.max(most, delay.seconds), 0);
  const details = { events, seconds, partitions: delays };
  const behind = delays.filter((delay) => delay.events > 0);
  const lines = behind.slice(0, SHOWN_MAX).map(textOf);
  if (behind.length > SHOWN_MAX) lines.push(`… and ${behind.length - SHOWN_MAX} more`);
  if (losses.length > 0) {
    return {
      status: 'fail',
      found: `The query has lost records: ${losses.map(lossText).join('; ')}.`,
      hint: '`tallystream run` stops with DATA_LOSS. Restore the right log, or continue without these records with `tallystream checkpoint accept-loss`.',
      details: { ...details, losses },
    };
  }
  const ahead = delays.filter(({ nextOffset, latest }) => nextOffset > latest);
  if (ahead.length > 0) {
    return {
      status: 'fail',
      found: `The log ends before what the query has read: ${ahead.map(aheadText).join(', ')}.`,
      hint: '`tallystream run` stops with DATA_LOSS. Restore the log that belongs to the checkpoint, or continue without these records with `tallystream checkpoint accept-loss`.',
      details,
    };
  }
  const lost = delays.filter(({ nextOffset, earliest }) => nextOffset < earliest);
  if (lost.length > 0) {
    const stops = query.failOnDataLoss;
    return {
      status: stops ? 'fail' : 'warn',
      found: `Records that the query has not read are gone: ${lost.map(lostText).join(', ')}.`,
      hint: stops
        ? '`tallystream run` stops with DATA_LOSS. Continue without them with `tallystream checkpoint accept-loss`, or with query.fail_on_data_loss: false. A longer retention prevents this.'
        : '`tallystream run` reports them and continues. A longer retention prevents this.',
      details,
    };
  }
  if (queryName === null) {
    const unread = events === 0 ? 'the topic is empty' : `${counted(events, 'event')} to read`;
    return pass([`no batch yet; ${unread}`, ...lines].join('\n'), details);
  }
  if (events === 0) return pass(`query ${queryName} has read everything`, details);
  const head = `query ${queryName} is ${counted(events, 'event')} and ${inSeconds(seconds)} behind`;
  return pass([head, ...lines].join('\n'), details);
}

/**
 * In order of partition. A partition that was never read counts from its earliest record.
 * @throws LOG_UNAVAILABLE, LOG_CORRUPT, TOPIC_NOT_FOUND, CONFIG_INVALID
 */
export async function inspectLag(
  config: Config,
  clock: Clock,
  committed: ReadonlyMap<number, number>,
  signal: AbortSignal,
): Promise<PartitionDelay[]> {
  const log = await openLog(config, clock, {
    readOnly: true,
    busyTimeoutMs: LOG_TIMEOUT_MS[config.log.type],
  });
  const close = () => void log.close().catch(() => undefined);
  signal.addEventListener('abort', close, { once: true });
  try {
    // The line of the topic reports partitions that cannot be read.
    const offsets = (await availableOffsets(log, config.log.topic)).filter(
      ({ unavailable }) => unavailable === undefined,
    );
    const delays: PartitionDelay[] = [];
    for (let from = 0; from < offsets.length; from += READS_AT_ONCE) {
      const some = offsets.slice(from, from + READS_AT_ONCE);
      const read = some.map((at) => delayOf(log, config.log.topic, at, committed.get(at.partition), clock));
      delays.push(...(await Promise.all(read)));
    }
    return delays;
  } finally {
    signal.removeEventListener('abort', close);
    await log.close();
  }
}

async function delayOf(
  log: Log,
  topic: string,
  { partition, earliest, latest }: PartitionOffsets,
  committed: number | undefined,
  clock: Clock,
): Promise<PartitionDelay> {
  const nextOffset = committed ?? earliest;
  const start = Math.max(nextOffset, earliest);
  const at = { partition, nextOffset, earliest, latest };
  if (start >= latest) return { ...at, events: 0, seconds: 0 };
  for await (const chunk of log.read({ topic, partition, start, end: latest })) {
    const [oldestMs] = chunk.timestampsMs;
    if (oldestMs === undefined) continue;
    const nowMs = clock.nowMs();
    // If the timestamp is missing or in another unit, it is unknown how long the record has waited.
    const isTime = kindOfRecordTime(oldestMs, nowMs) === 'milliseconds';
    const waitedMs = isTime ? Math.max(0, nowMs - oldestMs) : 0;
    return { ...at, events: latest - start, seconds: Math.round(waitedMs / 100) / 10 };
  }
  // Only transaction markers or gaps from compaction are left: nothing is unread.
  return { ...at, events: 0, seconds: 0 };
}

function textOf({ partition, events, seconds }: PartitionDelay): string {
  return `partition ${partition}: ${counted(events, 'event')}, ${inSeconds(seconds)}`;
}

function aheadText({ partition, nextOffset, latest }: PartitionDelay): string {
  return `partition ${partition} at ${latest}, read to ${nextOffset}`;
}

function lostText({ partition, nextOffset, earliest }: PartitionDelay): string {
  return `offsets ${nextOffset} to ${earliest - 1} of partition ${partition}`;
}

function inSeconds(seconds: number): string {
  return `${seconds} second${seconds === 1 ? '' : 's'}`;
}
