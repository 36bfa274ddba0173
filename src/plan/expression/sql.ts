/**
 * Expressions as Spark SQL of the same meaning, for Spark 4 with `spark.sql.ansi.enabled` and the session's time zone
 * UTC. Conversions are written as casts, so that Spark chooses none itself; names are in backticks.
 */
import type { Schema } from '../../columns/schema/schema.ts';
import { columnTypes, resolve } from './analyze.ts';
import type { Resolved } from './analyze-scope.ts';
import type { CallNode, CastNode, DatePartNode, ExpressionLike, LiteralNode, WindowNode } from './node.ts';
import { typeText, type ValueType } from './value-type.ts';

const INFIX: Readonly<Partial<Record<CallNode['name'], string>>> = {
  plus: '+',
  minus: '-',
  times: '*',
  dividedBy: '/',
  mod: '%',
  eq: '=',
  ne: '<>',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
  eqNullSafe: '<=>',
  and: 'AND',
  or: 'OR',
};

const FUNCTIONS: Readonly<Partial<Record<CallNode['name'], string>>> = {
  coalesce: 'coalesce',
  upper: 'upper',
  lower: 'lower',
  trim: 'trim',
  length: 'length',
  substring: 'substring',
  concat: 'concat',
  size: 'size',
  arrayContains: 'array_contains',
};

/** The digits of `MathContext.DECIMAL128`, which Scala's BigDecimal goes by. */
const SIGN_DIGITS_MAX = 34;

const MS_PER_DAY = 86_400_000;

/**
 * The expression over `schema` as SQL. `timeZone` is the query's: it is what a date part without a zone, and a window of
 * whole days, go by. The start and end of such a window in another zone than UTC are local times: a caller brings them
 * back with `to_utc_timestamp`.
 * @throws TallystreamError `USAGE` as `typeOf` does.
 */
export function toSql(expression: ExpressionLike, schema: Schema, timeZone = 'UTC'): string {
  return sqlOf(resolve(expression, columnTypes(schema), 'an expression'), timeZone);
}

function sqlOf(of: Resolved, timeZone: string): string {
  const { node } = of;
  const args = of.args.map((arg) => sqlOf(arg, timeZone));
  const first = args[0] ?? '';
  switch (node.kind) {
    case 'column':
      return node.path
        .split('.')
        .map((name) => quotedName(name))
        .join('.');
    case 'literal':
      return literalSql(node);
    case 'call':
      return node.name === 'negate' ? negateSql(first, of.type) : callSql(node, args);
    case 'cast':
      return castSql(first, (of.args[0] as Resolved).type, node, timeZone);
    case 'case': {
      const branches = node.branches.map(
        (_, index) => ` WHEN ${args[index * 2] ?? ''} THEN ${args[index * 2 + 1] ?? ''}`,
      );
      const otherwise = node.otherwise === null ? '' : ` ELSE ${args.at(-1) ?? ''}`;
      return `CASE${branches.join('')}${otherwise} END`;
    }
    case 'datePart':
      return datePartSql(node, first, (of.args[0] as Resolved).type, timeZone);
    case 'window':
      return windowSql(node, first, timeZone);
    case 'alias':
      return `${first} AS ${quotedName(node.name)}`;
  }
}

function callSql(node: CallNode, args: readonly string[]): string {
  const [first = '', ...others] = args;
  const infix = INFIX[node.name];
  if (infix !== undefined) return `(${args.join(` ${infix} `)})`;
  const name = FUNCTIONS[node.name];
  if (name !== undefined) return `${name}(${args.join(', ')})`;
  switch (node.name) {
    case 'not':
      return `(NOT ${first})`;
    case 'isNull':
      return `(${first} IS NULL)`;
    case 'isNotNull':
      return `(${first} IS NOT NULL)`;
    default:
      return `(${first} IN (${others.join(', ')}))`;
  }
}

/** Spark rounds a decimal to 34 digits when it turns its sign, so one that may have more is turned as text. */
function negateSql(sql: string, type: ValueType): string {
  if (type.kind !== 'decimal' || type.precision <= SIGN_DIGITS_MAX) return `(- ${sql})`;
  return `CAST(replace(concat('-', CAST(${sql} AS STRING)), '--', '') AS ${typeText(type).toUpperCase()})`;
}

function castSql(sql: string, from: ValueType, { to, orNull }: CastNode, timeZone: string): string {
  const cast = orNull === true ? 'TRY_CAST' : 'CAST';
  // A decimal becomes an int by way of a double in Spark, which is off by one near whole numbers; a long does not.
  if (from.kind === 'decimal' && to.kind === 'int') return `${cast}(${cast}(${sql} AS BIGINT) AS INT)`;
  const given = from.kind === 'timestamp' && to.kind !== 'timestamp' ? localSql(sql, timeZone) : sql;
  return `${cast}(${given} AS ${typeText(to).toUpperCase()})`;
}

/** What the clocks of the zone show, as a timestamp of a session in UTC. */
function localSql(sql: string, timeZone: string): string {
  return timeZone === 'UTC' ? sql : `from_utc_timestamp(${sql}, ${textSql(timeZone)})`;
}

function datePartSql(node: DatePartNode, sql: string, from: ValueType, timeZone: string): string {
  const local = from.kind === 'date' ? sql : localSql(sql, node.zone ?? timeZone);
  return node.part === 'date' ? `CAST(${local} AS DATE)` : `${node.part}(${local})`;
}

function windowSql(node: WindowNode, sql: string, timeZone: string): string {
  const wholeDays = node.sizeMs % MS_PER_DAY === 0 && node.slideMs % MS_PER_DAY === 0;
  const durations = [node.sizeMs, node.slideMs, node.startMs].map((ms) => `'${ms} milliseconds'`);
  return `window(${[wholeDays ? localSql(sql, timeZone) : sql, ...durations].join(', ')})`;
}

function literalSql(node: LiteralNode): string {
  const { type, text } = node;
  if (text === null) return 'NULL';
  const sign = (literal: string): string => (text.startsWith('-') ? `(${literal})` : literal);
  switch (type.kind) {
    case 'string':
      return textSql(text);
    case 'boolean':
      return text.toUpperCase();
    case 'int':
      return sign(text);
    case 'long':
      return sign(`${text}L`);
    case 'double':
      return sign(`${text}D`);
    case 'decimal':
      return sign(`${text}BD`);
    case 'timestamp':
    case 'date':
      return `${type.kind.toUpperCase()} '${text}'`;
    case 'null':
      return 'NULL';
  }
}

function quotedName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** Spark reads backslashes in text literals as C does. */
function textSql(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
