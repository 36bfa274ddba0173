/**
 * Days and offsets of a time zone. The rules come from the runtime's own zone data through `Intl`, which costs
 * microseconds a question; so the answers of each day are kept, and a stream asks once a day of event time.
 */
import {
  dayOfMicros,
  daysFromCivil,
  MICROS_PER_DAY,
  MICROS_PER_SECOND,
  SECONDS_PER_DAY,
} from './calendar.ts';

/** How many days of offsets are kept a zone, 80 KiB of them; a power of two, the day's low bits choose the place. */
const DAYS_CACHED_MAX = 4096;

const NO_DAY = -0x8000_0000;

const UTC_NAMES: ReadonlySet<string> = new Set(['utc', 'etc/utc', 'gmt', 'etc/gmt', 'z', 'zulu', 'etc/zulu']);

export class TimeZone {
  /** The name as it was asked for, such as `Europe/Berlin`. */
  readonly name: string;
  /** Undefined for UTC, which needs no questions. */
  private readonly format: Intl.DateTimeFormat | undefined;
  private readonly days: Int32Array;
  private readonly offsetsBefore: Float64Array;
  private readonly offsetsAfter: Float64Array;
  /** The instant in the day from which `offsetsAfter` holds; Infinity for a day without a change. */
  private readonly changes: Float64Array;

  private constructor(name: string, format: Intl.DateTimeFormat | undefined) {
    const size = format === undefined ? 0 : DAYS_CACHED_MAX;
    this.name = name;
    this.format = format;
    this.days = new Int32Array(size).fill(NO_DAY);
    this.offsetsBefore = new Float64Array(size);
    this.offsetsAfter = new Float64Array(size);
    this.changes = new Float64Array(size);
  }

  /** @throws RangeError for a name that the runtime's zone data does not know. */
  static of(name: string): TimeZone {
    if (UTC_NAMES.has(name.toLowerCase())) return new TimeZone(name, undefined);
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    return new TimeZone(name, format);
  }

  /**
   * Local time minus UTC at an instant, in microseconds.
   *
   * An entry of the cache is a UTC day with its change, if it has one. That is exact, to the second and for the old
   * local mean times too, because no zone changes twice in a day: from 1860 to 2200 the two nearest changes of any
   * zone lie 167 hours apart.
   */
  offsetMicrosAt(micros: number): number {
    if (this.format === undefined) return 0;
    const day = dayOfMicros(micros);
    const slot = day & (DAYS_CACHED_MAX - 1);
    if (this.days[slot] !== day) this.learn(this.format, day, slot);
    return (
      micros < (this.changes[slot] as number) ? this.offsetsBefore[slot] : this.offsetsAfter[slot]
    ) as number;
  }

  /** The local day of an instant, in days since 1970-01-01. */
  dayOf(micros: number): number {
    return dayOfMicros(micros + this.offsetMicrosAt(micros));
  }

  /**
   * The instant at which the clocks of this zone show `localMicros` (a local date and time written as microseconds
   * since 1970-01-01T00:00 local). Where they show it twice it is the earlier instant; where they skip it, undefined.
   */
  toInstant(localMicros: number): number | undefined {
    if (this.format === undefined) return localMicros;
    // No offset reaches a day, so the offsets a day before and after are those on both sides of any change near by.
    const early = localMicros - this.offsetMicrosAt(localMicros - MICROS_PER_DAY);
    const late = localMicros - this.offsetMicrosAt(localMicros + MICROS_PER_DAY);
    const first = Math.min(early, late);
    const second = Math.max(early, late);
    if (first + this.offsetMicrosAt(first) === localMicros) return first;
    return second + this.offsetMicrosAt(second) === localMicros ? second : undefined;
  }

  private learn(format: Intl.DateTimeFormat, day: number, slot: number): void {
    let before = day * SECONDS_PER_DAY;
    let after = before + SECONDS_PER_DAY - 1;
    const offsetBefore = offsetSeconds(format, before);
    const offsetAfter = offsetSeconds(format, after);
    if (offsetBefore !== offsetAfter) {
      // The change is the first second with another offset than the day began with.
      while (after - before > 1) {
        const middle = Math.floor((before + after) / 2);
        if (offsetSeconds(format, middle) === offsetBefore) before = middle;
        else after = middle;
      }
    }
    this.days[slot] = day;
    this.offsetsBefore[slot] = offsetBefore * MICROS_PER_SECOND;
    this.offsetsAfter[slot] = offsetAfter * MICROS_PER_SECOND;
    this.changes[slot] = offsetBefore === offsetAfter ? Infinity : after * MICROS_PER_SECOND;
  }
}

/** Local time minus UTC at a second since 1970-01-01T00:00:00Z, read off the clock face that `format` shows. */
function offsetSeconds(format: Intl.DateTimeFormat, second: number): number {
  const shown = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
  for (const part of format.formatToParts(second * 1000)) {
    if (Object.hasOwn(shown, part.type)) shown[part.type as keyof typeof shown] = Number(part.value);
  }
  const days = daysFromCivil(shown.year, shown.month, shown.day);
  return days * SECONDS_PER_DAY + shown.hour * 3600 + shown.minute * 60 + shown.second - second;
}
