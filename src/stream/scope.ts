/** The names of a stream's columns in the program, and in the plan. */
import { leavesOf, schema, type Field, type FieldType, type Schema } from '../columns/schema/schema.ts';
import { TallystreamError } from '../errors.ts';
import type { Expression } from '../plan/expression/node.ts';
import { renameColumns } from '../plan/expression/rename.ts';

/** Frozen: every operation gives another. */
export interface Scope {
  /** The fields as the program sees them. */
  readonly schema: Schema;
  /** For each leaf that the program sees: its column in the plan. */
  readonly columns: ReadonlyMap<string, string>;
}

export function scopeOf(ofSchema: Schema): Scope {
  return { schema: ofSchema, columns: new Map(leavesOf(ofSchema).map(({ path }) => [path, path])) };
}

/** The column in the plan. @throws USAGE if the program sees no such column */
export function columnIn({ columns }: Scope, path: string, where: string): string {
  const column = columns.get(path);
  if (column !== undefined) return column;
  throw new TallystreamError('USAGE', {
    what: `${where}: there is no column ${JSON.stringify(path)}.`,
    hint: `The columns are ${[...columns.keys()].join(', ')}.`,
  });
}

/** An expression of the program as the plan has it. */
export function expressionIn(scope: Scope, expression: Expression, where: string): Expression {
  return renameColumns(expression, (path) => columnIn(scope, path, where));
}

/** The field at a path, struct or leaf; undefined if there is none. */
export function fieldAt(ofSchema: Schema, path: string): Field | undefined {
  let fields: readonly Field[] = ofSchema.fields;
  let found: Field | undefined;
  for (const name of path.split('.')) {
    found = fields.find((field) => field.name === name);
    if (found === undefined) return undefined;
    fields = found.type.kind === 'struct' ? found.type.fields : [];
  }
  return found;
}

/** A computed column replaces the one of its name, or comes last. */
export function withComputed(scope: Scope, name: string, type: FieldType, column: string): Scope {
  const field: Field = Object.freeze({ name, type, required: false, doc: 'computed' });
  const others = scope.schema.fields;
  const fields = others.some((other) => other.name === name)
    ? others.map((other) => (other.name === name ? field : other))
    : [...others, field];
  const columns = new Map(
    [...scope.columns].filter(([path]) => path !== name && !path.startsWith(`${name}.`)),
  );
  columns.set(name, column);
  return { schema: schema(fields), columns };
}

/** The fields at these paths, each under its last name. @throws USAGE for a path that there is not, or a name twice */
export function selected(scope: Scope, paths: readonly string[]): Scope {
  const columns = new Map<string, string>();
  const fields = paths.map((path) => {
    const field = fieldAt(scope.schema, path);
    if (field === undefined) columnIn(scope, path, 'select');
    const name = path.slice(path.lastIndexOf('.') + 1);
    for (const [leaf, column] of scope.columns) {
      if (leaf === path) columns.set(name, column);
      else if (leaf.startsWith(`${path}.`)) columns.set(name + leaf.slice(path.length), column);
    }
    return { ...(field as Field), name };
  });
  const twice = fields.find(({ name }, index) => fields.findIndex((other) => other.name === name) !== index);
  if (twice !== undefined) {
    throw new TallystreamError('USAGE', {
      what: `select: two columns would be named ${twice.name}.`,
      hint: 'First give one of them another name with withColumn.',
    });
  }
  return { schema: schema(fields), columns };
}
