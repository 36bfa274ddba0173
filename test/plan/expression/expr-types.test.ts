/**
 * Programs that the compiler refuses, and what those that it takes are. `tsc` checks this file: a line that should not
 * compile and does is an error of its own (unused `@ts-expect-error`). What a program without a compiler would hear
 * instead is checked by running them.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { optional, required, schema, types, type Schema } from '../../../src/columns/schema/schema.ts';
import { TallystreamError } from '../../../src/errors.ts';
import { typeOf } from '../../../src/plan/expression/analyze.ts';
import { columnsOf, type Columns } from '../../../src/plan/expression/columns-of.ts';
import type {
  AnyExpr,
  BooleanExpr,
  DateExpr,
  Expr,
  NamedExpr,
  NumberExpr,
  TextExpr,
} from '../../../src/plan/expression/expr.ts';
import {
  coalesce,
  col,
  concat,
  decimal,
  lit,
  size,
  toDate,
  upper,
  when,
  year,
} from '../../../src/plan/expression/functions.ts';
import { window } from '../../../src/plan/window.ts';

const PURCHASES = schema([
  required('id', types.string(), ''),
  required('quantity', types.int(), ''),
  required('total_amount', types.decimal(18, 2), ''),
  optional('weight', types.double(), ''),
  optional('views', types.long(), ''),
  required('at', types.timestamp(), ''),
  optional('due', types.date(), ''),
  optional('is_new', types.boolean(), ''),
  optional('tags', types.array(types.string()), ''),
  optional('location', types.struct([optional('country', types.string(), '')]), ''),
]);

type Row = Columns<typeof PURCHASES>;

/** As `filter` takes it. */
function filter(predicate: (row: Row) => Expr<'boolean'>): void {
  const type = typeOf(predicate(columnsOf(PURCHASES)), PURCHASES, 'filter');
  if (type.kind !== 'boolean')
    throw new TallystreamError('USAGE', { what: `filter: needs a condition, but got ${type.kind}.` });
}

/** The callback does not compile, and without a compiler the plan refuses it. */
function refused(build: () => void): void {
  assert.throws(build, (error: unknown) => error instanceof TallystreamError && error.code === 'USAGE');
}

test('a misspelt column does not compile', () => {
  // @ts-expect-error there is total_amount
  refused(() => filter(({ total_amuont }) => total_amuont.gt(3)));
  // @ts-expect-error in a struct as well
  refused(() => filter(({ location }) => location.county.eq('DE')));
});

test('a condition that is none does not compile', () => {
  // @ts-expect-error a number is no condition
  refused(() => filter(({ quantity }) => quantity.plus(1)));
  // @ts-expect-error nor is text
  refused(() => filter(({ id }) => id));
  // @ts-expect-error nor does JavaScript compare expressions
  refused(() => filter(({ quantity }) => quantity > 3));
  // @ts-expect-error conditions are put together of conditions
  refused(() => filter(({ quantity, is_new: isNew }) => isNew.and(quantity)));
});

test('arithmetic with text, truth, or dates does not compile', () => {
  // @ts-expect-error text has no plus
  refused(() => filter(({ id }) => id.plus(1).gt(3)));
  // @ts-expect-error text is not added either
  refused(() => filter(({ quantity, id }) => quantity.plus(id).gt(3)));
  // @ts-expect-error nor words
  refused(() => filter(({ quantity }) => quantity.plus('three').gt(3)));
  // @ts-expect-error truth is not multiplied
  refused(() => filter(({ quantity, is_new: isNew }) => quantity.times(isNew).gt(3)));
  // @ts-expect-error there is no arithmetic with dates
  refused(() => filter(({ due }) => due.plus(1).isNull()));
});

test('comparing what cannot be compared does not compile', () => {
  // @ts-expect-error text with a number
  refused(() => filter(({ id }) => id.eq(3)));
  // @ts-expect-error a number with words
  refused(() => filter(({ total_amount: total }) => total.gt('a lot')));
  // @ts-expect-error a number with text
  refused(() => filter(({ quantity, id }) => quantity.eq(id)));
  // @ts-expect-error an instant with a date
  refused(() => filter(({ at, due }) => at.lt(due)));
  // @ts-expect-error an instant with a number
  refused(() => filter(({ at }) => at.gt(1_750_000_000)));
  // @ts-expect-error one of several values of another kind
  refused(() => filter(({ id }) => id.isIn('a', 3)));
  // @ts-expect-error truth with text
  refused(() => filter(({ is_new: isNew }) => isNew.eq('true')));
});

