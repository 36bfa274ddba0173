/** Session windows as a grouping key: data only, which the operator of sessions runs. */
import type { Expr } from './expression/expr.ts';
import type { Expression } from './expression/node.ts';
import { TallystreamError } from '../errors.ts';
import { durationMs, type DurationText } from './window.ts';

/** A grouping key for sessions: the result of `sessionWindow(…)`. */
export interface SessionWindowKey<Name extends string = string> {
  readonly sessionWindow: { readonly of: Expression; readonly gapMs: number };
  readonly name: Name;
  alias<const Other extends string>(name: Other): SessionWindowKey<Other>;
}

/**
 * Groups rows whose times are less than `gap` apart. The result is a struct with `start`, the first row's time, and
 * `end`, the last row's time plus the gap.
 * @throws TallystreamError `USAGE` for a gap that is not a duration above 0
 */
export function sessionWindow(
  column: Expr<'timestamp'>,
  gap: DurationText,
): SessionWindowKey<'session_window'> {
  const gapMs = durationMs(gap);
  if (gapMs <= 0) {
    throw new TallystreamError('USAGE', {
      what: `sessionWindow(…, '${gap}') has no gap.`,
      hint: "Give it one, such as '30 minutes'.",
    });
  }
  return keyOf('session_window', { of: column.node, gapMs });
}

function keyOf<Name extends string>(
  name: Name,
  session: SessionWindowKey['sessionWindow'],
): SessionWindowKey<Name> {
  return Object.freeze({
    sessionWindow: session,
    name,
    alias: <const Other extends string>(other: Other) => keyOf(other, session),
  });
}
