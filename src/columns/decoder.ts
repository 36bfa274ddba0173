/**
 * From the bytes of one event to the columns of its row. This is the simple, exact path: it scans the whole value
 * first, noting where the fields stand, and then converts them in schema order, so that which problem is reported does
 * not depend on the order in which the event has them.
 */
import type {
  BooleanColumn,
  Column,
  ColumnBatch,
  DecimalColumn,
  DictionaryColumn,
  NumberColumn,
  StringColumn,
} from './batch.ts';
import { DecimalParser } from './decimal.ts';
import {
  decimalProblem,
  emptyProblem,
  intProblem,
  invalidUtf8Problem,
  malformedProblem,
  missingProblem,
  notAnObjectProblem,
  stringProblem,
  timestampProblem,
  tooLargeProblem,
  wrongTypeProblem,
} from './decode-problem.ts';
import { JsonScanner, Token } from './json.ts';
import { Unescaper } from './json-string.ts';
import type { Problem } from './problem.ts';
import type { Schema } from './schema.ts';
import { ObjectShape, slotsOf, type Slot } from './shape.ts';
import { TimestampParser } from './timestamp.ts';
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

/** The digits of an `int`; its bounds are checked behind. */
const INT_DIGITS = 10;

class ScanningDecoder implements Decoder {
  private readonly slots: readonly Slot[];
  private readonly scanner: JsonScanner;
  private readonly valueBytesMax: number;
  private readonly assumeTimeZone: TimeZone | undefined;
  private readonly decimal = new DecimalParser();
  private readonly timestamp = new TimestampParser();
  private readonly unescaper = new Unescaper();

  constructor(schema: Schema, options: DecoderOptions) {
    this.slots = slotsOf(schema);
    this.scanner = new JsonScanner(new ObjectShape(schema.fields, 0));
    this.valueBytesMax = options.valueBytesMax;
    this.assumeTimeZone = options.assumeTimeZone;
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
    const tokens = this.scanner.tokens;
    for (let index = 0; index < slots.length;) {
      const slot = slots[index] as Slot;
      const token = tokens[index] as number;
      if (token <= Token.null) {
        if (slot.required) return missingProblem(slot, token === Token.null ? 'null' : 'absent');
        for (let leaf = slot.leaf; leaf < slot.leavesEnd; leaf++) setNull(batch.columns[leaf] as Column, row);
        index = slot.slotsEnd;
        continue;
      }
      const problem = this.fillSlot(batch, row, slot, index, token);
      if (problem !== undefined) return problem;
      index++;
    }
    return undefined;
  }

  /** Columns are made from the same schema, so the kind of a slot is the kind of its column. */
  private fillSlot(
    batch: ColumnBatch,
    row: number,
    slot: Slot,
    index: number,
    token: number,
  ): Problem | undefined {
    switch (slot.kind) {
      case 'string':
      case 'dictionary':
        return this.fillText(batch, row, slot, index, token);
      case 'decimal':
        return this.fillDecimal(batch, row, slot, index, token);
      case 'int':
        return this.fillInt(batch, row, slot, index, token);
      case 'timestamp':
        return this.fillTimestamp(batch, row, slot, index, token);
      case 'boolean':
        if (token !== Token.true && token !== Token.false) return this.wrongType(batch, slot, index);
        (batch.columns[slot.leaf] as BooleanColumn).values[row] = token === Token.true ? 1 : 0;
        return undefined;
      case 'struct':
        return token === Token.object ? undefined : this.wrongType(batch, slot, index);
    }
  }

