/**
 * Instants as microseconds since 1970-01-01T00:00:00Z in a double: exact from 1684 to 2255 (2^53 µs each way). Later
 * ones may lose microseconds but keep their order, and a rule refuses them anyway, for they are in the future.
 */
import {
  civilFromDays,
  dayOfMicros,
  daysFromCivil,
  daysInMonth,
  MICROS_PER_DAY,
  MICROS_PER_SECOND,
  SECONDS_PER_DAY,
} from './calendar.ts';
import type { TimeZone } from './timezone.ts';

/** 1700-01-01T00:00:00Z. Before it no event is a purchase, and a little earlier microseconds would no longer be exact. */
export const INSTANT_MICROS_MIN = -8_520_336_000_000_000;

/** The last double before 10000-01-01T00:00:00Z: RFC 3339 cannot write a later one. */
export const INSTANT_MICROS_MAX = 253_402_300_799_999_968;

/**
 * `syntax`: not RFC 3339. `no-zone`: RFC 3339 except for its missing zone, and none is assumed. `range`: a field that no
 * date or clock has, or an instant outside the years 1700 to 9999. `gap`: a local time that the assumed zone skipped.
 */
export type TimestampOutcome = 'ok' | 'syntax' | 'no-zone' | 'range' | 'gap';

/**
 * Reads RFC 3339 (section 5.6): date, `T`, time with seconds, any number of decimals, and `Z` or `±hh:mm`. Letters may
 * be small. Decimals beyond microseconds are cut off. Leap seconds are refused: no clock here counts them. One object
 * is used for every value, so nothing is allocated.
 */
export class TimestampParser {
  /** What the last `parse` that answered `ok` read. */
  micros = NaN;

  parse(bytes: Uint8Array, start: number, end: number, assumeZone?: TimeZone): TimestampOutcome {
    const year = twoDigits(bytes, start) * 100 + twoDigits(bytes, start + 2);
    const month = twoDigits(bytes, start + 5);
    const day = twoDigits(bytes, start + 8);
    const hour = twoDigits(bytes, start + 11);
    const minute = twoDigits(bytes, start + 14);
    const second = twoDigits(bytes, start + 17);
    if (end - start < 19 || (year | month | day | hour | minute | second) < 0) return 'syntax';
    if (bytes[start + 4] !== DASH || bytes[start + 7] !== DASH) return 'syntax';
    if (((bytes[start + 10] as number) | SMALL) !== SMALL_T) return 'syntax';
    if (bytes[start + 13] !== COLON || bytes[start + 16] !== COLON) return 'syntax';

    let at = start + 19;
    let fraction = 0;
    if (at < end && bytes[at] === POINT) {
      at = digitsEnd(bytes, at + 1, end);
      if (at === start + 20) return 'syntax';
      fraction = readFraction(bytes, start + 20, at);
    }
    const offset = readOffset(bytes, at, end);
    if (offset === BAD_OFFSET) return 'syntax';
    if (offset === NO_OFFSET && assumeZone === undefined) return 'no-zone';

    if (day < 1 || day > daysInMonth(year, month)) return 'range';
    if (hour > 23 || minute > 59 || second > 59 || offset === OFFSET_OUT_OF_RANGE) return 'range';
    const local = daysFromCivil(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
    return offset === NO_OFFSET
      ? this.assume(local, fraction, assumeZone as TimeZone)
      : this.accept(local - offset, fraction);
  }

  /** Seconds times 10^6 are a double without rounding up to the year 9999, so adding the fraction rounds only once. */
  private accept(seconds: number, fraction: number): TimestampOutcome {
    const micros = seconds * MICROS_PER_SECOND + fraction;
    if (micros < INSTANT_MICROS_MIN || seconds * MICROS_PER_SECOND > INSTANT_MICROS_MAX) return 'range';
    this.micros = Math.min(micros, INSTANT_MICROS_MAX);
    return 'ok';
  }

  private assume(localSeconds: number, fraction: number, zone: TimeZone): TimestampOutcome {
    const instant = zone.toInstant(localSeconds * MICROS_PER_SECOND);
    return instant === undefined ? 'gap' : this.accept(instant / MICROS_PER_SECOND, fraction);
  }
}

/** `syntax`: not `YYYY-MM-DD`. `range`: a day that no month has, or the year 0, which SQL's DATE does not have. */
export type DateOutcome = 'ok' | 'syntax' | 'range';

/** Reads RFC 3339's `full-date`, as {@link TimestampParser} reads the whole. */
export class DateParser {
  /** Days since 1970-01-01: what the last `parse` that answered `ok` read. */
  day = NaN;

