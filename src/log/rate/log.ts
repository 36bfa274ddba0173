/**
 * Structured Streaming's `rate` source: `{"timestamp":"2025-06-26T12:00:00.100Z","value":1}`, a fixed number of rows per
 * second, for trials and load tests.
 *
 * The row at an offset follows from the options, the start and the offset alone: partition p holds at offset o the value
 * o × numPartitions + p, and the value says the time (rows.ts). So any range is the same however often it is read.
 *
 * The start must outlive a restart, and the log cannot store it. The caller stores it with the
 * query's checkpoint. The topic's id carries start and options (`rate:<startMs>:<rows a second>:<ramp in
 * seconds>:<partitions>`), and a checkpoint holds the id; {@link parseRateTopicId} gives them back from there. With another
 * start or other options the id differs, and the query stops (TOPIC_RECREATED).
 *
 * As in Spark, the rows of a second come together when the second has ended, values and times are Spark's own if there
 * is no ramp, and time goes by the wall clock without ever going back. In a ramp Spark spreads the rows of a batch evenly
 * over the batch, so that they depend on where it was cut; here those of a second are spread over the second.
 */
import type { Clock } from '../../contracts/clock.ts';
import type { Log, PartitionOffsets, ReadRange, RecordChunk } from '../../contracts/log.ts';
import { TallystreamError } from '../../errors.ts';
import { partitionNotFound, topicNotFound } from '../shared/errors.ts';
import { rateChunks } from './read.ts';
import { rowsAfter, rowsOfPartition, secondsMax, type RateShape } from './rows.ts';
import { readOnlyCalls } from '../shared/read-only.ts';
import { latestDiffers, Waiters } from '../shared/waiters.ts';

export interface RateOptions {
  /** 1 to 10,000,000; default 1. */
  readonly rowsPerSecond?: number;
  /** 1 to 1024; default 1. */
  readonly numPartitions?: number;
  /** How long the speed grows evenly up to `rowsPerSecond`, cut to whole seconds as in Spark; up to a year; default 0. */
  readonly rampUpMs?: number;
}

export interface RateLogOptions extends RateOptions {
  readonly clock: Clock;
  /** Epoch milliseconds at which the first second begins, from 1970 to 9998; the caller keeps it over restarts. */
  readonly startMs: number;
  /**
   * A wall-clock time that is known to have been reached, such as that of the checkpoint's last plan: rows up to then are
   * there even if the machine's clock was set back meanwhile. Default: what the clock says.
   */
  readonly reachedMs?: number;
  /** The name of the one topic; default `rate`. */
  readonly topic?: string;
}

const ROWS_PER_SECOND_MAX = 10_000_000;
const PARTITIONS_MAX = 1024;
const RAMP_UP_MS_MAX = 365 * 86_400_000;
/** The last year that a timestamp of four digits can name, less one for what comes after the start. */
const START_MS_MAX = Date.UTC(9998, 11, 31);
const TIME_MS_MAX = Date.UTC(9999, 11, 31);
/** The wall clock may be set while a reader sleeps, so no sleep is longer. */
const SLEEP_MS_MAX = 1000;

