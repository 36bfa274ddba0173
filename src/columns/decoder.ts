/**
 * From the bytes of one event to the columns of its row. This is the simple, exact path: it scans the whole value
 * first, noting where the fields stand, and then converts them in schema order, so that which problem is reported does
 * not depend on the order in which the event has them.
 */
import { setNull, type Column, type ColumnBatch } from './batch.ts';
import { CellWriter } from './cell-writer.ts';
import {
  emptyProblem,
  invalidUtf8Problem,
  malformedProblem,
  missingProblem,
  notAnObjectProblem,
  tooLargeProblem,
} from './decode-problem.ts';
import { JsonScanner, Token } from './json.ts';
import type { Problem } from './problem.ts';
import type { Schema } from './schema.ts';
import { ObjectShape, slotsOf, type Slot } from './shape.ts';
import type { TimeZone } from './timezone.ts';
import { excerpt, invalidUtf8At } from './utf8.ts';

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
}

export interface DecoderOptions {
  /** A longer value is `TOO_LARGE`. */
  readonly valueBytesMax: number;
  /** The zone of timestamps that name none; without it they are `WRONG_TYPE`. */
  readonly assumeTimeZone?: TimeZone;
}

/** A decoder for batches of `schema`. It keeps buffers of its own, so it serves one batch at a time. */
export function createDecoder(schema: Schema, options: DecoderOptions): Decoder {
  return new ScanningDecoder(schema, options);
}

class ScanningDecoder implements Decoder {
  private readonly slots: readonly Slot[];
  private readonly scanner: JsonScanner;
  private readonly valueBytesMax: number;
  private readonly writer: CellWriter;

  constructor(schema: Schema, options: DecoderOptions) {
    this.slots = slotsOf(schema);
    this.scanner = new JsonScanner(new ObjectShape(schema.fields, 0));
    this.valueBytesMax = options.valueBytesMax;
    this.writer = new CellWriter(options.assumeTimeZone);
  }

  decode(batch: ColumnBatch, start: number, end: number, row: number): Problem | undefined {
    const problem = this.prove(batch, start, end) ?? this.fill(batch, row);
    // Half a row would be read as values by whoever forgets to look at the problem first.
    if (problem !== undefined) for (const column of batch.columns) setNull(column, row);
    return problem;
  }

  /** What is wrong with the event as a whole. Afterwards the scanner knows where its fields stand. */
  private prove(batch: ColumnBatch, start: number, end: number): Problem | undefined {
    if (start < 0) return emptyProblem('a null value');
    if (end - start > this.valueBytesMax) return tooLargeProblem(end - start, this.valueBytesMax);
    if (end === start) return emptyProblem('no bytes');
    const bytes = batch.space.chunk;
    const scanner = this.scanner;
    const token = scanner.scan(bytes, start, end);
    if (token < 0 || scanner.beyondAscii) {
      const invalidAt = invalidUtf8At(bytes, start, end);
      if (invalidAt >= 0) return invalidUtf8Problem(bytes, start, invalidAt);
    }
    if (token < 0) return malformedProblem(bytes, start, end, scanner);
    return token === Token.object ? undefined : notAnObjectProblem(excerpt(bytes, start, end));
  }

  private fill(batch: ColumnBatch, row: number): Problem | undefined {
    const slots = this.slots;
    const { tokens, starts, ends } = this.scanner;
    for (let index = 0; index < slots.length;) {
      const slot = slots[index] as Slot;
      const token = tokens[index] as number;
      if (token <= Token.null) {
        if (slot.required) return missingProblem(slot, token === Token.null ? 'null' : 'absent');
        for (let leaf = slot.leaf; leaf < slot.leavesEnd; leaf++) setNull(batch.columns[leaf] as Column, row);
        index = slot.slotsEnd;
        continue;
      }
      const column = batch.columns[slot.leaf] as Column;
      const start = starts[index] as number;
      const problem = this.writer.write(batch.space, column, row, slot, token, start, ends[index] as number);
      if (problem !== undefined) return problem;
      index++;
    }
    return undefined;
  }
}
