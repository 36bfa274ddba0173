/**
 * What a query says of clocks that cannot be right: this machine's, against monotonic time and against the newest records of
 * the log, and those of producers. It changes no verdict.
 */
import { formatEpochMs } from '../../columns/values/timestamp.ts';
import type { Clock } from '../../contracts/clock.ts';
import type { Log } from '../../contracts/log.ts';
import type { Logger } from '../../contracts/logger.ts';
import { TallystreamError } from '../../errors.ts';
import { kindOfRecordTime } from '../../operators/record-time.ts';
import { newestRecords, type RecordTime } from './newest-records.ts';
import type { ClockReading } from './plan-clock.ts';
import { NOTE_WORDS, type RecordTimeNote } from './record-times.ts';
import type { Look } from '../source.ts';

export const CLOCK_SKEW_MS_MAX = 600_000;
/** Logs whose records have timestamps that someone else's clock gave. */
const STAMPED_LOGS: readonly Log['format'][] = ['memory', 'embedded', 'kafka'];
/** Of one run, about record timestamps: a topic has many partitions. */
const WARNINGS_MAX = 20;

export interface ClockWatchOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly logger: Logger;
  readonly topic: string;
  /** null is no bound. */
  readonly skewMsMax: number | null;
}

export class ClockWatch {
  private readonly options: ClockWatchOptions;
  private readonly warned = new Set<string>();

  constructor(options: ClockWatchOptions) {
    this.options = options;
  }

  /**
   * Called once, before the first batch of a run. A clock that most of the newest records are ahead of is behind, and with it
   * every new event would be one of the future. If only some are ahead, a producer's clock may be wrong, and that is no
   * reason not to start.
   * @throws CLOCK_SKEW
   */
  async checkAtStart({ offsets }: Look): Promise<void> {
    const { clock, log, logger, topic, skewMsMax } = this.options;
    if (skewMsMax === null || !STAMPED_LOGS.includes(log.format)) return;
    const nowMs = clock.nowMs();
    const all = await newestRecords(log, topic, offsets);
    const times = all.filter(({ timestampMs }) => kindOfRecordTime(timestampMs, nowMs) === 'milliseconds');
    const ahead = times.filter(({ timestampMs }) => timestampMs > nowMs + skewMsMax);
    const [newest] = ahead.toSorted((a, b) => b.timestampMs - a.timestampMs);
    if (newest === undefined) return;
    if (ahead.length * 2 > times.length) throw behindTheLog(topic, newest, nowMs, skewMsMax);
    logger.warn(
      { operation: 'clock', topic, ...placeOf(newest), now: formatEpochMs(nowMs) },
      "Some of the newest records are ahead of this machine's clock, but most are not: the clock of a producer is ahead. " +
        'If the times of its events are ahead too, they are rejected as FUTURE_TIMESTAMP.',
    );
  }

  /** Called at every look at the log. */
  looked({ nowMs, jumpMs }: ClockReading): void {
    const { logger, skewMsMax } = this.options;
    if (skewMsMax === null || Math.abs(jumpMs) <= skewMsMax) return;
    logger.warn(
      { operation: 'clock', jumpMs, before: formatEpochMs(nowMs - jumpMs), now: formatEpochMs(nowMs) },
      `The clock of this machine jumped ${jumpMs > 0 ? 'ahead' : 'back'}: it was set, or the machine was suspended. ` +
        'The jump does not count as idle time of partitions. Check the clock, because events are judged by it. If it is ahead, ' +
        'accepted future events make later ones late (`tallystream checkpoint lower-watermark` undoes that).',
    );
  }

  /** Called after every commit, with what the batch found. Each kind is said once of a partition. */
  committed(batchId: number, notes: readonly RecordTimeNote[]): void {
    const { logger, topic } = this.options;
    for (const note of notes) {
      const { kind, partition, offset, records } = note;
      const name = `${kind} ${partition}`;
      if (this.warned.has(name) || this.warned.size >= WARNINGS_MAX) continue;
      this.warned.add(name);
      const timestamp = String(note.timestampMs);
      logger.warn(
        { operation: 'record-time', batchId, topic, partition, offset, records, timestamp, looksLike: kind },
        NOTE_WORDS[kind],
      );
    }
  }
}

function behindTheLog(topic: string, newest: RecordTime, nowMs: number, skewMsMax: number): TallystreamError {
  const { partition, offset, timestamp } = placeOf(newest);
  const seconds = Math.round((newest.timestampMs - nowMs) / 1000);
  return new TallystreamError('CLOCK_SKEW', {
    what:
      `The clock of this machine says ${formatEpochMs(nowMs)}, ${seconds} seconds behind the newest records of topic ${topic}` +
      ` (partition ${partition}, offset ${offset}: ${timestamp}).`,
    why: `Most of the newest records are ahead of it by more than query.clock_skew_max (${skewMsMax / 1000} seconds), so new events would be rejected as FUTURE_TIMESTAMP.`,
    hint: 'Correct the clock of this machine, and start again. If it is right, the clocks of the producers were ahead: start with query.clock_skew_max: off.',
  });
}

function placeOf({ partition, offset, timestampMs }: RecordTime) {
  return { partition, offset, timestamp: formatEpochMs(timestampMs) };
}
