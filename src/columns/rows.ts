/** Rows as objects, for people and for handlers; the pipeline itself never makes them. */
import type { Cell, Column, ColumnBatch } from './batch.ts';
import { formatScaled } from './decimal.ts';
import { formatTimestamp } from './timestamp.ts';

/** Fields by name; a struct is a row of its own. */
export interface Row {
  readonly [field: string]: Cell | Row;
}

/**
 * One row as an object: decimals as exact text with every decimal of their scale, instants as ISO text in UTC, null for
 * what is absent. A struct is always an object, also where it was absent, so `row.location.city` never fails. Objects
 * have no prototype: a field named `constructor` or `__proto__` is a field.
 */
export function rowOf(batch: ColumnBatch, row: number): Row {
  const root = newRow();
  batch.leaves.forEach((leaf, index) => {
    const names = leaf.path.split('.');
    const last = names.pop() as string;
    let target = root;
    for (const name of names) {
      target[name] ??= newRow();
      target = target[name] as MutableRow;
    }
    target[last] = cellOf(batch, batch.columns[index] as Column, row);
  });
  return root;
}

interface MutableRow {
  [field: string]: Cell | MutableRow;
}

function newRow(): MutableRow {
  return Object.create(null) as MutableRow;
}

function cellOf(batch: ColumnBatch, column: Column, row: number): Cell {
  switch (column.kind) {
    case 'string': {
      const start = column.start[row] as number;
      return start < 0 ? null : batch.space.text(start, column.end[row] as number);
    }
    case 'dictionary': {
      const code = column.codes[row] as number;
      return code < 0 ? null : column.dictionary.text(code);
    }
    case 'decimal': {
      const value = column.get(row);
      return value === undefined ? null : formatScaled(value, column.scale);
    }
    case 'int':
    case 'timestamp': {
      const value = column.values[row] as number;
      if (Number.isNaN(value)) return null;
      return column.kind === 'int' ? value : formatTimestamp(value);
    }
    case 'boolean': {
      const value = column.values[row] as number;
      return value < 0 ? null : value === 1;
    }
  }
}
