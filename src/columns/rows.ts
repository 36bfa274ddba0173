/** Rows as objects, for people and for handlers; the pipeline itself never makes them. */
import type { Column, ColumnBatch, PrimitiveColumn } from './column-chunk.ts';
import { formatScaled } from './values/decimal.ts';
import type { ArrayType, Field, FieldType, PrimitiveType, Schema, StructType } from './schema/schema.ts';
import type { Both } from './schema/paths.ts';
import { formatDay, formatTimestamp } from './values/timestamp.ts';

/** A single value as a person or a handler sees it. */
export type Scalar = string | number | bigint | boolean | null;

/** Fields by name, of any schema; a struct is a row too. */
export interface Row {
  readonly [field: string]: Scalar | readonly Scalar[] | Row;
}

/** How a value of each kind is written in a row. */
interface ScalarOfKind {
  readonly string: string;
  readonly boolean: boolean;
  readonly int: number;
  /** Never a number, not even a small one: code that works for 5 then works beyond 2^53, or is refused by the compiler. */
  readonly long: bigint;
  readonly double: number;
  /** Exact, with every decimal of the scale: `24134.10`. */
  readonly decimal: string;
  /** ISO 8601 in UTC: `2025-06-26T14:11:33.250Z`. */
  readonly timestamp: string;
  /** `2025-06-26`. */
  readonly date: string;
}

/** What a row holds for a type if it is not null. */
export type ValueOf<Type extends FieldType> =
  Type extends StructType<infer Fields>
    ? RowOfFields<Fields, true>
    : Type extends ArrayType<infer Element, infer ContainsNull>
      ? readonly (ScalarOfKind[Element['kind']] | (ContainsNull extends false ? never : null))[]
      : Type extends PrimitiveType
        ? ScalarOfKind[Type['kind']]
        : never;

/** A struct is always an object. If it was absent, everything in it is null. */
type CellOf<Type extends FieldType, Required extends boolean> =
  Type extends StructType<infer Fields>
    ? RowOfFields<Fields, Required>
    : ValueOf<Type> | (Required extends true ? never : null);

type RowOfFields<
  Fields extends readonly Field[],
  Present extends boolean,
> = string extends Fields[number]['name']
  ? Row
  : { readonly [F in Fields[number] as F['name']]: CellOf<F['type'], Both<Present, F['required']>> };

/**
 * The TypeScript type of a row: `RowOf<typeof SCHEMA>` has every field under its name, optional ones as `T | null`. In an
 * optional struct that includes what is required in it, since {@link rowOf} never leaves a struct out. For a plain
 * `Schema` it is a {@link Row}.
 */
export type RowOf<S extends Schema> = RowOfFields<S['fields'], true>;

/** A field of any name. */
const OWN = { enumerable: true, writable: true, configurable: true } as const;

/**
 * One row as an object, as {@link RowOf} says it: longs as bigint (which `JSON.stringify` refuses), decimals, instants
 * and dates as exact text, null for what is absent. A struct is always an object, even if it was absent, so
 * `row.location.city` never fails. Objects are plain ones, as a test compares them; a field named `__proto__` is a field.
 */
export function rowOf<S extends Schema>(batch: ColumnBatch<S>, row: number): RowOf<S> {
  let leaf = 0;
  const visit = (fields: readonly Field[]): Row => {
    const object: Record<string, Row[string]> = {};
    for (const { name, type } of fields) {
      const value =
        type.kind === 'struct' ? visit(type.fields) : cellOf(batch, batch.columns[leaf++] as Column, row);
      if (name === '__proto__') Object.defineProperty(object, name, { ...OWN, value });
      else object[name] = value;
    }
    return object;
  };
  return visit(batch.schema.fields) as RowOf<S>;
}

/** One value as people see it. */
export function cellOf(batch: ColumnBatch, column: Column, row: number): Scalar | readonly Scalar[] {
  if (column.kind !== 'array') return scalarOf(batch, column, row);
  const start = column.start[row] as number;
  if (start < 0) return null;
  const { items } = column;
  return Array.from({ length: (column.end[row] as number) - start }, (_, index) =>
    scalarOf(batch, items, start + index),
  );
}

function scalarOf(batch: ColumnBatch, column: PrimitiveColumn, row: number): Scalar {
  switch (column.kind) {
    case 'string': {
      const start = column.start[row] as number;
      return start < 0 ? null : batch.space.text(start, column.end[row] as number);
    }
    case 'dictionary': {
      const code = column.codes[row] as number;
      return code < 0 ? null : column.dictionary.text(code);
    }
    case 'decimal':
    case 'long': {
      const value = column.get(row);
      if (value === undefined) return null;
      return column.kind === 'long' ? BigInt(value) : formatScaled(value, column.scale);
    }
    case 'int':
    case 'double':
    case 'timestamp':
    case 'date': {
      const value = column.values[row] as number;
      if (Number.isNaN(value)) return null;
      if (column.kind === 'timestamp') return formatTimestamp(value);
      return column.kind === 'date' ? formatDay(value) : value;
    }
    case 'boolean': {
      const value = column.values[row] as number;
      return value < 0 ? null : value === 1;
    }
  }
}
