/** The functions that expressions begin with, by their names in Structured Streaming. */
import { TallystreamError } from '../../errors.ts';
import { exprOf, nodeOfOperand } from './builder.ts';
import type {
  AnyExpr,
  AnyOperand,
  BooleanExpr,
  CommonKind,
  DateExpr,
  DecimalText,
  Expr,
  ExprOf,
  Kind,
  KindOfLiteral,
  KindOfValue,
  NumberExpr,
  OperandOf,
  TextExpr,
  WhenExpr,
} from './expr.ts';
import { callNode, caseNode, columnNode, datePartNode, type DatePart } from './node.ts';
import { decimalLiteral } from './literal.ts';

type TextOperand = string | Expr<'string'>;

/** A column by its path (`location.country`). The plan checks that it exists and that its type fits. */
export function col(path: string): AnyExpr {
  return exprOf(columnNode(path));
}

/**
 * A literal value as an expression. Text compared with a decimal, a timestamp or a date is read exactly, as that type.
 * @throws TallystreamError `USAGE` for a value that no literal holds exactly
 */
export function lit<V extends string | number | bigint | boolean | null>(value: V): ExprOf<KindOfLiteral<V>> {
  return exprOf<KindOfLiteral<V>>(nodeOfOperand(value));
}

/** An exact decimal: `decimal('12.50')`. @throws TallystreamError `USAGE` for text that is not a plain decimal */
export function decimal(text: DecimalText): NumberExpr<'decimal'> {
  const literal = typeof text === 'string' ? decimalLiteral(text) : undefined;
  if (literal !== undefined) return exprOf<'decimal'>(literal);
  throw new TallystreamError('USAGE', {
    what: `decimal(${JSON.stringify(text)}) is not a decimal.`,
    hint: "Write it as plain text with at most 38 digits: decimal('12.50').",
  });
}

/** `when(condition, value).when(…).otherwise(…)`: the value of the first branch whose condition is true. */
export function when<V extends AnyOperand>(condition: Expr<'boolean'>, value: V): WhenExpr<KindOfLiteral<V>> {
  const branch = { when: nodeOfOperand(condition), value: nodeOfOperand(value) };
  return exprOf(caseNode([branch], null)) as unknown as WhenExpr<KindOfLiteral<V>>;
}

/** The first value that is not null. */
export function coalesce<K extends Kind, const Others extends readonly OperandOf<K>[]>(
  first: Expr<K>,
  ...others: Others
): ExprOf<CommonKind<K, KindOfValue<K, Others[number]>>> {
  return exprOf(
    callNode(
      'coalesce',
      [first, ...others].map((value) => nodeOfOperand(value)),
    ),
  );
}

/** Joins texts; null if one of them is null. */
export function concat(...parts: readonly TextOperand[]): TextExpr {
  return exprOf<'string'>(callNode('concat', parts.map(nodeOfOperand)));
}

/** Upper case by Unicode's rules, independent of language. */
export function upper(text: TextOperand): TextExpr {
  return exprOf<'string'>(callNode('upper', [nodeOfOperand(text)]));
}

/** Lower case by Unicode's rules, independent of language. */
export function lower(text: TextOperand): TextExpr {
  return exprOf<'string'>(callNode('lower', [nodeOfOperand(text)]));
}

/** Removes spaces at both ends. Tabs and line ends stay, as in Spark. */
export function trim(text: TextOperand): TextExpr {
  return exprOf<'string'>(callNode('trim', [nodeOfOperand(text)]));
}

/** The length in code points. */
export function length(text: TextOperand): NumberExpr<'int'> {
  return exprOf<'int'>(callNode('length', [nodeOfOperand(text)]));
}

/** A part of a text. `position` counts code points from 1; a negative one counts from the end. */
export function substring(
  text: TextOperand,
  position: number | Expr<'int'>,
  count: number | Expr<'int'>,
): TextExpr {
  return exprOf<'string'>(callNode('substring', [text, position, count].map(nodeOfOperand)));
}

/** True for false and false for true; null stays null. */
export function not(condition: Expr<'boolean'>): BooleanExpr {
  return exprOf<'boolean'>(callNode('not', [nodeOfOperand(condition)]));
}

/** The calendar day of a timestamp in `zone` (such as `Europe/Berlin`), or in the query's time zone if none is given. */
export function toDate(of: Expr<'timestamp' | 'date'>, zone?: string): DateExpr {
  return exprOf<'date'>(datePartNode('date', nodeOfOperand(of), zone ?? null));
}

function part(name: DatePart, of: Expr, zone: string | undefined): NumberExpr<'int'> {
  return exprOf<'int'>(datePartNode(name, nodeOfOperand(of), zone ?? null));
}

/** The year in `zone`, or in the query's time zone if none is given. */
export function year(of: Expr<'timestamp' | 'date'>, zone?: string): NumberExpr<'int'> {
  return part('year', of, zone);
}

/** The month, 1 to 12; `zone` as for `year`. */
export function month(of: Expr<'timestamp' | 'date'>, zone?: string): NumberExpr<'int'> {
  return part('month', of, zone);
}

/** The day of the month, 1 to 31; `zone` as for `year`. */
export function day(of: Expr<'timestamp' | 'date'>, zone?: string): NumberExpr<'int'> {
  return part('day', of, zone);
}

/** The hour, 0 to 23; `zone` as for `year`. */
export function hour(of: Expr<'timestamp'>, zone?: string): NumberExpr<'int'> {
  return part('hour', of, zone);
}

/** The number of elements of an array. */
export function size(array: Expr<'array'>): NumberExpr<'int'> {
  return exprOf<'int'>(callNode('size', [nodeOfOperand(array)]));
}

/** Whether an array contains `value`; null if it does not but contains a null. */
export function arrayContains(array: Expr<'array'>, value: AnyOperand): BooleanExpr {
  return exprOf<'boolean'>(callNode('arrayContains', [nodeOfOperand(array), nodeOfOperand(value)]));
}
