/**
 * The fast path before the exact one: functions generated from the schema, each for one shape of events, which write
 * cells straight from the bytes in one pass. A row that they give up is decoded again by the exact path, whose word
 * counts. docs/explanation/decoder.md says what they handle.
 */
import type { ColumnBatch } from '../../column-chunk.ts';
import type { Decoder, DecoderOptions } from '../decoder-types.ts';
import type { Problem } from '../problem.ts';
import type { Schema } from '../../schema/schema.ts';
import { compile, type DecodeRow, type Shape } from './program.ts';
import { Outcome } from './outcome.ts';
import { spaceEnd } from './skip.ts';

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const SPACE = 0x20;

/** Rows of another shape, more than rows of the expected one, after which another shape is expected. */
const STRANGERS_MAX = 16;

/** After this many rows, the order is looked for again if none was found. */
const ANY_ORDER_ROWS = 4096;

const NEXT_SHAPE: Readonly<Record<Shape, Shape>> = {
  compact: 'spaced',
  spaced: 'anyOrder',
  anyOrder: 'compact',
};

export class CompiledDecoder implements Decoder {
  private readonly schema: Schema;
  private readonly valueBytesMax: number;
  private readonly exact: Decoder;
  /** Compiled when they are first needed. */
  private readonly programs = new Map<Shape, DecodeRow>();

  /** The shape that the next row is expected to have: it changes what is tried first, and no verdict. */
  private shape: Shape = 'compact';
  private decodeRow: DecodeRow;
  private strangers = 0;
  private anyOrderRows = 0;

  /** The chunk that `view` is a view of. */
  private bytes: Uint8Array = new Uint8Array(0);
  private view = new DataView(this.bytes.buffer);

  constructor(schema: Schema, options: Pick<DecoderOptions, 'valueBytesMax'>, exact: Decoder) {
    this.schema = schema;
    this.valueBytesMax = options.valueBytesMax;
    this.exact = exact;
    this.decodeRow = this.program(this.shape);
  }

  decode(batch: ColumnBatch, start: number, end: number, row: number): Problem | undefined {
    return this.tryDecode(batch, start, end, row) ? undefined : this.exact.decode(batch, start, end, row);
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
      const start = valueStart[row] as number;
      const end = valueEnd[row] as number;
      if (this.tryDecode(batch, start, end, row)) continue;
      const problem = this.exact.decode(batch, start, end, row);
      if (problem !== undefined) onProblem(row, problem);
    }
  }

  /** Whether the row is decoded. */
  private tryDecode(batch: ColumnBatch, start: number, end: number, row: number): boolean {
    if (start < 0 || end - start > this.valueBytesMax) return false;
    const bytes = batch.space.chunk;
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    if (end - start >= 2 && bytes[start] === OPEN_BRACE && bytes[end - 1] === CLOSE_BRACE) {
      const outcome = this.attempt(this.decodeRow, batch, start, end, row);
      if (outcome === Outcome.decoded) {
        this.expected();
        return true;
      }
      if (outcome === Outcome.unusual) return false;
    }
    return this.tryAnyOrder(batch, start, end, row);
  }

  /** Nothing is left of a row that is not decoded but undefined cells, and values that dictionaries have met. */
  private attempt(
    decodeRow: DecodeRow,
    batch: ColumnBatch,
    start: number,
    end: number,
    row: number,
  ): Outcome {
    const { columns, space } = batch;
    const { arenaUsed } = space;
    const outcome = decodeRow(columns, space, this.bytes, this.view, start, end, row);
    if (outcome !== Outcome.decoded) space.arenaUsed = arenaUsed;
    return outcome;
  }

  private expected(): void {
    if (this.strangers > 0) this.strangers--;
    if (this.shape === 'anyOrder' && ++this.anyOrderRows === ANY_ORDER_ROWS) this.expectNextShape();
  }

  private tryAnyOrder(batch: ColumnBatch, start: number, end: number, row: number): boolean {
    const { bytes } = this;
    let first = start;
    let last = end - 1;
    while (last > first && isSpace(bytes[last] as number)) last--;
    // The brace at the end keeps the white space before the one at the beginning from running over the end.
    if (last <= first || bytes[last] !== CLOSE_BRACE) return false;
    first = spaceEnd(bytes, first);
    if (first >= last || bytes[first] !== OPEN_BRACE) return false;
    const outcome = this.attempt(this.program('anyOrder'), batch, first, last + 1, row);
    if (outcome !== Outcome.decoded) return false;
    if (this.shape !== 'anyOrder' && ++this.strangers > STRANGERS_MAX) this.expectNextShape();
    return true;
  }

  private expectNextShape(): void {
    this.shape = NEXT_SHAPE[this.shape];
    this.decodeRow = this.program(this.shape);
    this.strangers = 0;
    this.anyOrderRows = 0;
  }

  private program(shape: Shape): DecodeRow {
    const known = this.programs.get(shape);
    if (known !== undefined) return known;
    const program = compile(this.schema, shape);
    this.programs.set(shape, program);
    return program;
  }
}

function isSpace(code: number): boolean {
  return code === SPACE || code === 0x0a || code === 0x0d || code === 0x09;
}
