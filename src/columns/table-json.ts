/** Rows of a table as JSON, exactly. */
import { rowOf } from './rows.ts';
import { jsonOfRow } from './row-json.ts';
import { schema } from './schema.ts';
import type { ColumnTable } from './table.ts';

/** One row as the JSON that a decoder of its schema reads; only of the fields named, in the order of the schema. */
export function jsonOfTableRow({ batch }: ColumnTable, row: number, names?: readonly string[]): string {
  const fields =
    names === undefined
      ? batch.schema.fields
      : batch.schema.fields.filter(({ name }) => names.includes(name));
  return jsonOfRow(schema(fields), rowOf(batch, row));
}
