/** Whether the log can be read, and what the topic contains. */
import { stat } from 'node:fs/promises';
import type { Config } from '../../config/keys.ts';
import type { Clock } from '../../../contracts/clock.ts';
import type { Log, PartitionOffsets } from '../../../contracts/log.ts';
import { kindOfRecordTime } from '../../../operators/record-time.ts';
import { embeddedLogPath, openLog } from '../../compose.ts';
import { pass, type Check, type Verdict } from './check.ts';

/**
 * How long one call may wait for a lock, which blocks this thread, or for a broker. It is less than the time limit of a
 * check, so that the real cause is reported.
 */
export const LOG_TIMEOUT_MS = { embedded: 2_000, kafka: 4_000 } as const;

export type LogFacts =
  | { readonly kind: 'missing' }
  | { readonly kind: 'no topic'; readonly topics: readonly string[] }
  | {
      readonly kind: 'topic';
      readonly topicId: string;
      readonly partitions: number;
      readonly records: number;
      /** Log timestamp of the newest record, epoch milliseconds; null if there is none. */
      readonly newestRecordMs: number | null;
      /** Partitions that cannot be read now, or whose newest records cannot; left out if there are none. */
      readonly hindered?: readonly HinderedPartition[];
    };

export interface HinderedPartition {
  readonly partition: number;
  /** Why it cannot be read, as a part of a sentence; null if it can. */
  readonly unavailable: string | null;
  /** Records that wait for an open transaction. */
  readonly waiting: number;
  /** The producer of that transaction, and its last write, epoch milliseconds; null if the log does not report it. */
  readonly transaction: { readonly producerId: string; readonly lastWriteMs: number } | null;
}

/** @param inspect {@link inspectLog}; its errors become the text of this line */
export function logCheck(topic: string, inspect: () => Promise<LogFacts>): Check {
  return { name: 'log', run: async () => judgeLog(topic, await inspect()) };
}

export function judgeLog(topic: string, facts: LogFacts): Verdict {
  switch (facts.kind) {
    case 'missing':
      return pass('does not exist yet; the first produce or run creates it');
    case 'no topic': {
      if (facts.topics.length === 0) return pass('readable, no topic yet; produce or run creates it');
      return {
        status: 'warn',
        found: `It has no topic ${topic}, but ${facts.topics.join(', ')}.`,
        hint: 'Name the right topic with --topic (log.topic). Otherwise produce and run create a new one.',
      };
    }
    case 'topic': {
      const { records, partitions } = facts;
      return pass(`${topic} has ${counted(records, 'record')} in ${counted(partitions, 'partition')}`);
    }
  }
}

/** @throws LOG_UNAVAILABLE, LOG_CORRUPT */
export async function inspectLog(config: Config, clock: Clock): Promise<LogFacts> {
  const { topic } = config.log;
  if (config.log.type === 'embedded' && !(await isMade(embeddedLogPath(config.dataDir))))
    return { kind: 'missing' };
  const log = await openLog(config, clock, {
    readOnly: true,
    busyTimeoutMs: LOG_TIMEOUT_MS[config.log.type],
  });
  try {
    const description = await log.describeTopic(topic);
    if (description === undefined) {
      return { kind: 'no topic', topics: (await log.listTopics()).map(({ name }) => name) };
    }
    const offsets = await availableOffsets(log, topic);
    const hindered = await hinderedOf(log, topic, offsets);
    return {
      kind: 'topic',
      topicId: description.id,
      partitions: description.partitions,
      records: offsets.reduce((sum, { earliest, latest }) => sum + latest - earliest, 0),
      newestRecordMs: await newestRecord(log, topic, offsets, clock.nowMs()),
      ...(hindered.length === 0 ? {} : { hindered }),
    };
  } finally {
    await log.close();
  }
}

/** Works even if some partitions cannot be read, if the log can say which ones. */
export function availableOffsets(log: Log, topic: string): Promise<readonly PartitionOffsets[]> {
  return log.availableOffsets?.(topic) ?? log.offsets(topic);
}

async function hinderedOf(
  log: Log,
  topic: string,
  offsets: readonly PartitionOffsets[],
): Promise<HinderedPartition[]> {
  const hindered: HinderedPartition[] = [];
  for (const { partition, latest, end = latest, unavailable = null } of offsets) {
    if (unavailable === null && end === latest) continue;
    const transaction =
      end === latest ? undefined : await log.openTransactionIn?.(topic, partition).catch(() => undefined);
    hindered.push({ partition, unavailable, waiting: end - latest, transaction: transaction ?? null });
  }
  return hindered;
}

/** An empty file is left by a first start that was killed early; the next start continues with it. */
async function isMade(path: string): Promise<boolean> {
  try {
    return (await stat(path)).size > 0;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
}

/** Reads the last record of every partition, which also shows that records can be read. */
async function newestRecord(
  log: Log,
  topic: string,
  offsets: readonly PartitionOffsets[],
  nowMs: number,
): Promise<number | null> {
  let newestMs: number | null = null;
  for (const { partition, earliest, latest, unavailable } of offsets) {
    if (latest === earliest || unavailable !== undefined) continue;
    for await (const chunk of log.read({ topic, partition, start: latest - 1, end: latest })) {
      // A missing timestamp, or one in another unit, says nothing about a clock.
      const times = chunk.timestampsMs.filter((ms) => kindOfRecordTime(ms, nowMs) === 'milliseconds');
      if (times.length > 0) newestMs = Math.max(newestMs ?? -Infinity, ...times);
    }
  }
  return newestMs;
}

export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}
