/**
 * What a record's log timestamp can be: epoch milliseconds, or something that a producer wrote in its place. Nothing in a
 * record says the unit, but the units lie a factor of a thousand apart, so the size of the number does. Pure.
 */

/** `none`: no time at all (Kafka's -1, or 0). The others are units of a number that is too small or too large for milliseconds. */
export type RecordTimeKind = 'milliseconds' | 'none' | 'seconds' | 'microseconds' | 'nanoseconds';

/** 1973-03-03 in milliseconds, and the year 5138 in seconds. */
const MS_MIN = 1e11;
/** The year 5138 in milliseconds, and 1973-03-03 in microseconds. */
export const RECORD_MS_MAX = 1e14;
/** The same between microseconds and nanoseconds. */
const MICROS_MAX = 1e17;
/** By so much a record may be earlier than a clock that itself stands near 1970, as clocks of tests and unset ones do. */
const EARLIER_THAN_CLOCK_MAX = 10;

/** A log timestamp below this is no time in milliseconds, by a query whose clock is `clockMs`. */
export function lowestRecordMs(clockMs: number): number {
  return Math.min(MS_MIN, Math.max(1, clockMs / EARLIER_THAN_CLOCK_MAX));
}

/** What `timestamp` looks like, by a query whose clock is `clockMs`. */
export function kindOfRecordTime(timestamp: number, clockMs: number): RecordTimeKind {
  if (!(timestamp > 0)) return 'none';
  if (timestamp < lowestRecordMs(clockMs)) return 'seconds';
  if (timestamp < RECORD_MS_MAX) return 'milliseconds';
  return timestamp < MICROS_MAX ? 'microseconds' : 'nanoseconds';
}

/**
 * After this, plus the tolerance, an event is one of the future: min(log timestamp, clock) if the log timestamp is one in
 * milliseconds, and the clock alone if it is not. `lowestMs` is {@link lowestRecordMs}, which is the same for all rows.
 */
export function futureBoundMs(timestampMs: number, clockMs: number, lowestMs: number): number {
  return timestampMs >= lowestMs && timestampMs < clockMs ? timestampMs : clockMs;
}
