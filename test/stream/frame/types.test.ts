/**
 * What the compiler says of frames: these lines are checked by `tsc` and never run. An error that it does not find is
 * an unused `@ts-expect-error`, which is an error itself.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { optional, required, schema, types, type Schema } from '../../../src/columns/schema/schema.ts';
import { ColumnTable } from '../../../src/columns/table.ts';
import { count, max, min, sum } from '../../../src/plan/measure.ts';
import { window } from '../../../src/plan/window.ts';
import { Frame } from '../../../src/stream/frame/frame.ts';
import { asc, desc } from '../../../src/stream/frame/order.ts';

const ORDERS = schema([
  required('id', types.string(), ''),
  required('total', types.decimal(18, 2), ''),
  optional('quantity', types.int(), ''),
  optional('big', types.long(), ''),
  required('at', types.timestamp(), ''),
  optional(
    'place',
    types.struct([required('country', types.string(), ''), optional('city', types.string(), '')]),
    '',
  ),
  optional('tags', types.array(types.string()), ''),
]);

/** Both ways, and not of unions one by one. */
type Same<A, B> = [A, B] extends [B, A] ? true : false;

/** Accepts a value whose type is exactly `T`. */
function is<T>() {
  return <V>(_value: V, ..._difference: Same<V, T> extends true ? [] : [V, 'is not', T]): void => undefined;
}

type Orders = Frame<typeof ORDERS>;

export function rows(orders: Orders): void {
  for (const row of orders) {
    is<string>()(row.id);
    is<string>()(row.total);
    is<number | null>()(row.quantity);
    is<bigint | null>()(row.big);
    is<string | null>()(row.place.country);
    is<readonly string[] | null>()(row.tags);
    // @ts-expect-error No such field.
    void row.totl;
  }
  // @ts-expect-error A decimal is text, not a number.
  is<number>()(orders.first()!.total);
}

export function selecting(orders: Orders): void {
  const some = orders.select('id', 'place.city').toRows();
  is<{ readonly id: string; readonly city: string | null }>()(some[0]!);
  // @ts-expect-error A misspelt column.
  orders.select('totl');
  // @ts-expect-error A column that an earlier selection left out.
  orders.select('id').select('total');
  const computed = orders
    .select(({ total, quantity }) => ['id', total.times(quantity).alias('sum')])
    .first()!;
  is<string>()(computed.id);
  is<string | null>()(computed.sum);
  // @ts-expect-error A misspelt column in an expression.
  orders.select(({ totl }) => [totl.alias('x')]);
  // @ts-expect-error A field that no struct has.
  orders.select(({ place }) => [place.town.alias('x')]);
}

export function computing(orders: Orders): void {
  const withTax = orders.withColumn('tax', ({ total }) => total.times('0.19'));
  is<string | null>()(withTax.first()!.tax);
  is<string>()(withTax.first()!.id);
  withTax.filter(({ tax, total }) => tax.gt(total)).select('tax');
  // @ts-expect-error A misspelt column after one was computed.
  withTax.filter(({ taxx }) => taxx.gt(1));
  const replaced = orders.withColumn('id', ({ quantity }) => quantity.plus(1)).first()!;
  is<number | null>()(replaced.id);
  // @ts-expect-error Arithmetic with text.
  orders.withColumn('x', ({ id }) => id.plus(1));
}

export function filtering(orders: Orders): void {
  orders.filter(({ quantity }) => quantity.gt(3)).filter(orders.columns.id.eq('a'));
  // @ts-expect-error A number is no condition.
  orders.filter(({ quantity }) => quantity.plus(1));
  // @ts-expect-error Text is not compared with a number.
  orders.filter(({ id }) => id.gt(3));
  // @ts-expect-error A function of rows is none of columns.
  orders.filter((row) => row.quantity === 3);
}

export function grouping(orders: Orders): void {
  const days = orders
    .groupBy(({ at }) => [window(at, '1 day').alias('day'), 'id'])
    .agg({ total: sum('total'), most: max('quantity'), bigs: sum('big'), rows: count() });
  const day = days.first()!;
  is<string>()(day.id);
  is<string | null>()(day.total);
  is<number | null>()(day.most);
  is<bigint | null>()(day.bigs);
  is<bigint>()(day.rows);
  is<string | null>()(day.day.start);
  orders
    .groupBy('place.country')
    .agg({ least: min('at') })
    .select('country', 'least');
  // @ts-expect-error A sum over text.
  orders.groupBy('id').agg({ x: sum('id') });
  // @ts-expect-error A sum over a column that there is not.
  orders.agg({ x: sum('totl') });
  // @ts-expect-error A key that there is not.
  orders.groupBy('idd');
  // @ts-expect-error A struct is no key.
  orders.groupBy('place');
  const sums = orders.groupBy('id').agg({ sum: sum('total') });
  // @ts-expect-error A column that the aggregate has not kept.
  sums.select('total');
}

export function ordering(orders: Orders): void {
  orders.orderBy('id', desc('total'), asc('place.city', { nulls: 'last' }));
  orders.orderBy(({ total, quantity }) => [desc(total.times(quantity)), 'id']);
  // @ts-expect-error A misspelt column.
  orders.orderBy(desc('totl'));
  // @ts-expect-error An array has no order.
  orders.orderBy('tags');
  // @ts-expect-error An array has no order, as an expression neither.
  orders.orderBy(({ tags }) => [desc(tags)]);
  // @ts-expect-error A misspelt column.
  orders.dropDuplicates('idd');
}

export function making(): void {
  const row = { id: 'a', total: '1.00', quantity: null, big: 1n, at: '', place: { country: null, city: null }, tags: [] }; // prettier-ignore
  Frame.fromRows(ORDERS, [row]);
  // @ts-expect-error A decimal is written as text.
  Frame.fromRows(ORDERS, [{ ...row, total: 1 }]);
  // @ts-expect-error A row without one of its fields.
  Frame.fromRows(ORDERS, [{ id: 'a' }]);
  // @ts-expect-error A frame of other rows.
  const other: Frame<Schema<readonly []>> = new Frame(new ColumnTable(ORDERS));
  void other;
}

export function anySchema(some: Frame<Schema>): void {
  some
    .filter((columns) => columns['a']!.gt(3))
    .select('whatever', 'else')
    .orderBy('else');
}

test('the compiler has looked at this file', () => {
  assert.equal(typeof grouping, 'function');
});
