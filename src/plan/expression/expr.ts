/**
 * The static types of expressions: what a program may write, so that the compiler refuses a misspelt column, arithmetic
 * with text, or text compared with a number. Each kind of value has an interface with the methods that make sense for
 * it, so an editor offers no others. All are one class at run time (`builder.ts`), whose mistakes a program without
 * a compiler hears of when its plan is made.
 *
 * Whether a value may be null is not tracked here: a row's type tracks it, and here it would be in every name.
 */
import type { Expression } from './node.ts';
import type { DecimalType, FieldType, PrimitiveType } from '../../columns/schema/schema.ts';

/** The kinds of value, as the schema names them. */
export type Kind = FieldType['kind'];
export type ExactKind = 'int' | 'long' | 'decimal';
/** The kinds of numbers. */
export type NumericKind = ExactKind | 'double';

declare const KIND: unique symbol;
declare const NAME: unique symbol;

/** A decimal as text, such as `'12.50'`. Unlike a JavaScript number with decimals, it is exact. */
export type DecimalText = `${number}`;

/** An expression whose values are of kind `K`. It is data: `node` is what a plan keeps. */
export interface Expr<out K extends Kind = Kind> {
  readonly node: Expression;
  /** For the compiler alone; nothing has it at run time. */
  readonly [KIND]?: K;
  /** The same expression under a name. */
  alias<const Name extends string>(name: Name): NamedExpr<Name, K>;
}

/** An expression with its own name, for `select` and the like. */
export interface NamedExpr<out Name extends string, out K extends Kind = Kind> extends Expr<K> {
  readonly [NAME]?: Name;
}

/** Whether an expression has its own name that the compiler knows. */
export type IsNamed<E> = typeof NAME extends keyof E ? true : false;

/** What can be asked of every single value. */
export interface ValueExpr<out K extends Kind> extends Expr<K> {
  /** True or false, never null. */
  isNull(): BooleanExpr;
  /** True or false, never null. */
  isNotNull(): BooleanExpr;
  /**
   * The value as another type, as Spark casts in ANSI mode: decimals are rounded half up, other numbers cut off towards
   * zero. An event with a value that does not fit becomes a dead letter.
   */
  cast<To extends CastTarget>(to: To): ExprOf<KindOfTarget<To>>;
  /** As `cast`, but null for a value that does not fit: Spark's `try_cast`. */
  tryCast<To extends CastTarget>(to: To): ExprOf<KindOfTarget<To>>;
}

/** Comparisons. Each is null if either side is null; texts are compared by code point. */
export interface ComparableExpr<out K extends Kind, in Operand> extends ValueExpr<K> {
  eq(other: Operand): BooleanExpr;
  ne(other: Operand): BooleanExpr;
  lt(other: Operand): BooleanExpr;
  le(other: Operand): BooleanExpr;
  gt(other: Operand): BooleanExpr;
  ge(other: Operand): BooleanExpr;
  /** As `eq`, but null equals null, and the answer is never null. */
  eqNullSafe(other: Operand): BooleanExpr;
  /** Whether it equals any of them; null if it equals none and one of them is null. */
  isIn(...values: readonly Operand[]): BooleanExpr;
  /** `lower <= value AND value <= upper`. */
  between(lower: Operand, upper: Operand): BooleanExpr;
}

/** What a number of kind `K` may be compared with. */
export type NumberOperand<K extends NumericKind> = K extends 'double'
  ? number | Expr<'int' | 'long' | 'double'>
  : K extends 'decimal'
    ? number | bigint | DecimalText | Expr<ExactKind>
    : number | bigint | DecimalText | Expr<NumericKind>;

/** The kind of what a program writes down: a number combined with an expression takes its kind if possible. */
export type KindOfOperand<O> =
  O extends Expr<infer K> ? K : O extends string ? 'decimal' : O extends boolean ? 'boolean' : 'int';

type Has<Kinds, K> = K extends Kinds ? true : false;

/** The kind of a sum of two numbers. */
export type SumKind<A, B> =
  Has<A | B, 'decimal'> extends true
    ? 'decimal'
    : Has<A | B, 'double'> extends true
      ? 'double'
      : Has<A | B, 'long'> extends true
        ? 'long'
        : 'int';

/** As in Spark, dividing two whole numbers gives a double. */
export type QuotientKind<A, B> = Has<A | B, 'decimal'> extends true ? 'decimal' : 'double';

/**
 * Arithmetic; null if either side is null. Whole numbers and decimals are exact, and what does not fit is an error.
 */
export interface NumberExpr<K extends NumericKind> extends ComparableExpr<K, NumberOperand<K>> {
  plus<O extends NumberOperand<K>>(other: O): NumberExpr<SumKind<K, KindOfOperand<O>>>;
  minus<O extends NumberOperand<K>>(other: O): NumberExpr<SumKind<K, KindOfOperand<O>>>;
  times<O extends NumberOperand<K>>(other: O): NumberExpr<SumKind<K, KindOfOperand<O>>>;
  /**
   * Decimals are divided exactly to the scale that Spark gives them; whole numbers give a double. Division by 0 is an
   * error.
   */
  dividedBy<O extends NumberOperand<K>>(other: O): NumberExpr<QuotientKind<K, KindOfOperand<O>>>;
  /** The rest of a division, with the sign of the dividend. */
  mod<O extends NumberOperand<K>>(other: O): NumberExpr<SumKind<K, KindOfOperand<O>>>;
  negate(): NumberExpr<K>;
}

