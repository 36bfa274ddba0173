/** How a delivery looks on stderr while it runs, and what it says at the end. */
import { escapeForTerminal } from '../columns/format/escape.ts';
import type { DeliveryProgress, DeliverySummary } from './delivery.ts';

export interface ProgressLineOptions {
  /** Where the lines go: stderr. */
  readonly stream: { write(text: string): unknown };
  readonly isTerminal: boolean;
  /** The terminal's width in characters, asked for every line, because a window can be resized. */
  columns(): number;
}

export interface ProgressLine {
  /** Shows the figures: in place on a terminal, elsewhere as a line every five seconds. */
  update(progress: DeliveryProgress): void;
  /** Writes a message of its own line, escaped for the terminal, without leaving half a progress line before it. */
  note(message: string): void;
  /** Ends the live line and writes the summary. */
  finish(summary: DeliverySummary): void;
}

const PLAIN_LINE_EVERY_MS = 5_000;
/** Back to the line's start, and clear to its end: what was longer before leaves nothing behind. */
const LINE_START = '\r\u001b[K';

export function createProgressLine(options: ProgressLineOptions): ProgressLine {
  const { stream, isTerminal } = options;
  let live = false;
  let plainDueMs = PLAIN_LINE_EVERY_MS;

  const clear = (): void => {
    if (live) stream.write(LINE_START);
    live = false;
  };

  return {
    update(progress) {
      const text = formatProgress(progress);
      if (isTerminal) {
        // One column stays free, because some terminals break the line as soon as the last one is written.
        stream.write(LINE_START + text.slice(0, Math.max(0, options.columns() - 1)));
        live = true;
      } else if (progress.elapsedMs >= plainDueMs) {
        stream.write(`${text}\n`);
        plainDueMs = progress.elapsedMs + PLAIN_LINE_EVERY_MS;
      }
    },
    note(message) {
      clear();
      // The name of a file, a seed and the words of a log may hold anything.
      stream.write(`${escapeForTerminal(message)}\n`);
    },
    finish(summary) {
      clear();
      stream.write(`${formatSummary(summary)}\n`);
    },
  };
}

/** `12,500 events acknowledged, 1,000/s, 5.9 MiB`, and what is in flight or was retried, if anything. */
export function formatProgress(progress: DeliveryProgress): string {
  const { acknowledged, sent, bytes, ratePerSecond, retries } = progress;
  const parts = [
    `${formatCount(acknowledged)} ${plural(acknowledged, 'event')} acknowledged`,
    `${formatRate(ratePerSecond)}/s`,
    formatBytes(bytes),
  ];
  if (sent > acknowledged) parts.push(`${formatCount(sent - acknowledged)} in flight`);
  if (retries > 0) parts.push(`${formatCount(retries)} ${plural(retries, 'retry', 'retries')}`);
  return parts.join(', ');
}

/** The closing line: what is in the log, in what time, and what is not. */
export function formatSummary(summary: DeliverySummary): string {
  const { acknowledged, unacknowledged, bytes, elapsedMs, ratePerSecond, retries } = summary;
  const how = summary.aborted ? 'Aborted: ' : summary.stopped ? 'Stopped: ' : '';
  const parts = [
    `${how}${formatCount(acknowledged)} ${plural(acknowledged, 'event')} delivered in ${(elapsedMs / 1000).toFixed(1)} s`,
    `${formatRate(ratePerSecond)}/s`,
    formatBytes(bytes),
  ];
  if (retries > 0) parts.push(`${formatCount(retries)} ${plural(retries, 'retry', 'retries')}`);
  if (unacknowledged > 0) {
    parts.push(
      `${formatCount(unacknowledged)} ${plural(unacknowledged, 'event')} sent and not acknowledged (some may be in the log)`,
    );
  }
  return parts.join(', ');
}

/** `1,234,567`, independent of the machine's locale. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** Whole from 10 on, with one decimal below that. */
function formatRate(ratePerSecond: number): string {
  return ratePerSecond < 9.95 ? ratePerSecond.toFixed(1) : formatCount(Math.round(ratePerSecond));
}

/** In binary units with one decimal: `512 B`, `5.9 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1_023.95 && unit < units.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit] as string}`;
}

function plural(count: number, one: string, many = `${one}s`): string {
  return count === 1 ? one : many;
}
