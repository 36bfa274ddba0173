import type { Clock } from '../../contracts/clock.ts';

export interface TimeOrderReport {
  /** Lines whose time is before that of a line above them. */
  readonly linesBack: number;
  /** The first of them. */
  readonly firstLine: number;
  readonly firstBackMs: number;
  /** The one that goes back farthest. */
  readonly farthestLine: number;
  readonly farthestBackMs: number;
}

/** Watches whether lines come in order of their time. */
export interface TimeOrder {
  note(line: number, timestampMs: number): void;
  /** Undefined while every line came in order. */
  report(): TimeOrderReport | undefined;
}

/** @param onFirst called once, at the first line that goes back */
export function createTimeOrder(clock: Clock, onFirst: (report: TimeOrderReport) => void): TimeOrder {
  let latestMs = Number.NEGATIVE_INFINITY;
  let found: TimeOrderReport | undefined;

  const noteBack = (line: number, backMs: number): void => {
    if (found === undefined) {
      found = {
        linesBack: 1,
        firstLine: line,
        firstBackMs: backMs,
        farthestLine: line,
        farthestBackMs: backMs,
      };
      onFirst(found);
      return;
    }
    const farther = backMs > found.farthestBackMs;
    found = {
      ...found,
      linesBack: found.linesBack + 1,
      ...(farther ? { farthestLine: line, farthestBackMs: backMs } : {}),
    };
  };

  return {
    note(line, timestampMs) {
      if (timestampMs < latestMs) noteBack(line, latestMs - timestampMs);
      // An event ahead of the present is invalid and moves no watermark, so it makes nothing after it late.
      else if (timestampMs <= clock.nowMs()) latestMs = timestampMs;
    },
    report: () => found,
  };
}

/** The sentence for a file that is not in order of time. */
export function describeTimeOrder(name: string, report: TimeOrderReport): string {
  return (
    `${name} is not in time order: line ${report.firstLine} is ${formatSpan(report.firstBackMs)} earlier than a line above it. ` +
    'Events that are late by more than the watermark delay of the query are not counted, but kept as LATE. ' +
    'Sort the file by time, or increase the delay of the query.'
  );
}

/** A length of time with its largest unit that fits: `350 ms`, `12.0 s`, `3.5 h`. */
export function formatSpan(durationMs: number): string {
  if (durationMs < 1_000) return `${durationMs} ms`;
  if (durationMs < 60_000) return `${(durationMs / 1_000).toFixed(1)} s`;
  if (durationMs < 3_600_000) return `${(durationMs / 60_000).toFixed(1)} min`;
  if (durationMs < 86_400_000) return `${(durationMs / 3_600_000).toFixed(1)} h`;
  return `${(durationMs / 86_400_000).toFixed(1)} days`;
}