/** Text is compared code point by code point. */
export interface TextExpr extends ComparableExpr<'string', string | Expr<'string'>> {
  /** In capitals, by Unicode's rules. */
  upper(): TextExpr;
  /** In small letters, by Unicode's rules. */
  lower(): TextExpr;
  /** Without spaces at both ends; tabs and line ends stay, as in Spark. */
  trim(): TextExpr;
  /** In code points. */
  length(): NumberExpr<'int'>;
  /** A part of the text. `position` counts from 1; a negative one counts from the end. */
  substr(position: number | Expr<'int'>, length: number | Expr<'int'>): TextExpr;
}

/** Three-valued: `false AND null` is false, `true AND null` is null. */
export interface BooleanExpr extends ComparableExpr<'boolean', boolean | Expr<'boolean'>> {
  /** False if either is false, even if the other is null. */
  and(other: boolean | Expr<'boolean'>): BooleanExpr;
  /** True if either is true, even if the other is null. */
  or(other: boolean | Expr<'boolean'>): BooleanExpr;
  not(): BooleanExpr;
}

/** Text compared with a timestamp is RFC 3339 with its zone: `'2025-06-26T14:00:00+02:00'`. */
export type TimestampExpr = ComparableExpr<'timestamp', string | Expr<'timestamp'>>;

/** Text compared with a date is `YYYY-MM-DD`. */
export type DateExpr = ComparableExpr<'date', string | Expr<'date'>>;

/** An array, for `size` and `arrayContains`. */
export type ArrayExpr = ValueExpr<'array'>;

/** The expression interface of a kind. */
export type ExprOf<K extends Kind> = [K] extends [never]
  ? AnyExpr
  : K extends NumericKind
    ? NumberExpr<K>
    : K extends 'string'
      ? TextExpr
      : K extends 'boolean'
        ? BooleanExpr
        : K extends 'timestamp'
          ? TimestampExpr
          : K extends 'date'
            ? DateExpr
            : K extends 'array'
              ? ArrayExpr
              : Expr<K>;

/** What may be compared with, or stand in for, a value of kind `K`. */
export type OperandOf<K extends Kind> = [K] extends [never]
  ? AnyOperand
  : K extends NumericKind
    ? NumberOperand<K>
    : K extends 'string' | 'timestamp' | 'date'
      ? string | Expr<K>
      : K extends 'boolean'
        ? boolean | Expr<K>
        : Expr<K>;

/** The kind of two values that stand in for one another. */
export type CommonKind<A extends Kind, B> = [A] extends [never]
  ? Extract<B, Kind>
  : A extends NumericKind
    ? SumKind<A, B>
    : A;

/** What a literal or an expression may be, where its kind does not matter. */
export type AnyOperand = string | number | bigint | boolean | null | Expr;

/** An expression whose kind the compiler does not know (`col('quantity')`): it is checked when the plan is made. */
export interface AnyExpr extends ComparableExpr<never, AnyOperand> {
  plus(other: AnyOperand): AnyExpr;
  minus(other: AnyOperand): AnyExpr;
  times(other: AnyOperand): AnyExpr;
  dividedBy(other: AnyOperand): AnyExpr;
  mod(other: AnyOperand): AnyExpr;
  negate(): AnyExpr;
  and(other: AnyOperand): BooleanExpr;
  or(other: AnyOperand): BooleanExpr;
  not(): BooleanExpr;
  upper(): TextExpr;
  lower(): TextExpr;
  trim(): TextExpr;
  length(): NumberExpr<'int'>;
  substr(position: number | Expr<'int'>, length: number | Expr<'int'>): TextExpr;
}

/** A `CASE` that may get more branches. If no condition is true, the value is null. */
export type WhenExpr<K extends Kind> = ExprOf<K> & {
  when<V extends OperandOf<K>>(
    condition: Expr<'boolean'>,
    value: V,
  ): WhenExpr<CommonKind<K, KindOfValue<K, V>>>;
  otherwise<V extends OperandOf<K> | null>(value: V): ExprOf<CommonKind<K, KindOfValue<K, V>>>;
};

/** The kind of a value combined with values of kind `K`: text is a decimal if `K` is one, and null is of kind `K`. */
export type KindOfValue<K extends Kind, V> = [K] extends [never]
  ? KindOfLiteral<V>
  : V extends null
    ? K
    : K extends NumericKind
      ? KindOfOperand<V>
      : K;

/** The kind of a literal on its own. */
export type KindOfLiteral<V> =
  V extends Expr<infer K>
    ? K
    : V extends string
      ? 'string'
      : V extends boolean
        ? 'boolean'
        : V extends bigint
          ? 'long'
          : V extends number
            ? 'int'
            : never;

/** What `cast` takes: the name of a type, as Spark writes it, or the type itself. */
export type CastTarget =
  'string' | 'int' | 'long' | 'bigint' | 'double' | 'date' | `decimal(${number},${number})` | PrimitiveType;

export type KindOfTarget<To> = To extends PrimitiveType
  ? To['kind']
  : To extends 'bigint'
    ? 'long'
    : To extends `decimal(${string}`
      ? DecimalType['kind']
      : To extends Kind
        ? To
        : never;
