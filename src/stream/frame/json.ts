/** Rows as lines of JSON. */
import type { Column, ColumnBatch } from '../../columns/column-chunk.ts';
import { cellOf, type Scalar } from '../../columns/rows.ts';
import type { Field } from '../../columns/schema/schema.ts';

/** How rows are written as JSON. */
export interface JsonOptions {
  /**
   * How decimals and longs are written. `exact`: as JSON numbers with all their digits, as in events and in Spark; a
   * reader that parses them as doubles rounds them. `text`: as strings, which no reader rounds.
   */
  readonly numbers?: 'exact' | 'text';
}

/**
 * A row as one line of JSON, without a line end. As in Spark's `toJSON`, nulls are omitted, and so is a struct without
 * any value. Timestamps and dates are ISO text, and an infinite double is the text `Infinity`.
 */
export function jsonOf(batch: ColumnBatch, row: number, { numbers = 'exact' }: JsonOptions): string {
  let leaf = 0;
  const visit = (fields: readonly Field[]): string[] => {
    const members: string[] = [];
    for (const { name, type } of fields) {
      if (type.kind === 'struct') {
        const inner = visit(type.fields);
        if (inner.length > 0) members.push(`${JSON.stringify(name)}:{${inner.join(',')}}`);
        continue;
      }
      const column = batch.columns[leaf] as Column;
      leaf += 1;
      const cell = cellOf(batch, column, row);
      if (cell !== null) members.push(`${JSON.stringify(name)}:${jsonOfCell(cell, column, numbers)}`);
    }
    return members;
  };
  return `{${visit(batch.schema.fields).join(',')}}`;
}

function jsonOfCell(
  cell: Scalar | readonly Scalar[],
  column: Column,
  numbers: JsonOptions['numbers'],
): string {
  if (column.kind !== 'array') return jsonOfScalar(cell as Scalar, column.kind, numbers);
  const { kind } = column.items;
  return `[${(cell as readonly Scalar[]).map((element) => jsonOfScalar(element, kind, numbers)).join(',')}]`;
}

function jsonOfScalar(value: Scalar, kind: Column['kind'], numbers: JsonOptions['numbers']): string {
  if (value === null) return 'null';
  if (kind === 'decimal' || kind === 'long') {
    const text = String(value);
    return numbers === 'text' ? `"${text}"` : text;
  }
  if (typeof value === 'number' && !Number.isFinite(value)) return `"${value}"`;
  return JSON.stringify(value);
}