  parse(bytes: Uint8Array, start: number, end: number): DateOutcome {
    const year = twoDigits(bytes, start) * 100 + twoDigits(bytes, start + 2);
    const month = twoDigits(bytes, start + 5);
    const day = twoDigits(bytes, start + 8);
    if (end - start !== 10 || (year | month | day) < 0) return 'syntax';
    if (bytes[start + 4] !== DASH || bytes[start + 7] !== DASH) return 'syntax';
    if (year < 1 || day < 1 || day > daysInMonth(year, month)) return 'range';
    this.day = daysFromCivil(year, month, day);
    return 'ok';
  }
}

const PLUS = 0x2b;
const DASH = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
/** The bit that tells a small letter from a capital one. */
const SMALL = 0x20;
const SMALL_T = 0x74;
const SMALL_Z = 0x7a;

const BAD_OFFSET = 1e9;
const NO_OFFSET = 2e9;
const OFFSET_OUT_OF_RANGE = 3e9;

/** The number that two digits write; far below zero if they are none, so that it stays below in any sum of ours. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = ((bytes[at] as number) | 0) - ZERO;
  const ones = ((bytes[at + 1] as number) | 0) - ZERO;
  return tens >>> 0 > 9 || ones >>> 0 > 9 ? -100_000 : tens * 10 + ones;
}

function digitsEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && ((bytes[at] as number) - ZERO) >>> 0 <= 9) at++;
  return at;
}

/** The microseconds that the decimals in `bytes[start, end)` write. */
function readFraction(bytes: Uint8Array, start: number, end: number): number {
  let fraction = 0;
  for (let at = start; at < start + 6; at++)
    fraction = fraction * 10 + (at < end ? (bytes[at] as number) - ZERO : 0);
  return fraction;
}

/** Seconds east of UTC, or one of the three constants above. */
function readOffset(bytes: Uint8Array, at: number, end: number): number {
  if (at === end) return NO_OFFSET;
  const sign = bytes[at] as number;
  if ((sign | SMALL) === SMALL_Z) return at + 1 === end ? 0 : BAD_OFFSET;
  if ((sign !== PLUS && sign !== DASH) || end - at !== 6 || bytes[at + 3] !== COLON) return BAD_OFFSET;
  const hours = twoDigits(bytes, at + 1);
  const minutes = twoDigits(bytes, at + 4);
  if ((hours | minutes) < 0) return BAD_OFFSET;
  if (hours > 23 || minutes > 59) return OFFSET_OUT_OF_RANGE;
  const seconds = hours * 3600 + minutes * 60;
  return sign === DASH ? -seconds : seconds;
}

/** `2025-06-26T14:11:33.250Z`: three decimals, or six where the microseconds need them. */
export function formatTimestamp(micros: number): string {
  const day = dayOfMicros(micros);
  const rest = micros - day * MICROS_PER_DAY;
  const fraction = rest % MICROS_PER_SECOND;
  const decimals = fraction % 1000 === 0 ? padded(fraction / 1000, 3) : padded(fraction, 6);
  return `${formatDay(day)}T${formatClock(rest)}.${decimals}Z`;
}

const MS_MIN = -62_167_219_200_000;
const MS_MAX = 253_402_300_799_999;

/**
 * An instant in epoch milliseconds, to the millisecond: `2025-06-26T14:11:33.250Z`. A value outside the years 0 to 9999, as a log
 * timestamp in another unit is, comes as its digits.
 */
export function formatEpochMs(ms: number | bigint): string {
  return ms >= MS_MIN && ms <= MS_MAX ? new Date(Number(ms)).toISOString() : String(ms);
}

/** `2025-06-26 14:11:33`, as the clocks of the zone show it. */
export function formatLocalDateTime(micros: number, zone: TimeZone): string {
  const local = micros + zone.offsetMicrosAt(micros);
  const day = dayOfMicros(local);
  return `${formatDay(day)} ${formatClock(local - day * MICROS_PER_DAY)}`;
}

/** `2025-06-26`, for a day since 1970-01-01. */
export function formatDay(day: number): string {
  const date = civilFromDays(day);
  return `${padded(date.year, 4)}-${padded(date.month, 2)}-${padded(date.day, 2)}`;
}

/** The day since 1970-01-01 that `YYYY-MM-DD` names. @throws RangeError if there is no such day. */
export function parseDay(text: string): number {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  const [year, month, day] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3])];
  if (match === null || day < 1 || day > daysInMonth(year, month)) {
    throw new RangeError(`not a date of the form YYYY-MM-DD: ${JSON.stringify(text.slice(0, 40))}`);
  }
  return daysFromCivil(year, month, day);
}

/** `14:11:33` for microseconds since midnight. */
function formatClock(micros: number): string {
  const seconds = Math.floor(micros / MICROS_PER_SECOND);
  return `${padded(Math.floor(seconds / 3600), 2)}:${padded(Math.floor(seconds / 60) % 60, 2)}:${padded(seconds % 60, 2)}`;
}

function padded(value: number, digits: number): string {
  return value.toString().padStart(digits, '0');
}
