/** A column's values one by one, for operators that keep them: undefined is null. */
import { InvariantError } from '../../errors.ts';
import type { ByteSpace, Column, Scaled } from '../../columns/column-chunk.ts';
import { formatScaled, parseDecimal } from '../../columns/values/decimal.ts';
import { formatDay, formatTimestamp, parseDay, TimestampParser } from '../../columns/values/timestamp.ts';
import type { GroupCell } from '../../contracts/batch.ts';

/** Scaled integers, doubles, microseconds, days, texts, truths. */
export type Value = Scaled | string | boolean;

export interface ValueReader {
  readonly kind: Column['kind'];
  /** Decimals behind the point; 0 for all but decimals. */
  readonly scale: number;
  at(row: number): Value | undefined;
  /** The value as people see it: decimals and longs as exact text, instants and dates as ISO text. */
  cell(value: Value | null | undefined): GroupCell;
  /** The value of such a cell. */
  parse(cell: GroupCell): Value | undefined;
}

export function valueReader(column: Column, space: ByteSpace): ValueReader {
  switch (column.kind) {
    case 'string':
      return textReader(column.kind, (row) => {
        const start = column.start[row] as number;
        return start < 0 ? undefined : space.text(start, column.end[row] as number);
      });
    case 'dictionary':
      return textReader(column.kind, (row) => {
        const code = column.codes[row] as number;
        return code < 0 ? undefined : column.dictionary.text(code);
      });
    case 'decimal':
    case 'long':
      return scaledReader(column.kind, column.scale, (row) => column.get(row));
    case 'int':
    case 'double':
      return { ...numberReader(column.kind, column), cell: identityCell, parse: identityValue };
    case 'timestamp':
      return {
        ...numberReader(column.kind, column),
        cell: (value) => (value === null || value === undefined ? null : formatTimestamp(value as number)),
        parse: (cell) => (cell === null ? undefined : microsOf(cell as string)),
      };
    case 'date':
      return {
        ...numberReader(column.kind, column),
        cell: (value) => (value === null || value === undefined ? null : formatDay(value as number)),
        parse: (cell) => (cell === null ? undefined : parseDay(cell as string)),
      };
    case 'boolean':
      return {
        kind: column.kind,
        scale: 0,
        at: (row) => ((column.values[row] as number) < 0 ? undefined : column.values[row] === 1),
        cell: identityCell,
        parse: identityValue,
      };
    case 'array':
      throw new InvariantError('an array is not a single value');
  }
}

function textReader(kind: Column['kind'], at: (row: number) => string | undefined): ValueReader {
  return { kind, scale: 0, at, cell: identityCell, parse: identityValue };
}

function scaledReader(
  kind: Column['kind'],
  scale: number,
  at: (row: number) => Scaled | undefined,
): ValueReader {
  return {
    kind,
    scale,
    at,
    cell: (value) => (value === null || value === undefined ? null : formatScaled(value as Scaled, scale)),
    parse: (cell) => (cell === null ? undefined : parseDecimal(String(cell), scale)),
  };
}

function numberReader(
  kind: Column['kind'],
  column: { values: Float64Array },
): Pick<ValueReader, 'kind' | 'scale' | 'at'> {
  return {
    kind,
    scale: 0,
    at(row) {
      const value = column.values[row] as number;
      return Number.isNaN(value) ? undefined : value;
    },
  };
}

const identityCell = (value: Value | null | undefined): GroupCell => (value ?? null) as GroupCell;
const identityValue = (cell: GroupCell): Value | undefined => cell ?? undefined;

const ENCODER = new TextEncoder();

/** Microseconds of an instant as `formatTimestamp` writes it. */
export function microsOf(text: string): number {
  const parser = new TimestampParser();
  const bytes = ENCODER.encode(text);
  if (parser.parse(bytes, 0, bytes.length) !== 'ok') throw new InvariantError(`${text} is not an instant`);
  return parser.micros;
}
