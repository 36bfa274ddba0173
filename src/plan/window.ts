/** Windows of event time as a grouping expression: data only, which the operator of grouped totals expands. */
import { TallystreamError } from '../errors.ts';
import { readDurationMs } from '../values/units.ts';
import { exprOf, nodeOfOperand } from './expression/builder.ts';
import type { Expr, NamedExpr } from './expression/expr.ts';
import type { WindowNode } from './expression/node.ts';

/** `10 minutes`, `1 hour 30 minutes`, `1.5 hours`, `30s`: amounts with units from milliseconds to weeks, which add up. */
export type DurationText = `${number} ${string}` | `${number}${string}`;

/**
 * Groups by windows of event time. They are tumbling windows, or sliding ones if `slide` is shorter than `size`.
 * `start` shifts all of them. Windows are aligned to 1970-01-01T00:00:00Z; if size and slide are whole days, to
 * midnight in the query's time zone. The result is a struct with `start` and `end`.
 * @throws TallystreamError `USAGE` for an invalid duration, a slide longer than the size, or a start that is not
 * shorter than the slide (as in Spark)
 */
export function window(
  column: Expr<'timestamp'>,
  size: DurationText,
  slide: DurationText = size,
  start: DurationText = '0 seconds',
): NamedExpr<'window', 'struct'> {
  const sizeMs = durationMs(size);
  const slideMs = durationMs(slide);
  const startMs = durationMs(start);
  if (sizeMs <= 0 || slideMs <= 0)
    throw unusable(`window(…, '${size}', '${slide}') has no length`, 'Give it one.');
  if (slideMs > sizeMs) {
    throw unusable(
      `A slide of ${slide} is longer than the window of ${size}`,
      'Events between two windows would be in none. Make the slide at most as long as the window.',
    );
  }
  if (Math.abs(startMs) >= slideMs)
    throw unusable(
      `A start of ${start} is not shorter than the slide of ${slide}`,
      'Make it shorter than the slide.',
    );
  const node: WindowNode = Object.freeze({
    kind: 'window',
    of: nodeOfOperand(column),
    sizeMs,
    slideMs,
    startMs,
  });
  return exprOf<'struct'>(node);
}

function unusable(what: string, hint: string): TallystreamError {
  return new TallystreamError('USAGE', { what: `${what}.`, hint });
}

/** Milliseconds of a duration; months and years have no length. @throws USAGE */
export function durationMs(text: unknown): number {
  const ms = typeof text === 'string' ? readDurationMs(text) : Number.NaN;
  if (Number.isNaN(ms)) {
    throw unusable(
      `${JSON.stringify(text)} is no duration`,
      "Write '10 minutes' or '1 hour 30 minutes': milliseconds, seconds, minutes, hours, days, weeks.",
    );
  }
  if (!Number.isSafeInteger(ms)) throw unusable(`${JSON.stringify(text)} is too long`, 'Shorten it.');
  return ms;
}
