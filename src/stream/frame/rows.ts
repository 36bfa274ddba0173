/** Row objects as a table: the way back of `rows.ts`. */
import type { Row } from '../../columns/rows.ts';
import { leavesOf, type Schema } from '../../columns/schema/schema.ts';
import type { Cell } from '../../columns/set-cell.ts';
import { ColumnTable } from '../../columns/table.ts';
import { TallystreamError } from '../../errors.ts';

/** @throws TallystreamError `USAGE` for a value that its field cannot have; what a row leaves out is null */
export function tableOfRows<S extends Schema>(ofSchema: S, rows: Iterable<object>): ColumnTable<S> {
  const table = new ColumnTable(ofSchema);
  const paths = leavesOf(ofSchema).map(({ path }) => path.split('.'));
  for (const row of rows) {
    try {
      table.appendCells(paths.map((names) => cellAt(row as Row, names)));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new TallystreamError('USAGE', {
        what: `fromRows: in row ${table.count}, ${error.message}.`,
        hint: 'Write decimals, instants and dates as text, and longs as bigint.',
      });
    }
  }
  return table;
}

function cellAt(row: Row, names: readonly string[]): Cell {
  let at: Row[string] | undefined = row;
  for (const name of names) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return null;
    at = (at as Row)[name];
  }
  return (at ?? null) as Cell;
}
