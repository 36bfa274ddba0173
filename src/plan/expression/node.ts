/**
 * Expressions over the columns of a row, as frozen plain data: nothing here runs. Our engine compiles them to loops
 * over columns (`operators/expression/compile.ts`), and `sql.ts` writes them as Spark SQL of the same meaning.
 * Types are found when a plan is made (`analyze.ts`), so a node carries none but those that were asked for.
 */
import type { ArithmeticName, DecimalValueType, ScalarKind, ValueType } from './value-type.ts';

export type ComparisonName = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | 'eqNullSafe';

export type CallName =
  | ArithmeticName
  | ComparisonName
  | 'negate'
  | 'and'
  | 'or'
  | 'not'
  | 'isNull'
  | 'isNotNull'
  /** The first argument is among the others. */
  | 'isIn'
  | 'coalesce'
  | 'upper'
  | 'lower'
  /** Takes off spaces (U+0020 alone, as Spark) at both ends. */
  | 'trim'
  /** In code points. */
  | 'length'
  /** Text, position from 1 (from the end where negative), number of code points. */
  | 'substring'
  | 'concat'
  | 'size'
  | 'arrayContains';

/** A part of an instant's local date and time, or of a date. `date` is the date itself. */
export type DatePart = 'date' | 'year' | 'month' | 'day' | 'hour';

export type LiteralType = { readonly kind: ScalarKind } | DecimalValueType | { readonly kind: 'null' };

export interface ColumnNode {
  readonly kind: 'column';
  /** From the root of the row, with points between (`location.country`). */
  readonly path: string;
}

export interface LiteralNode {
  readonly kind: 'literal';
  readonly type: LiteralType;
  /**
   * Canonical: decimals with every decimal of their scale, instants as RFC 3339 in UTC, dates as `YYYY-MM-DD`, doubles
   * as JavaScript writes them, `true` and `false`; null only for the type `null`.
   */
  readonly text: string | null;
}

export interface CallNode {
  readonly kind: 'call';
  readonly name: CallName;
  readonly args: readonly Expression[];
}

export interface CastNode {
  readonly kind: 'cast';
  readonly to: ValueType;
  readonly of: Expression;
  /** Gives null for a value that does not fit; left out if that is an error. */
  readonly orNull?: true;
}

/** The value of the first branch whose condition is true; without one `otherwise`, and without that null. */
export interface CaseNode {
  readonly kind: 'case';
  readonly branches: readonly { readonly when: Expression; readonly value: Expression }[];
  readonly otherwise: Expression | null;
}

export interface DatePartNode {
  readonly kind: 'datePart';
  readonly part: DatePart;
  /** An instant, or a date. */
  readonly of: Expression;
  /** The zone whose clocks are read; null is the query's. Of no account for a date. */
  readonly zone: string | null;
}

/**
 * The windows that an instant is in, for `groupBy` alone: [start + n·slide, start + n·slide + size) for every whole n.
 * They are laid over the time since 1970-01-01T00:00:00Z, as Spark lays them; where size and slide are whole days, over
 * what the clocks of the query's zone show, so that they begin and end at its midnights.
 */
export interface WindowNode {
  readonly kind: 'window';
  /** An instant. */
  readonly of: Expression;
  readonly sizeMs: number;
  /** From the start of one window to the next; the size for windows that do not overlap. */
  readonly slideMs: number;
  /** Moves all windows by so much. */
  readonly startMs: number;
}

/** A name for the result. Inside of another expression it has no effect. */
export interface AliasNode {
  readonly kind: 'alias';
  readonly name: string;
  readonly of: Expression;
}

export type Expression =
  ColumnNode | LiteralNode | CallNode | CastNode | CaseNode | DatePartNode | WindowNode | AliasNode;

/** An expression, or an object of the builder that holds one. */
export type ExpressionLike = Expression | { readonly node: Expression };

export function nodeOf(like: ExpressionLike): Expression {
  return 'node' in like ? like.node : like;
}

export function columnNode(path: string): ColumnNode {
  return Object.freeze({ kind: 'column', path });
}

export function callNode(name: CallName, args: readonly Expression[]): CallNode {
  return Object.freeze({ kind: 'call', name, args: Object.freeze([...args]) });
}

export function castNode(of: Expression, to: ValueType, orNull?: true): CastNode {
  return Object.freeze({ kind: 'cast', to, of, ...(orNull === true && { orNull }) });
}

export function caseNode(branches: CaseNode['branches'], otherwise: Expression | null): CaseNode {
  const frozen = branches.map(({ when, value }) => Object.freeze({ when, value }));
  return Object.freeze({ kind: 'case', branches: Object.freeze(frozen), otherwise });
}

export function datePartNode(part: DatePart, of: Expression, zone: string | null): DatePartNode {
  return Object.freeze({ kind: 'datePart', part, of, zone });
}

export function aliasNode(of: Expression, name: string): AliasNode {
  return Object.freeze({ kind: 'alias', name, of });
}

/** The expressions directly inside of one, in the order in which they are written. */
export function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'column':
    case 'literal':
      return [];
    case 'call':
      return expression.args;
    case 'case': {
      const branches = expression.branches.flatMap(({ when, value }) => [when, value]);
      return expression.otherwise === null ? branches : [...branches, expression.otherwise];
    }
    case 'cast':
    case 'datePart':
    case 'window':
    case 'alias':
      return [expression.of];
  }
}

/** The paths of all columns that an expression reads, each once, in the order of their first appearance. */
export function referencedColumns(expression: ExpressionLike): readonly string[] {
  const paths = new Set<string>();
  const visit = (node: Expression): void => {
    if (node.kind === 'column') paths.add(node.path);
    for (const child of childrenOf(node)) visit(child);
  };
  visit(nodeOf(expression));
  return [...paths];
}

/** One text for equal expressions, for fingerprints: JSON with keys in order of code points. */
export function canonicalExpression(expression: ExpressionLike): string {
  return JSON.stringify(nodeOf(expression), (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
