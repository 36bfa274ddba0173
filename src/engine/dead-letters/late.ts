/** What is wrong with a late event: how late it is, and the windows that it missed. */
import type { Problem } from '../../columns/decode/problem.ts';
import { formatTimestamp } from '../../columns/values/timestamp.ts';
import type { RunningAggregate } from '../../operators/aggregate/aggregate.ts';
import type { OutputMode } from '../../plan/query-plan.ts';

const MICROS_PER_SECOND = 1_000_000;

export interface LateEvent {
  readonly row: number;
  readonly column: string | null;
  readonly eventMicros: number;
  /** An event below this is late. */
  readonly lateBelowMicros: number;
}

/**
 * Of an event that may be late, since it was redriven so: none, unless a window that it belongs to has been emitted. What
 * append mode emits is final, and is emitted once.
 */
export function finalProblem(
  { row, column, eventMicros }: LateEvent,
  aggregates: readonly RunningAggregate[],
  outputMode: OutputMode,
): Problem | undefined {
  if (outputMode !== 'append') return undefined;
  const closed = aggregates.filter((aggregate) => aggregate.isClosedFor(row));
  if (closed.length === 0) return undefined;
  return {
    reason: 'LATE',
    field: column,
    expected: 'a window that is still open: append mode emits each once',
    actual: `${formatTimestamp(eventMicros)}, in a closed window of ${closed.map(({ name }) => name).join(' and ')}`,
  };
}

/**
 * `expected` has the bound and `actual` the event's time; where an aggregate has windows, behind it by how much the event
 * is below the bound, and the window that it would have been in.
 */
export function lateProblem(event: LateEvent, aggregates: readonly RunningAggregate[]): Problem {
  const { row, column, eventMicros, lateBelowMicros } = event;
  const missed = aggregates.flatMap((aggregate) => {
    const window = aggregate.windowOf(row);
    if (window === undefined) return [];
    return [`${aggregate.name} from ${formatTimestamp(window.start)} to ${formatTimestamp(window.end)}`];
  });
  const seconds = (lateBelowMicros - eventMicros) / MICROS_PER_SECOND;
  const words = missed.length === 0 ? '' : `, ${seconds} s late, missed ${missed.join(' and ')}`;
  return {
    reason: 'LATE',
    field: column,
    expected: `not before ${formatTimestamp(lateBelowMicros)}`,
    actual: formatTimestamp(eventMicros) + words,
  };
}
