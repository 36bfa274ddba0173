/** Inputs of the cases: whole numbers that are the seconds of their own event time, and words with such a time. */
import { optional, required, schema, types } from '../../src/columns/schema/schema.ts';
import { createTestSession } from '../../src/testing/index.ts';

export const NUMBERS = schema([
  required('value', types.int(), 'also the event time, in seconds since 1970'),
  required('at', types.timestamp(), 'event time'),
]);

export const WORDS = schema([
  required('word', types.string(), 'key'),
  required('at', types.timestamp(), 'event time'),
  optional('value', types.int(), 'anything'),
]);

export const instant = (seconds: number): string => new Date(seconds * 1000).toISOString();

export const secondsOf = (at: string | null): number => Date.parse(String(at)) / 1000;

export function numbersOf(options: { readonly partitions?: number } = {}) {
  const session = createTestSession();
  const input = session.memoryStream(NUMBERS, options);
  return { session, input, stream: session.readStream.format('memory', input).load(NUMBERS) };
}

export const numbers = (...values: readonly number[]) =>
  values.map((value) => ({ value, at: instant(value) }));

export function wordsOf() {
  const session = createTestSession();
  const input = session.memoryStream(WORDS);
  return { session, input, stream: session.readStream.format('memory', input).load(WORDS) };
}

/** A line of words at one time. */
export const words = (line: string, seconds: number, value: number | null = null) =>
  line.split(' ').map((word) => ({ word, at: instant(seconds), value }));

/** A row of windows with counts, as `[start in seconds, count]`. */
export const startAndCount = (row: {
  readonly window: { readonly start: string | null };
  readonly events: bigint | null;
}): number[] => [secondsOf(row.window.start), Number(row.events)];

/** A row of sessions without other keys, as `[start, end, count, sum]`. */
export const spanAndSum = (row: {
  readonly session_window: { readonly start: string | null; readonly end: string | null };
  readonly events: bigint | null;
  readonly total: bigint | null;
}): number[] => [
  secondsOf(row.session_window.start),
  secondsOf(row.session_window.end),
  Number(row.events),
  Number(row.total),
];
