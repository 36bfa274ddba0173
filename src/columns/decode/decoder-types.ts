/** From the bytes of events to the columns of their rows: what every decoder promises. */
import type { ColumnBatch } from '../column-chunk.ts';
import type { Problem } from './problem.ts';
import type { TimeZone } from '../values/timezone.ts';

export interface Decoder {
  /**
   * Decodes the event in bytes `[start, end)` of the batch's chunk into every column of `row`; start -1 is a null value.
   * Returns what is wrong with it, if anything: its size, no bytes, UTF-8, JSON, no object at the top, and then the
   * first problem in schema order. The row of an event with a problem is null throughout.
   *
   * Of duplicate keys the last one counts, as in `JSON.parse`, and an earlier one may be anything. Unknown keys are
   * ignored, but they are JSON and UTF-8 all the same. An optional struct that is absent makes its fields null.
   */
  decode(batch: ColumnBatch, start: number, end: number, row: number): Problem | undefined;

  /**
   * Decodes rows `[from, to)` of the batch, in order: row i is the event in bytes `[valueStart[i], valueEnd[i])`. What
   * {@link decode} would return of a row is given to `onProblem` before the next row is decoded.
   */
  decodeRows(
    batch: ColumnBatch,
    valueStart: Int32Array,
    valueEnd: Int32Array,
    from: number,
    to: number,
    onProblem: (row: number, problem: Problem) => void,
  ): void;
}

export interface DecoderOptions {
  /** A longer value is `TOO_LARGE`. */
  readonly valueBytesMax: number;
  /** The zone of timestamps that name none; without it they are `WRONG_TYPE`. */
  readonly assumeTimeZone?: TimeZone;
}
