/** Timestamps and dates in the forms that nearly every producer writes, between their quotes. */
import { daysFromCivil, daysInMonth, MICROS_PER_SECOND, SECONDS_PER_DAY } from '../../values/calendar.ts';

const QUOTE = 0x22;
const PLUS = 0x2b;
const DASH = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const UPPER_T = 0x54;
const UPPER_Z = 0x5a;

/** Years whose instants are all in range, whatever their offset: what lies outside is left to the exact path. */
const YEAR_MIN = 1701;
const YEAR_MAX = 9998;

/** Decimals of a second beyond these are left to the exact path. */
const FRACTION_DIGITS_MAX = 9;

/** No 16 bits are this, so no bytes are a day before one was read. */
const NO_WORD = 0x1_0000;

const SECONDS_PER_HOUR = 3600;

/**
 * Reads `"YYYY-MM-DD"` and `"YYYY-MM-DDThh:mm:ss"` with up to nine decimals and `Z` or `±hh:mm`. The day read last is
 * remembered by its ten bytes, since events of one moment follow one another.
 */
export class MomentReader {
  /** The bytes of the day read last, as little-endian words: `YYYY`, `-MM-`, `DD`. */
  private yearWord = 0;
  private monthWord = 0;
  private dayWord = NO_WORD;
  /** Days since 1970-01-01. */
  private day = 0;

  /** Reads the date whose quote is at `from` into `values[index]`; the position after it, or -1. */
  date(
    bytes: Uint8Array,
    view: DataView,
    from: number,
    end: number,
    values: Float64Array,
    index: number,
  ): number {
    if (from + 12 >= end || bytes[from] !== QUOTE || bytes[from + 11] !== QUOTE) return -1;
    if (!this.isDay(bytes, view, from + 1)) return -1;
    values[index] = this.day;
    return from + 12;
  }

  /** Reads the instant whose quote is at `from` into `values[index]`; the position after it, or -1. */
  timestamp(
    bytes: Uint8Array,
    view: DataView,
    from: number,
    end: number,
    values: Float64Array,
    index: number,
  ): number {
    // The shortest one has 22 bytes with its quotes, and something stands after it.
    if (from + 22 >= end || bytes[from] !== QUOTE || !this.isDay(bytes, view, from + 1)) return -1;
    if (bytes[from + 11] !== UPPER_T || bytes[from + 14] !== COLON || bytes[from + 17] !== COLON) return -1;
    const hour = twoDigits(bytes, from + 12);
    const minute = twoDigits(bytes, from + 15);
    const second = twoDigits(bytes, from + 18);
    if (hour > 23 || minute > 59 || second > 59) return -1;
    let seconds = this.day * SECONDS_PER_DAY + (hour * SECONDS_PER_HOUR + minute * 60 + second);
    let fraction = 0;
    let at = from + 20;
    if (bytes[at] === POINT) {
      const first = ++at;
      let digit = ((bytes[at] as number) - ZERO) | 0;
      // Microseconds: what is missing of six digits are zeros, and what is too much is cut off.
      let unit = 100_000;
      while (digit >>> 0 <= 9) {
        fraction += digit * unit;
        unit = (unit / 10) | 0;
        at++;
        digit = ((bytes[at] as number) - ZERO) | 0;
      }
      if (at === first || at - first > FRACTION_DIGITS_MAX) return -1;
    }
    const zone = bytes[at] as number;
    if (zone === UPPER_Z) at++;
    else {
      if ((zone !== PLUS && zone !== DASH) || at + 7 >= end || bytes[at + 3] !== COLON) return -1;
      const offsetHour = twoDigits(bytes, at + 1);
      const offsetMinute = twoDigits(bytes, at + 4);
      if (offsetHour > 23 || offsetMinute > 59) return -1;
      const offset = offsetHour * SECONDS_PER_HOUR + offsetMinute * 60;
      seconds += zone === DASH ? offset : -offset;
      at += 6;
    }
    if (bytes[at] !== QUOTE) return -1;
    values[index] = seconds * MICROS_PER_SECOND + fraction;
    return at + 1;
  }

  /** Whether a day is in the ten bytes at `at`; it is the `day` then. */
  private isDay(bytes: Uint8Array, view: DataView, at: number): boolean {
    const yearWord = view.getInt32(at, true);
    const monthWord = view.getInt32(at + 4, true);
    const dayWord = view.getInt16(at + 8, true);
    if (yearWord === this.yearWord && monthWord === this.monthWord && dayWord === this.dayWord) return true;
    const year = twoDigits(bytes, at) * 100 + twoDigits(bytes, at + 2);
    const month = twoDigits(bytes, at + 5);
    const day = twoDigits(bytes, at + 8);
    if (bytes[at + 4] !== DASH || bytes[at + 7] !== DASH) return false;
    if (year < YEAR_MIN || year > YEAR_MAX || day < 1 || day > daysInMonth(year, month)) return false;
    this.yearWord = yearWord;
    this.monthWord = monthWord;
    this.dayWord = dayWord;
    this.day = daysFromCivil(year, month, day);
    return true;
  }
}

/** The number that two digits write; far above every field if they are none. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = ((bytes[at] as number) - ZERO) | 0;
  const ones = ((bytes[at + 1] as number) - ZERO) | 0;
  return tens >>> 0 > 9 || ones >>> 0 > 9 ? 1_000_000 : tens * 10 + ones;
}