/** @throws CONFIG_INVALID for an option out of its bounds */
export function createRateLog(options: RateLogOptions): Log {
  const { clock, reachedMs = 0, topic: name = 'rate' } = options;
  const shape = shapeOf(options);
  const waiters = new Waiters();
  const topic = { name, id: rateTopicId(shape), partitions: shape.partitions };
  let latestMs = reachedMs;

  const timeMs = (): number => {
    latestMs = Math.min(TIME_MS_MAX, Math.max(latestMs, clock.nowMs()));
    return latestMs;
  };
  const offsetsNow = (): PartitionOffsets[] => {
    const seconds = Math.max(0, Math.floor((timeMs() - shape.startMs) / 1000));
    if (seconds > secondsMax(shape)) throw exhausted(name, shape);
    const rows = rowsAfter(shape, seconds);
    return Array.from({ length: shape.partitions }, (_, partition) => {
      return { partition, earliest: 0, latest: rowsOfPartition(shape, rows, partition) };
    });
  };
  const find = (asked: string): void => {
    if (asked !== name) throw topicNotFound(asked, [name]);
  };
  /** Until the next second of the rows ends. */
  const sleepMs = (): number => {
    const sinceStartMs = timeMs() - shape.startMs;
    const untilNextMs = sinceStartMs < 0 ? 1000 - sinceStartMs : 1000 - (sinceStartMs % 1000);
    return Math.min(SLEEP_MS_MAX, Math.max(1, untilNextMs));
  };

  return {
    format: 'rate',
    ...readOnlyCalls({ format: 'rate', topic, origin: 'follow from the clock' }),
    offsets: async (asked) => {
      find(asked);
      return offsetsNow();
    },
    async *read(range): AsyncGenerator<RecordChunk> {
      find(range.topic);
      const at = offsetsNow()[range.partition];
      if (at === undefined) throw partitionNotFound(name, range.partition, shape.partitions);
      if (range.end > at.latest) throw ahead(range, at.latest, timeMs());
      yield* rateChunks(shape, range.partition, range.start, range.end);
    },
    waitForRecords: (asked, known, timeoutMs, signal) =>
      waiters.wait(
        () => asked !== name || latestDiffers(known, offsetsNow()),
        clock,
        sleepMs,
        timeoutMs,
        signal,
      ),
    close: async () => waiters.close(),
  };
}

/** The start and the options that a rate topic's id carries; undefined if it is the id of something else. */
export function parseRateTopicId(
  id: string,
): (Required<RateOptions> & { readonly startMs: number }) | undefined {
  const match = /^rate:([0-9]{1,15}):([0-9]{1,8}):([0-9]{1,8}):([0-9]{1,4})$/.exec(id);
  if (match === null) return undefined;
  const [startMs, rowsPerSecond, rampUpSeconds, numPartitions] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
  ];
  return { startMs, rowsPerSecond, rampUpMs: rampUpSeconds * 1000, numPartitions };
}

function rateTopicId({ startMs, rowsPerSecond, rampUpSeconds, partitions }: RateShape): string {
  return `rate:${startMs}:${rowsPerSecond}:${rampUpSeconds}:${partitions}`;
}

function shapeOf(options: RateLogOptions): RateShape {
  const { startMs, rowsPerSecond = 1, numPartitions = 1, rampUpMs = 0 } = options;
  checkWhole('startMs', startMs, 0, START_MS_MAX);
  checkWhole('rowsPerSecond', rowsPerSecond, 1, ROWS_PER_SECOND_MAX);
  checkWhole('numPartitions', numPartitions, 1, PARTITIONS_MAX);
  checkWhole('rampUpMs', rampUpMs, 0, RAMP_UP_MS_MAX);
  return { startMs, rowsPerSecond, rampUpSeconds: Math.floor(rampUpMs / 1000), partitions: numPartitions };
}

function checkWhole(option: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new TallystreamError('CONFIG_INVALID', {
    what: `The rate source cannot have a ${option} of ${value}.`,
    hint: `Use a whole number from ${min} to ${max}.`,
  });
}

function exhausted(topic: string, { startMs, rowsPerSecond }: RateShape): TallystreamError {
  return new TallystreamError('CONFIG_INVALID', {
    what: `The rate topic ${topic} has reached its last possible value, 2^53.`,
    why: `It has produced ${rowsPerSecond} rows per second since ${new Date(startMs).toISOString()}.`,
    hint: 'Start a new query, with a later start time or fewer rows per second.',
  });
}

/** A range ends above `latest`: its rows are known, but somebody has read them before their time came. */
function ahead(range: ReadRange, latest: number, timeMs: number): TallystreamError {
  return new TallystreamError('LOG_CORRUPT', {
    what: `Topic ${range.topic}, partition ${range.partition}, ends at offset ${latest}, but records up to ${range.end - 1} were read before.`,
    why: `The clock says ${new Date(timeMs).toISOString()}: it was set back, or this is another machine.`,
    hint: 'Correct the clock, or start again when it has reached that time. Nothing is lost.',
  });
}
