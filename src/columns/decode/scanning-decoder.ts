/**
 * From the bytes of one event to the columns of its row. This is the simple, exact path: it scans the whole value
 * first, noting where the fields stand, and then converts them in schema order, so that which problem is reported does
 * not depend on the order in which the event has them. It decides alone wherever the compiled decoder has doubts.
 */
import { type Column, type ColumnBatch } from '../column-chunk.ts';
import { CellWriter } from './cell-writer.ts';
import {
  emptyProblem,
  invalidUtf8Problem,
  malformedProblem,
  missingProblem,
  notAnObjectProblem,
  tooLargeProblem,
} from './problems.ts';
import type { Decoder, DecoderOptions } from './decoder-types.ts';
import { JsonScanner, Token } from './json-scanner.ts';
import type { Problem } from './problem.ts';
import type { Schema } from '../schema/schema.ts';
import { ObjectShape, slotsOf, type Slot } from './shape.ts';
import { excerpt, invalidUtf8At } from './utf8.ts';

/** It keeps its own buffers, so it serves one batch at a time. */
export class ScanningDecoder implements Decoder {
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
    if (problem !== undefined) for (const column of batch.columns) column.setNull(row);
    return problem;
  }

  decodeRows(
    batch: ColumnBatch,
    valueStart: Int32Array,
    valueEnd: Int32Array,
    from: number,
    to: number,
    onProblem: (row: number, problem: Problem) => void,
  ): void {
    for (let row = from; row < to; row++) {
      const problem = this.decode(batch, valueStart[row] as number, valueEnd[row] as number, row);
      if (problem !== undefined) onProblem(row, problem);
    }
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
        for (let leaf = slot.leaf; leaf < slot.leavesEnd; leaf++)
          (batch.columns[leaf] as Column).setNull(row);
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
