/** Converts one JSON value, whose place the scanner has found, to a cell of a column. */
import {
  type ArrayColumn,
  type BooleanColumn,
  type Column,
  type DecimalColumn,
  type DictionaryColumn,
  type NumberColumn,
  type StringColumn,
} from '../column-chunk.ts';
import type { ByteSpace } from '../byte-space.ts';
import { DecimalParser } from '../values/decimal.ts';
import {
  dateProblem,
  decimalProblem,
  doubleProblem,
  elementProblem,
  intProblem,
  longProblem,
  missingProblem,
  stringProblem,
  timestampProblem,
  wrongTypeProblem,
} from './problems.ts';
import { parseDouble } from '../values/double.ts';
import { ElementScanner } from './json-elements.ts';
import { Token } from './json-scanner.ts';
import { Unescaper } from './json-string.ts';
import type { Problem } from './problem.ts';
import type { Slot } from './shape.ts';
import { DateParser, TimestampParser } from '../values/timestamp.ts';
import type { TimeZone } from '../values/timezone.ts';
import { excerpt } from './utf8.ts';

/** The digits of an `int` and a `long`; their bounds are checked after. */
const INT_DIGITS = 10;
const LONG_DIGITS = 19;

const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;

/** It keeps its own buffers and parsers, so that nothing is allocated per value. */
export class CellWriter {
  private readonly assumeTimeZone: TimeZone | undefined;
  private readonly decimal = new DecimalParser();
  private readonly timestamp = new TimestampParser();
  private readonly date = new DateParser();
  private readonly unescaper = new Unescaper();
  private readonly elements = new ElementScanner();
  /** The inside of the string that `text` found last. */
  private textBytes: Uint8Array = new Uint8Array(0);
  private textStart = 0;
  private textEnd = 0;

  /** `assumeTimeZone` is the zone of timestamps that name none; without it they are `WRONG_TYPE`. */
  constructor(assumeTimeZone: TimeZone | undefined) {
    this.assumeTimeZone = assumeTimeZone;
  }

  /**
   * Writes the value in bytes `[start, end)` of the chunk, a `token` that is neither absent nor null, to a row of the
   * column of `slot`; or says what is wrong with it, and the row is undefined. A struct has no column to write to.
   *
   * Columns are made from the same schema as slots, so the kind of a slot is the kind of its column.
   */
  write(
    space: ByteSpace,
    column: Column,
    row: number,
    slot: Slot,
    token: number,
    start: number,
    end: number,
  ): Problem | undefined {
    switch (slot.kind) {
      case 'string':
      case 'dictionary':
        return this.writeText(space, column as StringColumn | DictionaryColumn, row, slot, token, start, end);
      case 'decimal':
        return this.writeDecimal(space, column as DecimalColumn, row, slot, token, start, end);
      case 'int':
        return this.writeInt(space, column as NumberColumn, row, slot, token, start, end);
      case 'long':
        return this.writeLong(space, column as DecimalColumn, row, slot, token, start, end);
      case 'double':
        return this.writeDouble(space, column as NumberColumn, row, slot, token, start, end);
      case 'timestamp':
        return this.writeTimestamp(space, column as NumberColumn, row, slot, token, start, end);
      case 'date':
        return this.writeDate(space, column as NumberColumn, row, slot, token, start, end);
      case 'boolean':
        if (token !== Token.true && token !== Token.false) break;
        (column as BooleanColumn).values[row] = token === Token.true ? 1 : 0;
        return undefined;
      case 'array':
        return this.writeArray(space, column as ArrayColumn, row, slot, token, start, end);
      case 'struct':
        if (token !== Token.object) break;
        return undefined;
    }
    return wrongTypeProblem(slot, excerpt(space.chunk, start, end));
  }

  private writeText(
    space: ByteSpace,
    column: StringColumn | DictionaryColumn,
    row: number,
    slot: Slot,
    token: number,
    start: number,
    end: number,
  ): Problem | undefined {
    if (!this.text(space.chunk, token, start, end))
      return wrongTypeProblem(slot, excerpt(space.chunk, start, end));
    if (token === Token.escapedString && (this.unescaper.loneSurrogate || this.unescaper.nul))
      return stringProblem(slot, this.unescaper, excerpt(space.chunk, start, end));
    const { textBytes, textStart, textEnd } = this;
    if (column.kind === 'dictionary') {
      column.codes[row] = column.dictionary.encode(textBytes, textStart, textEnd);
      return undefined;
    }
    const position = token === Token.string ? textStart : space.store(textBytes, textStart, textEnd);
    column.start[row] = position;
    column.end[row] = position + (textEnd - textStart);
    return undefined;
  }

  /** Finds the text of a string, where it stands or unescaped; false if the value is no string. */
  private text(bytes: Uint8Array, token: number, start: number, end: number): boolean {
    if (token === Token.string) {
      this.textBytes = bytes;
      this.textStart = start + 1;
      this.textEnd = end - 1;
      return true;
    }
    if (token !== Token.escapedString) return false;
    this.unescaper.resolve(bytes, start + 1, end - 1);
    this.textBytes = this.unescaper.bytes;
    this.textStart = 0;
    this.textEnd = this.unescaper.length;
    return true;
  }