  private fillText(
    batch: ColumnBatch,
    row: number,
    slot: Slot,
    index: number,
    token: number,
  ): Problem | undefined {
    let bytes = batch.space.chunk;
    let start = (this.scanner.starts[index] as number) + 1;
    let end = (this.scanner.ends[index] as number) - 1;
    if (token === Token.escapedString) {
      const unescaper = this.unescaper;
      unescaper.resolve(bytes, start, end);
      if (unescaper.loneSurrogate || unescaper.nul)
        return stringProblem(slot, unescaper, this.quote(batch, index));
      bytes = unescaper.bytes;
      start = 0;
      end = unescaper.length;
    } else if (token !== Token.string) return this.wrongType(batch, slot, index);
    if (slot.kind === 'dictionary') {
      const column = batch.columns[slot.leaf] as DictionaryColumn;
      column.codes[row] = column.dictionary.encode(bytes, start, end);
      return undefined;
    }
    const position = token === Token.string ? start : batch.space.store(bytes, start, end);
    const column = batch.columns[slot.leaf] as StringColumn;
    column.start[row] = position;
    column.end[row] = position + (end - start);
    return undefined;
  }

  private fillDecimal(
    batch: ColumnBatch,
    row: number,
    slot: Slot,
    index: number,
    token: number,
  ): Problem | undefined {
    if (token !== Token.number) return this.wrongType(batch, slot, index);
    const { starts, ends } = this.scanner;
    const from = starts[index] as number;
    const to = ends[index] as number;
    const outcome = this.decimal.parse(batch.space.chunk, from, to, slot.precision, slot.scale);
    if (outcome !== 'ok') return decimalProblem(slot, outcome, this.quote(batch, index));
    (batch.columns[slot.leaf] as DecimalColumn).set(row, this.decimal.value);
    return undefined;
  }

  private fillInt(
    batch: ColumnBatch,
    row: number,
    slot: Slot,
    index: number,
    token: number,
  ): Problem | undefined {
    if (token !== Token.number) return this.wrongType(batch, slot, index);
    const { starts, ends } = this.scanner;
    const from = starts[index] as number;
    const outcome = this.decimal.parse(batch.space.chunk, from, ends[index] as number, INT_DIGITS, 0);
    const value = Number(this.decimal.value);
    if (outcome !== 'ok' || value !== (value | 0)) return intProblem(slot, outcome, this.quote(batch, index));
    (batch.columns[slot.leaf] as NumberColumn).values[row] = value;
    return undefined;
  }

  private fillTimestamp(
    batch: ColumnBatch,
    row: number,
    slot: Slot,
    index: number,
    token: number,
  ): Problem | undefined {
    let bytes = batch.space.chunk;
    let start = (this.scanner.starts[index] as number) + 1;
    let end = (this.scanner.ends[index] as number) - 1;
    if (token === Token.escapedString) {
      this.unescaper.resolve(bytes, start, end);
      bytes = this.unescaper.bytes;
      start = 0;
      end = this.unescaper.length;
    } else if (token !== Token.string) return this.wrongType(batch, slot, index);
    const outcome = this.timestamp.parse(bytes, start, end, this.assumeTimeZone);
    if (outcome !== 'ok')
      return timestampProblem(slot, outcome, this.assumeTimeZone, this.quote(batch, index));
    (batch.columns[slot.leaf] as NumberColumn).values[row] = this.timestamp.micros;
    return undefined;
  }

  private wrongType(batch: ColumnBatch, slot: Slot, index: number): Problem {
    return wrongTypeProblem(slot, this.quote(batch, index));
  }

  /** What stood there, as it was written. */
  private quote(batch: ColumnBatch, index: number): string {
    return excerpt(
      batch.space.chunk,
      this.scanner.starts[index] as number,
      this.scanner.ends[index] as number,
    );
  }
}

function setNull(column: Column, row: number): void {
  switch (column.kind) {
    case 'string':
      column.start[row] = -1;
      column.end[row] = -1;
      return;
    case 'dictionary':
      column.codes[row] = -1;
      return;
    case 'decimal':
    case 'int':
    case 'timestamp':
      column.values[row] = NaN;
      return;
    case 'boolean':
      column.values[row] = -1;
      return;
  }
}
