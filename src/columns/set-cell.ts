/** Values as people write them, into columns: the way back of `rows.ts`. */
import { type ArrayColumn, type ByteSpace, type Column, type PrimitiveColumn } from './column-chunk.ts';
import { putText } from './copy-cell.ts';
import { parseDecimal, toScaled } from './values/decimal.ts';
import type { Scalar } from './rows.ts';
import type { DecimalType, LeafType, PrimitiveType } from './schema/schema.ts';
import { DateParser, TimestampParser } from './values/timestamp.ts';

/** One value of a leaf as a row shows it. */
export type Cell = Scalar | readonly Scalar[];

const TEXT_ENCODER = new TextEncoder();

const INT_MIN = -(2 ** 31);
const INT_MAX = 2 ** 31 - 1;

/**
 * Puts a cell into a row: decimals as exact text (or a bigint, a whole amount), longs as bigint, text or a safe integer,
 * instants as RFC 3339, dates as `YYYY-MM-DD`, null for what is absent. NaN, which no column can hold, is null, and -0
 * is 0. `path` is for the message.
 * @throws RangeError for a value that is none of the type.
 */
export function setCell(
  column: Column,
  type: LeafType,
  space: ByteSpace,
  row: number,
  cell: Cell,
  path: string,
): void {
  if (cell === null) column.setNull(row);
  else if (type.kind === 'array') {
    if (!Array.isArray(cell)) throw notOfType(cell, type.kind, path);
    const array = column as ArrayColumn;
    const first = array.itemsUsed;
    for (const element of cell as readonly Scalar[]) {
      if (element === null && !type.containsNull) throw notOfType(element, `${type.element.kind}[]`, path);
      setScalar(array.items, type.element, space, array.append(), element, path);
    }
    array.start[row] = first;
    array.end[row] = array.itemsUsed;
  } else if (typeof cell === 'object') throw notOfType(cell, type.kind, path);
  else setScalar(column as PrimitiveColumn, type, space, row, cell, path);
}

function setScalar(
  column: PrimitiveColumn,
  type: PrimitiveType,
  space: ByteSpace,
  row: number,
  cell: Scalar,
  path: string,
): void {
  if (cell === null) {
    column.setNull(row);
    return;
  }
  switch (column.kind) {
    case 'string':
    case 'dictionary': {
      if (typeof cell !== 'string' || !cell.isWellFormed()) throw notOfType(cell, type.kind, path);
      const bytes = TEXT_ENCODER.encode(cell);
      putText(column, space, row, bytes, 0, bytes.length);
      return;
    }
    case 'decimal':
      column.set(row, toScaled(decimalOf(cell, type as DecimalType, path)));
      return;
    case 'long':
      column.set(row, toScaled(longOf(cell, path)));
      return;
    case 'int':
    case 'double':
    case 'timestamp':
    case 'date':
      // Adding 0 makes 0 of -0.
      column.values[row] = numberOf(cell, column.kind, path) + 0;
      return;
    case 'boolean':
      if (typeof cell !== 'boolean') throw notOfType(cell, type.kind, path);
      column.values[row] = cell ? 1 : 0;
      return;
  }
}

function decimalOf(cell: Scalar, { precision, scale }: DecimalType, path: string): bigint {
  const wanted = `decimal(${precision},${scale})`;
  let value: bigint;
  if (typeof cell === 'bigint') value = cell * 10n ** BigInt(scale);
  else if (typeof cell === 'string')
    value = BigInt(attempt(() => parseDecimal(cell, scale), cell, wanted, path));
  else throw notOfType(cell, wanted, path);
  const limit = 10n ** BigInt(precision);
  if (value >= limit || value <= -limit) throw notOfType(cell, wanted, path);
  return value;
}

function longOf(cell: Scalar, path: string): bigint {
  const isWhole =
    typeof cell === 'bigint' ||
    (typeof cell === 'number' && Number.isSafeInteger(cell)) ||
    (typeof cell === 'string' && /^-?\d{1,19}$/.test(cell));
  if (isWhole) {
    const value = BigInt(cell);
    if (BigInt.asIntN(64, value) === value) return value;
  }
  throw notOfType(cell, 'long', path);
}

function numberOf(cell: Scalar, kind: 'int' | 'double' | 'timestamp' | 'date', path: string): number {
  if (kind === 'double' && typeof cell === 'number') return cell;
  if (kind === 'int' && Number.isInteger(cell) && (cell as number) >= INT_MIN && (cell as number) <= INT_MAX)
    return cell as number;
  if (typeof cell === 'string') {
    const bytes = TEXT_ENCODER.encode(cell);
    if (kind === 'timestamp') {
      const parser = new TimestampParser();
      if (parser.parse(bytes, 0, bytes.length) === 'ok') return parser.micros;
    } else if (kind === 'date') {
      const parser = new DateParser();
      if (parser.parse(bytes, 0, bytes.length) === 'ok') return parser.day;
    }
  }
  throw notOfType(cell, kind, path);
}

function attempt<T>(parse: () => T, cell: Scalar, wanted: string, path: string): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof RangeError) throw notOfType(cell, wanted, path);
    throw error;
  }
}

function notOfType(cell: unknown, wanted: string, path: string): RangeError {
  const text = typeof cell === 'string' ? JSON.stringify(cell.slice(0, 60)) : String(cell);
  return new RangeError(`${path}: ${text} is not a valid ${wanted}`);
}
