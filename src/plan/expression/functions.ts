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

/** A column by its path (`location.country`). The plan checks that there is one, and what it can do. */
export function col(path: string): AnyExpr {
  return exprOf(columnNode(path));
}

/**
 * A value as an expression. Text compared with a decimal, a timestamp or a date is read exactly, as that type.
 * @throws TallystreamError `USAGE` for what no literal holds exactly.
 */
export function lit<V extends string | number | bigint | boolean | null>(value: V): ExprOf<KindOfLiteral<V>> {
  return exprOf<KindOfLiteral<V>>(nodeOfOperand(value));
}

/** An amount, exact: `decimal('12.50')`. @throws TallystreamError `USAGE` for text that is not a plain decimal. */
export function decimal(text: DecimalText): NumberExpr<'decimal'> {
  const literal = typeof text === 'string' ? decimalLiteral(text) : undefined;
  if (literal !== undefined) return exprOf<'decimal'>(literal);
  throw new TallystreamError('USAGE', {
    what: `decimal(${JSON.stringify(text)}) is not a decimal.`,
    mend: "Write it as plain text with at most 38 digits: decimal('12.50').",
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

/** Texts one after the other; null if one of them is null. */
export function concat(...parts: readonly TextOperand[]): TextExpr {
  return exprOf<'string'>(callNode('concat', parts.map(nodeOfOperand)));
}

/** In capitals, by Unicode's rules, whatever the language. */
export function upper(text: TextOperand): TextExpr {
  return exprOf<'string'>(callNode('upper', [nodeOfOperand(text)]));
}

/** In small letters, by Unicode's rules, whatever the language. */
export function lower(text: TextOperand): TextExpr {
  return exprOf<'string'>(callNode('lower', [nodeOfOperand(text)]));
}

/** Without spaces at both ends; tabs and line ends stay, as in Spark. */
export function trim(text: TextOperand): TextExpr {
  return exprOf<'string'>(callNode('trim', [nodeOfOperand(text)]));
}

/** In code points. */
export function length(text: TextOperand): NumberExpr<'int'> {
  return exprOf<'int'>(callNode('length', [nodeOfOperand(text)]));
}

/** `position` counts code points from 1, and from the end where it is negative. */
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

/** The calendar day of an instant, by the clocks of `zone` (such as `Europe/Berlin`); without one, of the query's. */
export function toDate(of: Expr<'timestamp' | 'date'>, zone?: string): DateExpr {
  return exprOf<'date'>(datePartNode('date', nodeOfOperand(of), zone ?? null));
}

function part(name: DatePart, of: Expr, zone: string | undefined): NumberExpr<'int'> {
  return exprOf<'int'>(datePartNode(name, nodeOfOperand(of), zone ?? null));
}

/** By the clocks of `zone`; without one, of the query's. */
export function year(of: Expr<'timestamp' | 'date'>, zone?: string): NumberExpr<'int'> {
  return part('year', of, zone);
}

/** 1 to 12. */
export function month(of: Expr<'timestamp' | 'date'>, zone?: string): NumberExpr<'int'> {
  return part('month', of, zone);
}

/** 1 to 31. */
export function day(of: Expr<'timestamp' | 'date'>, zone?: string): NumberExpr<'int'> {
  return part('day', of, zone);
}

/** 0 to 23. */
export function hour(of: Expr<'timestamp'>, zone?: string): NumberExpr<'int'> {
  return part('hour', of, zone);
}

/** How many elements an array has. */
export function size(array: Expr<'array'>): NumberExpr<'int'> {
  return exprOf<'int'>(callNode('size', [nodeOfOperand(array)]));
}

/** Whether an array has an element that equals `value`; null if it has none and holds a null. */
export function arrayContains(array: Expr<'array'>, value: AnyOperand): BooleanExpr {
  return exprOf<'boolean'>(callNode('arrayContains', [nodeOfOperand(array), nodeOfOperand(value)]));
}
