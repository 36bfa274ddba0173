/** Rows of a table as JSON, exactly. */
import { rowOf, type Row, type Scalar } from '../rows.ts';
import { jsonOfRow } from './row-json.ts';
import { schema, type Field } from '../schema/schema.ts';
import type { ColumnTable } from '../table.ts';

/** One row as the JSON that a decoder of its schema reads; only of the fields named, in the order of the schema. */
export function jsonOfTableRow({ batch }: ColumnTable, row: number, names?: readonly string[]): string {
  const fields: readonly Field[] =
    names === undefined
      ? batch.schema.fields
      : batch.schema.fields.filter(({ name }) => names.includes(name));
  return jsonOfRow(schema(fields), present(fields, rowOf(batch, row)));
}

/** Columns do not say whether a struct was absent. Without anything in it, it is as good as that. */
function present(fields: readonly Field[], row: Row): Row {
  return Object.fromEntries(
    fields.map(({ name, type, required }) => {
      const value = row[name] ?? null;
      if (type.kind !== 'struct') return [name, value];
      const inner = present(type.fields, value as Row);
      const isAbsent = !required && isEmpty(inner);
      return [name, isAbsent ? null : inner];
    }),
  );
}

function isEmpty(value: Row[string]): boolean {
  if (value === null) return true;
  return typeof value === 'object' && !isArray(value) && Object.values(value).every(isEmpty);
}

function isArray(value: object): value is readonly Scalar[] {
  return Array.isArray(value);
}
