/** Rows as a table for people: what Spark's `show` prints. */
import type { Column, ColumnBatch, PrimitiveColumn } from '../column-chunk.ts';
import { MICROS_PER_SECOND } from '../values/calendar.ts';
import { renderTable } from './render-table.ts';
import { cellOf, type Scalar } from '../rows.ts';
import type { Field } from '../schema/schema.ts';
import { formatLocalDateTime } from '../values/timestamp.ts';
import { TimeZone } from '../values/timezone.ts';

/** Spark's. */
const ROWS_DEFAULT = 20;
const CELL_WIDTH_DEFAULT = 20;

const NULL = 'NULL';

/** A `ColumnTable`, or other rows of a batch. */
export interface ShownRows {
  readonly batch: ColumnBatch;
  readonly count: number;
  /** The row of the batch at a place; the place itself if left out. */
  readonly rowAt?: (place: number) => number;
}

export interface ShowOptions {
  /** At most this many rows are shown, and a line says so if there are more; 20 if left out. */
  readonly rowsMax?: number;
  /**
   * How many columns of the terminal a cell may take; `true`, or left out, is 20. With `false` or 0 cells are whole, and
   * stand on the left.
   */
  readonly truncate?: boolean | number;
  /** Whose clocks show instants; UTC if left out. */
  readonly zone?: TimeZone;
}

/** The table's lines, each ended by a line feed. What acts on a terminal is escaped. */
export function showRows(
  { batch, count, rowAt = (place) => place }: ShownRows,
  options: ShowOptions = {},
): string {
  const { rowsMax = ROWS_DEFAULT, truncate = true, zone = TimeZone.of('UTC') } = options;
  const width = truncate === true ? CELL_WIDTH_DEFAULT : truncate === false ? 0 : truncate;
  const table = renderTable({
    columns: batch.schema.fields.map(({ name }) => name),
    rows: Array.from({ length: Math.min(rowsMax, count) }, (_, place) => cellsOf(batch, rowAt(place), zone)),
    align: width > 0 ? 'right' : 'left',
    cellWidthMax: width > 0 ? width : Infinity,
  });
  return count <= rowsMax ? table : `${table}only showing top ${rowsMax} row${rowsMax === 1 ? '' : 's'}\n`;
}

function cellsOf(batch: ColumnBatch, row: number, zone: TimeZone): string[] {
  let leaf = 0;
  const visit = (fields: readonly Field[]): string[] =>
    fields.map(({ type, required }) => {
      if (type.kind === 'struct') {
        const texts = visit(type.fields);
        // A struct that was absent is one of nulls.
        return !required && texts.every((text) => text === NULL) ? NULL : `{${texts.join(', ')}}`;
      }
      const column = batch.columns[leaf] as Column;
      leaf += 1;
      return textOf(batch, column, row, zone);
    });
  return visit(batch.schema.fields);
}

function textOf(batch: ColumnBatch, column: Column, row: number, zone: TimeZone): string {
  if (column.kind !== 'array') return scalarText(batch, column, row, zone);
  const start = column.start[row] as number;
  if (start < 0) return NULL;
  const texts = Array.from({ length: (column.end[row] as number) - start }, (_, index) =>
    scalarText(batch, column.items, start + index, zone),
  );
  return `[${texts.join(', ')}]`;
}

function scalarText(batch: ColumnBatch, column: PrimitiveColumn, row: number, zone: TimeZone): string {
  const cell = cellOf(batch, column, row) as Scalar;
  if (cell === null) return NULL;
  if (column.kind === 'timestamp') return timestampText(column.values[row] as number, zone);
  return column.kind === 'double' ? doubleText(cell as number) : String(cell);
}

/** `2025-06-26 14:11:33.25`: with the fraction of the second, without trailing zeros. */
function timestampText(micros: number, zone: TimeZone): string {
  const rest = micros - Math.floor(micros / MICROS_PER_SECOND) * MICROS_PER_SECOND;
  const text = formatLocalDateTime(micros, zone);
  return rest === 0 ? text : `${text}.${rest.toString().padStart(6, '0').replace(/0+$/, '')}`;
}

/** As Java writes doubles, and Spark with it: `1.0`, `1.0E7`, `1.2E-4`. */
function doubleText(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return String(value);
  if (size === 0 || (size >= 1e-3 && size < 1e7))
    return Number.isInteger(value) ? value.toFixed(1) : String(value);
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`;
}
