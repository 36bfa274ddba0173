/** The columns of a schema as expressions, for callbacks such as `({ quantity, total }) => quantity.gt(3)`. */
import { TallystreamError } from '../../errors.ts';
import type { Field, FieldType, Schema, StructType } from '../../columns/schema/schema.ts';
import { exprOf } from './builder.ts';
import type { AnyExpr, ExprOf } from './expr.ts';
import { columnNode } from './node.ts';

/** The column of a field; of a struct, an object with the columns of its fields. */
type ColumnOfType<Type extends FieldType> =
  Type extends StructType<infer Fields> ? ColumnsOfFields<Fields> : ExprOf<Type['kind']>;

type ColumnsOfFields<Fields extends readonly Field[]> = string extends Fields[number]['name']
  ? Readonly<Record<string, AnyExpr>>
  : { readonly [F in Fields[number] as F['name']]: ColumnOfType<F['type']> };

/**
 * Every column under its name, nested as the fields are: `({ location }) => location.country.eq('DE')`. For a plain
 * `Schema`, whose fields the compiler does not know, every name is there for it, and is checked when it is asked for.
 */
export type Columns<S extends Schema> = ColumnsOfFields<S['fields']>;

/** Asking it for a name that no field has throws a TallystreamError `USAGE` with the names that there are. */
export function columnsOf<S extends Schema>(schema: S): Columns<S> {
  return columnsOfFields(schema.fields, '') as Columns<S>;
}

function columnsOfFields(fields: readonly Field[], prefix: string): object {
  const columns = Object.create(null) as Record<string, object>;
  for (const { name, type } of fields) {
    const path = prefix + name;
    columns[name] =
      type.kind === 'struct' ? columnsOfFields(type.fields, `${path}.`) : exprOf(columnNode(path));
  }
  return new Proxy(Object.freeze(columns), {
    get(target, name) {
      if (typeof name === 'symbol' || Object.hasOwn(target, name))
        return Reflect.get(target, name) as unknown;
      const within = prefix === '' ? 'There is' : `In ${prefix.slice(0, -1)} there is`;
      throw new TallystreamError('USAGE', {
        what: `${within} no column ${JSON.stringify(name)}.`,
        hint: `The columns are ${Object.keys(target).join(', ')}.`,
      });
    },
  });
}