test('an amount beside a float does not compile', () => {
  // @ts-expect-error a double column
  refused(() => filter(({ total_amount: total, weight }) => total.gt(weight)));
  // @ts-expect-error in a sum
  refused(() => filter(({ total_amount: total, weight }) => total.plus(weight).gt(3)));
  // @ts-expect-error the other way round
  refused(() => filter(({ total_amount: total, weight }) => weight.lt(total)));
  // A float that is written down is a number for the compiler: the plan refuses it.
  refused(() => filter(({ total_amount: total }) => total.gt(12.5)));
  refused(() => filter(({ total_amount: total }) => total.times(1.19).gt(3)));
});

test('functions take what they can work on', () => {
  const { id, quantity, tags } = columnsOf(PURCHASES);
  // @ts-expect-error no text
  refused(() => void typeOf(upper(quantity), PURCHASES));
  // @ts-expect-error no text
  refused(() => void typeOf(concat(id, quantity), PURCHASES));
  // @ts-expect-error no array
  refused(() => void typeOf(size(id), PURCHASES));
  // @ts-expect-error no instant
  refused(() => void typeOf(toDate(id), PURCHASES));
  // @ts-expect-error no instant
  refused(() => void typeOf(window(id, '1 hour'), PURCHASES));
  // @ts-expect-error other kinds in one column
  refused(() => void typeOf(coalesce(id, 3), PURCHASES));
  // @ts-expect-error other kinds in one column
  refused(() => void typeOf(when(quantity.gt(3), 'many').otherwise(0), PURCHASES));
  // @ts-expect-error a condition is asked for
  refused(() => void typeOf(when(quantity, 'many'), PURCHASES));
  // @ts-expect-error no such type
  refused(() => void typeOf(quantity.cast('number'), PURCHASES));
  // @ts-expect-error arrays are not compared
  refused(() => void typeOf(tags.eq('a'), PURCHASES));
  // @ts-expect-error no amount
  refused(() => void decimal('twelve'));
});

/** Fails to compile unless `value` is exactly a `T`. */
type Exactly<T> = <V>(
  value: V,
  ...exact: [T] extends [V] ? ([V] extends [T] ? [] : [never]) : [never]
) => void;

function is<T>(): Exactly<T> {
  return () => {};
}

test('what compiles has the kind that the plan finds', () => {
  const { id, quantity, total_amount: total, weight, views, at, due, is_new: isNew } = columnsOf(PURCHASES);
  is<NumberExpr<'int'>>()(quantity.plus(1));
  is<NumberExpr<'long'>>()(quantity.plus(views));
  is<NumberExpr<'decimal'>>()(quantity.times(total));
  is<NumberExpr<'decimal'>>()(quantity.times('1.19'));
  is<NumberExpr<'double'>>()(quantity.plus(weight));
  is<NumberExpr<'double'>>()(quantity.dividedBy(3));
  is<NumberExpr<'decimal'>>()(total.dividedBy(quantity));
  is<TextExpr>()(when(isNew, 'new').otherwise('known'));
  is<NumberExpr<'decimal'>>()(when(isNew, total).otherwise('0.00'));
  is<NumberExpr<'decimal'>>()(coalesce(quantity, total, 0));
  is<TextExpr>()(coalesce(id, 'none'));
  is<DateExpr>()(coalesce(due, toDate(at), '2025-06-26'));
  is<NumberExpr<'decimal'>>()(id.cast('decimal(18,2)'));
  is<NumberExpr<'long'>>()(quantity.cast('bigint'));
  is<NumberExpr<'long'>>()(quantity.cast(types.long()));
  is<NumberExpr<'int'>>()(year(at));
  is<NamedExpr<'more', 'int'>>()(quantity.plus(1).alias('more'));
  is<BooleanExpr>()(col('anything').gt(3));
  is<AnyExpr>()(col('anything').plus(3));
  is<NumberExpr<'int'>>()(quantity.plus(col('anything')));
  is<TextExpr>()(lit('text'));
  // @ts-expect-error the check itself can fail
  is<TextExpr>()(quantity);
});

test('columns that the compiler does not know are checked when the plan is made', () => {
  filter(() => col('quantity').gt(3).and(col('is_new')));
  filter(({ quantity }) => quantity.plus(col('views')).gt(3));
  refused(() => filter(() => col('quantty').gt(3)));
  const some: Schema = PURCHASES;
  assert.equal(typeOf(columnsOf(some)['quantity']?.plus(1) as AnyExpr, some).kind, 'int');
});
