/** `distinct` and `dropDuplicates`: the first row of each combination of values. */
import type { Column } from '../../columns/column-chunk.ts';
import type { ByteSpace } from '../../columns/byte-space.ts';
import { rowAt, withRows, type FrameParts } from './parts.ts';
import type { Schema } from '../../columns/schema/schema.ts';

/** The first row, in the frame's order, of each combination of what these columns hold; null is a value like any other. */
export function firstOfEach<S extends Schema>(
  parts: FrameParts<S>,
  columns: readonly Column[],
): FrameParts<S> {
  const keys = columns.map((column) => keyOf(column, parts.batch.space));
  const seen = new Set<string>();
  const kept = new Int32Array(parts.count);
  let count = 0;
  for (let place = 0; place < parts.count; place += 1) {
    const row = rowAt(parts, place);
    let text = '';
    for (const key of keys) text += key(row);
    if (seen.has(text)) continue;
    seen.add(text);
    kept[count] = row;
    count += 1;
  }
  return count === parts.count ? parts : withRows(parts, kept.slice(0, count));
}

/** A text for each value of a column, others for others, whose end is known from its beginning. */
function keyOf(column: Column, space: ByteSpace): (row: number) => string {
  switch (column.kind) {
    case 'string':
      return (row) => {
        const start = column.start[row] as number;
        if (start < 0) return 'n';
        const text = space.text(start, column.end[row] as number);
        return `${text.length}:${text}`;
      };
    case 'dictionary':
      return (row) => `${column.codes[row] as number};`;
    case 'decimal':
    case 'long':
      return (row) => `${column.get(row) ?? 'n'};`;
    case 'int':
    case 'double':
    case 'timestamp':
    case 'date':
    case 'boolean':
      return (row) => `${column.values[row] as number};`;
    case 'array': {
      const items = keyOf(column.items, space);
      return (row) => {
        const start = column.start[row] as number;
        const end = column.end[row] as number;
        if (start < 0) return 'n';
        let text = `${end - start}[`;
        for (let at = start; at < end; at += 1) text += items(at);
        return text;
      };
    }
  }
}
