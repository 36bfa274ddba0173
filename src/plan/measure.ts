/**
 * The measures of `groupBy(…).agg({ … })`, by their names in Structured Streaming: data, with the column in its type, so
 * that the compiler refuses a sum over text.
 */
import type {
  ArrayType,
  DecimalType,
  DoubleType,
  FieldType,
  LongType,
  Schema,
} from '../columns/schema/schema.ts';
import type { LeafPathOf, NumericKind, PathOf, TypeOfPath } from '../columns/schema/paths.ts';
import { TallystreamError } from '../errors.ts';
import type { Measure } from './query-plan.ts';

/** The kinds of measures, by their names in Structured Streaming. */
export type MeasureKind = Measure['kind'];

/** A measure over the column `Column`; never is a count of rows. */
export interface MeasureSpec<Kind extends MeasureKind = MeasureKind, Column extends string = string> {
  readonly kind: Kind;
  readonly column: Column | undefined;
  /** Of `approxCountDistinct`. */
  readonly relativeError?: number;
}

/** Measures by the names of their columns in the result. */
export type MeasureSpecs = Readonly<Record<string, MeasureSpec>>;

/** The number of rows of the group. With a column, only rows with a value in it count. */
export function count<const Column extends string = never>(column?: Column): MeasureSpec<'count', Column> {
  return Object.freeze({ kind: 'count', column });
}

/** The exact sum of whole numbers or decimals; null if the group has no value. Whole numbers give a long. */
export function sum<const Column extends string>(column: Column): MeasureSpec<'sum', Column> {
  return Object.freeze({ kind: 'sum', column });
}

/** The average. For decimals it is a decimal with four more decimals, rounded half up; for other numbers a double. */
export function avg<const Column extends string>(column: Column): MeasureSpec<'avg', Column> {
  return Object.freeze({ kind: 'avg', column });
}

/**
 * The smallest value that is not null. Numbers and times are ordered by size, text by code point, and false before
 * true.
 */
export function min<const Column extends string>(column: Column): MeasureSpec<'min', Column> {
  return Object.freeze({ kind: 'min', column });
}

/** The largest value that is not null, in the order of `min`. */
export function max<const Column extends string>(column: Column): MeasureSpec<'max', Column> {
  return Object.freeze({ kind: 'max', column });
}

/** The value of the first row in order of batch, partition and offset, even if it is null. */
export function first<const Column extends string>(column: Column): MeasureSpec<'first', Column> {
  return Object.freeze({ kind: 'first', column });
}

/** The value of the last row in order of batch, partition and offset, even if it is null. */
export function last<const Column extends string>(column: Column): MeasureSpec<'last', Column> {
  return Object.freeze({ kind: 'last', column });
}

const RELATIVE_ERROR_DEFAULT = 0.05;
const RELATIVE_ERROR_MIN = 0.0044;
const RELATIVE_ERROR_MAX = 0.39;

/**
 * The approximate number of distinct values. `relativeError` is the standard deviation to aim for.
 * @throws TallystreamError `USAGE` outside 0.0044 to 0.39
 */
export function approxCountDistinct<const Column extends string>(
  column: Column,
  relativeError = RELATIVE_ERROR_DEFAULT,
): MeasureSpec<'approxCountDistinct', Column> {
  if (!(relativeError >= RELATIVE_ERROR_MIN && relativeError <= RELATIVE_ERROR_MAX)) {
    throw new TallystreamError('USAGE', {
      what: `approxCountDistinct(${JSON.stringify(column)}, ${relativeError}) is out of range.`,
      hint: `Use a relative error from ${RELATIVE_ERROR_MIN} to ${RELATIVE_ERROR_MAX}.`,
    });
  }
  return Object.freeze({ kind: 'approxCountDistinct', column, relativeError });
}

type KindAt<S extends Schema, Column extends string> =
  Column extends PathOf<S> ? TypeOfPath<S, Column>['kind'] : never;

/** What is in the place of a measure that cannot be, for the compiler's message. */
type CheckedMeasure<S extends Schema, Spec> =
  Spec extends MeasureSpec<infer Kind, infer Column>
    ? [Column] extends [never]
      ? Spec
      : Column extends LeafPathOf<S>
        ? Kind extends 'sum' | 'avg'
          ? KindAt<S, Column> extends NumericKind
            ? Spec
            : `${Kind} needs a number, but ${Column} is ${KindAt<S, Column>}`
          : Spec
        : `there is no column ${Column}`
    : never;

/** The measures as they are where all can be computed over `S`, and a sentence in the place of each that cannot. */
export type CheckedMeasures<S extends Schema, Specs extends MeasureSpecs> = {
  readonly [Name in keyof Specs]: CheckedMeasure<S, Specs[Name]>;
};

type SumType<Type extends FieldType> = Type extends DecimalType
  ? DecimalType
  : Type extends DoubleType
    ? DoubleType
    : LongType;

/** The type of a measure's result. */
export type MeasureType<S extends Schema, Spec extends MeasureSpec> =
  Spec extends MeasureSpec<infer Kind, infer Column>
    ? Kind extends 'count' | 'approxCountDistinct'
      ? LongType
      : Column extends PathOf<S>
        ? Kind extends 'sum'
          ? SumType<TypeOfPath<S, Column>>
          : Kind extends 'avg'
            ? TypeOfPath<S, Column> extends DecimalType
              ? DecimalType
              : DoubleType
            : Exclude<TypeOfPath<S, Column>, ArrayType>
        : never
    : never;
