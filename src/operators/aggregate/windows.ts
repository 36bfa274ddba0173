/** Windows of event time: which of them an instant belongs to. */
import type { TimeZone } from '../../columns/values/timezone.ts';
import { MICROS_PER_MS } from '../watermark.ts';

const DAY_MICROS = 86_400_000_000;

/** A half-open span `[start, end)` of instants, in microseconds. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface WindowOptions {
  readonly sizeMs: number;
  /** From the start of one window to the next; the size for windows that do not overlap. */
  readonly slideMs: number;
  /** Moves all windows by so much. */
  readonly startMs: number;
}

/**
 * The windows that hold an instant, earliest first. They are aligned to 1970-01-01T00:00:00 in UTC, as Spark's are; where
 * size and slide are whole days, to midnights of the zone, so that a window has its 23 or 25 hours where a day has.
 */
export function windowsOf(options: WindowOptions, zone: TimeZone): (micros: number) => readonly Span[] {
  const size = options.sizeMs * MICROS_PER_MS;
  const slide = options.slideMs * MICROS_PER_MS;
  const shift = options.startMs * MICROS_PER_MS;
  if (size % DAY_MICROS !== 0 || slide % DAY_MICROS !== 0)
    return (micros) => spansAt(micros, size, slide, shift);
  // In local time days have 24 hours; each end is brought back to an instant by itself.
  const instants = ({ start, end }: Span): Span => {
    return { start: instantOf(start, zone), end: instantOf(end, zone) };
  };
  return (micros) => {
    const offset = zone.offsetMicrosAt(micros);
    const local = micros + offset;
    const back = zone.offsetMicrosAt(micros - DAY_MICROS) - offset;
    if (back <= 0) return spansAt(local, size, slide, shift).map(instants);
    // Clocks went back within a day, so they may have shown the end of a window before, and it is over since then.
    return spansAt(local + back, size + back, slide, shift)
      .map(({ start }) => instants({ start, end: start + size }))
      .filter(({ start, end }) => start <= micros && micros < end);
  };
}

function spansAt(micros: number, size: number, slide: number, shift: number): Span[] {
  const spans: Span[] = [];
  let start = micros - modulo(micros - shift, slide);
  for (; start > micros - size; start -= slide) spans.push({ start, end: start + size });
  return spans.toReversed();
}

/** Never negative, unlike `%`. */
function modulo(value: number, by: number): number {
  const rest = value % by;
  return rest < 0 ? rest + by : rest;
}

/** A local midnight that a zone leaves out is the moment at which it continues. */
function instantOf(localMicros: number, zone: TimeZone): number {
  const instant = zone.toInstant(localMicros);
  if (instant !== undefined) return instant;
  let before = localMicros - DAY_MICROS - zone.offsetMicrosAt(localMicros - DAY_MICROS);
  let after = localMicros + DAY_MICROS - zone.offsetMicrosAt(localMicros + DAY_MICROS);
  // The first instant whose local time is not below: local time rises except for its jumps, and here it jumps ahead.
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (middle + zone.offsetMicrosAt(middle) < localMicros) before = middle;
    else after = middle;
  }
  return after;
}
