/** Windows of event time as a grouping expression: data only, which the operator of grouped totals expands. */
import { TallystreamError } from '../errors.ts';
import { exprOf, nodeOfOperand } from './expression/builder.ts';
import type { Expr, NamedExpr } from './expression/expr.ts';
import type { WindowNode } from './expression/node.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  millisecond: 1,
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
};

/** `10 minutes`, `1 hour 30 minutes`: whole numbers with units from milliseconds to weeks. */
export type DurationText = `${number} ${string}`;

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

function unusable(what: string, mend: string): TallystreamError {
  return new TallystreamError('USAGE', { what: `${what}.`, mend });
}

/** The milliseconds of a duration in Spark's notation. Months and years are not allowed, because their length varies. */
export function durationMs(text: unknown): number {
  const parts = (typeof text === 'string' ? text : '').trim().split(/\s+/);
  let sum = 0;
  for (let at = 0; at < parts.length; at += 2) {
    const unit = (parts[at + 1] ?? '').toLowerCase().replace(/s$/, '');
    const count = parts[at] as string;
    if (!/^-?\d{1,15}$/.test(count) || !Object.hasOwn(UNIT_MS, unit)) {
      throw unusable(
        `${JSON.stringify(text)} is no duration`,
        "Write '10 minutes' or '1 hour 30 minutes': milliseconds, seconds, minutes, hours, days, weeks.",
      );
    }
    sum += Number(count) * (UNIT_MS[unit] as number);
  }
  if (!Number.isSafeInteger(sum)) throw unusable(`${JSON.stringify(text)} is too long`, 'Shorten it.');
  return sum;
}
