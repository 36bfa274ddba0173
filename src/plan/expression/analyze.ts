/**
 * What an expression means over a schema: the type of every part, with every conversion written out as a cast, so that
 * no one who carries it out has to know how types meet. What makes no sense is refused here, before anything runs; a
 * program in TypeScript hears most of it from its compiler already.
 */
import { types, type LeafType, type Schema } from '../../columns/schema/schema.ts';
import { TimeZone } from '../../columns/values/timezone.ts';
import { resolveCall } from './analyze-call.ts';
import { checkCast } from './analyze-cast.ts';
import { refuse, type Resolved, type Scope } from './analyze-scope.ts';
import {
  castNode,
  nodeOf,
  type CaseNode,
  type ColumnNode,
  type DatePartNode,
  type Expression,
  type ExpressionLike,
  type WindowNode,
} from './node.ts';
import { expectBoolean, toCommonType } from './analyze-convert.ts';
import { typeText, valueTypeOf, scalar, type ValueType } from './value-type.ts';

/** The types of columns by their paths, structs among them. */
export type ColumnTypes = ReadonlyMap<string, ValueType>;

export function columnTypes(schema: Schema): ColumnTypes {
  const byPath = new Map<string, ValueType>();
  const add = (path: string, type: ValueType): void => {
    byPath.set(path, type);
    if (type.kind === 'struct') for (const field of type.fields) add(`${path}.${field.name}`, field.type);
  };
  for (const field of schema.fields) add(field.name, valueTypeOf(field.type));
  return byPath;
}

/**
 * The type of an expression over a schema. `where` says whose expression it is, for the message, such as `filter`.
 * @throws TallystreamError `USAGE` with the expression, the part that is wrong, why, and how to fix it.
 */
export function typeOf(expression: ExpressionLike, schema: Schema, where = 'an expression'): ValueType {
  return resolve(expression, columnTypes(schema), where).type;
}

/**
 * The type of the column that an expression makes.
 * @throws TallystreamError `USAGE` as {@link typeOf}, and for a type that no column can hold.
 */
export function columnTypeOf(expression: ExpressionLike, schema: Schema, where: string): LeafType {
  const root = nodeOf(expression);
  const columns = columnTypes(schema);
  const { type } = resolve(root, columns, where);
  switch (type.kind) {
    case 'string':
      return types.string();
    case 'decimal':
      return types.decimal(type.precision, type.scale);
    case 'boolean':
    case 'int':
    case 'long':
    case 'double':
    case 'timestamp':
    case 'date':
      return types[type.kind]();
    case 'array':
    case 'struct':
    case 'null':
      throw refuse(
        { columns, where, root },
        root,
        `has the type ${typeText(type)}, which is not a single value`,
        type.kind === 'null' ? "Give the null a type: lit(null).cast('int')." : 'Take a part of it.',
      );
  }
}

/** The expression with all its types, and its casts. @throws TallystreamError as {@link typeOf} */
export function resolve(expression: ExpressionLike, columns: ColumnTypes, where: string): Resolved {
  const root = nodeOf(expression);
  return resolveNode(root, { columns, where, root });
}

function resolveNode(node: Expression, scope: Scope): Resolved {
  switch (node.kind) {
    case 'column':
      return resolveColumn(node, scope);
    case 'literal':
      return { node, type: node.type, args: [] };
    case 'call': {
      const args = node.args.map((arg) => resolveNode(arg, scope));
      return resolveCall(node, args, scope);
    }
    case 'cast': {
      const of = resolveNode(node.of, scope);
      checkCast(node, of.type, scope);
      return { node: castNode(of.node, node.to, node.orNull), type: node.to, args: [of] };
    }
    case 'case':
      return resolveCase(node, scope);
    case 'datePart':
      return resolveDatePart(node, scope);
    case 'window':
      return resolveWindow(node, scope);
    case 'alias': {
      // Inside of an expression a name has no effect.
      const of = resolveNode(node.of, scope);
      return node === scope.root ? { node, type: of.type, args: [of] } : of;
    }
    default:
      throw refuse(
        scope,
        node,
        'is not an expression that this version knows',
        'Build expressions with the functions of this package.',
      );
  }
}

function resolveColumn(node: ColumnNode, scope: Scope): Resolved {
  const type = scope.columns.get(node.path);
  if (type !== undefined) return { node, type, args: [] };
  const names = [...scope.columns.keys()];
  throw refuse(
    scope,
    node,
    'is not a column',
    names.length === 0 ? 'There are no columns here.' : `The columns are ${names.join(', ')}.`,
  );
}

function resolveCase(node: CaseNode, scope: Scope): Resolved {
  const conditions = node.branches.map(({ when }) => expectBoolean(resolveNode(when, scope), scope, node));
  const results = node.branches.map(({ value }) => resolveNode(value, scope));
  if (node.otherwise !== null) results.push(resolveNode(node.otherwise, scope));
  const { args, type } = toCommonType(results, scope, node);
  return { node, type, args: interleave(conditions, args) };
}

/** Condition, result, condition, result, and what is left. */
function interleave(conditions: readonly Resolved[], results: readonly Resolved[]): Resolved[] {
  const pairs = conditions.flatMap((condition, index) => [condition, results[index] as Resolved]);
  return [...pairs, ...results.slice(conditions.length)];
}

function resolveDatePart(node: DatePartNode, scope: Scope): Resolved {
  const of = resolveNode(node.of, scope);
  checkZone(node.zone, scope, node);
  const fits = of.type.kind === 'timestamp' || (of.type.kind === 'date' && node.part !== 'hour');
  if (!fits) {
    const wanted = node.part === 'hour' ? 'a timestamp' : 'a timestamp or a date';
    throw refuse(
      scope,
      node,
      `needs ${wanted}, but got ${typeText(of.type)}`,
      "Declare the field as timestamp() in the schema, or cast text with .cast('date').",
    );
  }
  return { node, type: scalar(node.part === 'date' ? 'date' : 'int'), args: [of] };
}

function checkZone(zone: string | null, scope: Scope, node: Expression): void {
  if (zone === null) return;
  try {
    TimeZone.of(zone);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw refuse(
      scope,
      node,
      `names the zone ${JSON.stringify(zone)}, which is not known`,
      'Use one such as Europe/Berlin or UTC.',
    );
  }
}

function resolveWindow(node: WindowNode, scope: Scope): Resolved {
  if (node !== scope.root && !(scope.root.kind === 'alias' && scope.root.of === node)) {
    throw refuse(
      scope,
      node,
      'is inside another expression',
      'Group by the window itself, and use its start and end afterwards.',
    );
  }
  const of = resolveNode(node.of, scope);
  if (of.type.kind !== 'timestamp') {
    throw refuse(
      scope,
      node,
      `needs a timestamp, but got ${typeText(of.type)}`,
      'Name the column of event time.',
    );
  }
  const instant = scalar('timestamp');
  const fields = [
    { name: 'start', type: instant },
    { name: 'end', type: instant },
  ];
  return { node, type: { kind: 'struct', fields }, args: [of] };
}