  private writeDecimal(
    space: ByteSpace,
    column: DecimalColumn,
    row: number,
    slot: Slot,
    token: number,
    start: number,
    end: number,
  ): Problem | undefined {
    const bytes = space.chunk;
    if (token !== Token.number) return wrongTypeProblem(slot, excerpt(bytes, start, end));
    const outcome = this.decimal.parse(bytes, start, end, slot.precision, slot.scale);
    if (outcome !== 'ok') return decimalProblem(slot, outcome, excerpt(bytes, start, end));
    column.set(row, this.decimal.value);
    return undefined;
  }

  private writeInt(
    space: ByteSpace,
    column: NumberColumn,
    row: number,
    slot: Slot,
    token: number,
    start: number,
    end: number,
  ): Problem | undefined {
    const bytes = space.chunk;
    if (token !== Token.number) return wrongTypeProblem(slot, excerpt(bytes, start, end));
    const outcome = this.decimal.parse(bytes, start, end, INT_DIGITS, 0);
    const value = Number(this.decimal.value);
    if (outcome !== 'ok' || value !== (value | 0))
      return intProblem(slot, outcome, excerpt(bytes, start, end));
    column.values[row] = value;
    return undefined;
  }

  private writeLong(
    space: ByteSpace,
    column: DecimalColumn,
    row: number,
    slot: Slot,
    token: number,
    start: number,
    end: number,
  ): Problem | undefined {
    const bytes = space.chunk;
    if (token !== Token.number) return wrongTypeProblem(slot, excerpt(bytes, start, end));
    const outcome = this.decimal.parse(bytes, start, end, LONG_DIGITS, 0);
    const value = this.decimal.value;
    const outside = typeof value === 'bigint' && (value < LONG_MIN || value > LONG_MAX);
    if (outcome !== 'ok' || outside) return longProblem(slot, outcome, excerpt(bytes, start, end));
    column.set(row, value);
    return undefined;
  }

  private writeDouble(
    space: ByteSpace,
    column: NumberColumn,
    row: number,
    slot: Slot,
    token: number,
    start: number,
    end: number,
  ): Problem | undefined {
    const bytes = space.chunk;
    if (token !== Token.number) return wrongTypeProblem(slot, excerpt(bytes, start, end));
    const value = parseDouble(bytes, start, end);
    if (!Number.isFinite(value)) return doubleProblem(slot, excerpt(bytes, start, end));
    column.values[row] = value;
    return undefined;
  }

  private writeTimestamp(
    space: ByteSpace,
    column: NumberColumn,
    row: number,
    slot: Slot,
    token: number,
    start: number,
    end: number,
  ): Problem | undefined {
    const bytes = space.chunk;
    if (!this.text(bytes, token, start, end)) return wrongTypeProblem(slot, excerpt(bytes, start, end));
    const outcome = this.timestamp.parse(this.textBytes, this.textStart, this.textEnd, this.assumeTimeZone);
    if (outcome !== 'ok')
      return timestampProblem(slot, outcome, this.assumeTimeZone, excerpt(bytes, start, end));
    column.values[row] = this.timestamp.micros;
    return undefined;
  }

  private writeDate(
    space: ByteSpace,
    column: NumberColumn,
    row: number,
    slot: Slot,
    token: number,
    start: number,
    end: number,
  ): Problem | undefined {
    const bytes = space.chunk;
    if (!this.text(bytes, token, start, end)) return wrongTypeProblem(slot, excerpt(bytes, start, end));
    const outcome = this.date.parse(this.textBytes, this.textStart, this.textEnd);
    if (outcome !== 'ok') return dateProblem(slot, outcome, excerpt(bytes, start, end));
    column.values[row] = this.date.day;
    return undefined;
  }

  /** Appends the elements up to the first one that has a problem; a bad array leaves nothing behind. */
  private writeArray(
    space: ByteSpace,
    column: ArrayColumn,
    row: number,
    slot: Slot,
    token: number,
    start: number,
    end: number,
  ): Problem | undefined {
    const bytes = space.chunk;
    const { elements } = this;
    const element = slot.element as Slot;
    if (token !== Token.array) return wrongTypeProblem(slot, excerpt(bytes, start, end));
    const from = column.itemsUsed;
    elements.open(bytes, start);
    while (elements.next()) {
      const at = column.append();
      let problem: Problem | undefined;
      if (elements.token !== Token.null)
        problem = this.write(space, column.items, at, element, elements.token, elements.start, elements.end);
      else if (element.required) problem = missingProblem(element, 'null');
      else column.items.setNull(at);
      if (problem !== undefined) {
        column.itemsUsed = from;
        return elementProblem(slot, at - from, problem);
      }
    }
    column.start[row] = from;
    column.end[row] = column.itemsUsed;
    return undefined;
  }
}
