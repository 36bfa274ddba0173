/* oxlint-disable typescript/no-unnecessary-type-parameters -- Proofs about types have nothing but type parameters. */
/**
 * What the compiler knows of a schema. The proof is that this file compiles: `same` takes nothing but `true` where two
 * types are equal, and each line under a `@ts-expect-error` is one that the compiler has to refuse.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ColumnBatch,
  type ArrayColumn,
  type DecimalColumn,
  type DictionaryColumn,
} from '../../../src/columns/column-chunk.ts';
import type { BooleanColumn, NumberColumn, StringColumn } from '../../../src/columns/column-chunk.ts';
import type { ColumnOf, ColumnsOf } from '../../../src/columns/column-chunk.ts';
import { createDecoder } from '../../../src/columns/decode/decoder.ts';
import { rowOf, type Row, type RowOf } from '../../../src/columns/rows.ts';
import { optional, required, schema, types } from '../../../src/columns/schema/schema.ts';
import type {
  ArrayType,
  BooleanType,
  DateType,
  DecimalType,
  DoubleType,
  Field,
  FieldType,
  IntType,
  LongType,
  Schema,
  StringType,
  StructType,
  TimestampType,
} from '../../../src/columns/schema/schema.ts';
import type {
  LeafPathOf,
  NumericKind,
  PathOf,
  PathOfKind,
  RequiredAtPath,
  TypeOfPath,
} from '../../../src/columns/schema/paths.ts';
import { PURCHASE_SCHEMA } from '../../../src/app/purchases/schema.ts';

/** `true` where two types are the same one, nullability and readonly included. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : { not: A; but: B };

/** Compiles for `same<Same<…>>()` only where the types are equal. */
function same<_Proof extends true>(): void {}

const ORDER = schema([
  required('id', types.string(), ''),
  optional('kind', types.string({ dictionary: true }), ''),
  required('count', types.int(), ''),
  required('views', types.long(), ''),
  optional('ratio', types.double(), ''),
  required('price', types.decimal(18, 2), ''),
  required('at', types.timestamp(), ''),
  optional('day', types.date(), ''),
  optional('gift', types.boolean(), ''),
  required('tags', types.array(types.string()), ''),
  optional('scores', types.array(types.long(), { containsNull: true }), ''),
  required(
    'shop',
    types.struct([required('name', types.string(), ''), optional('lane', types.int(), '')]),
    '',
  ),
  optional(
    'place',
    types.struct([
      required('city', types.string(), ''),
      optional('spot', types.struct([required('north', types.double(), '')]), ''),
    ]),
    '',
  ),
]);
type Order = typeof ORDER;

interface OrderRow {
  readonly id: string;
  readonly kind: string | null;
  readonly count: number;
  readonly views: bigint;
  readonly ratio: number | null;
  readonly price: string;
  readonly at: string;
  readonly day: string | null;
  readonly gift: boolean | null;
  readonly tags: readonly string[];
  readonly scores: readonly (bigint | null)[] | null;
  readonly shop: { readonly name: string; readonly lane: number | null };
  readonly place: { readonly city: string | null; readonly spot: { readonly north: number | null } };
}

/** Never called: the lines are for the compiler. */
export function proofs(): void {
  // Each constructor gives its own type, with its options.
  same<Same<Order['fields'][0], Field<'id', StringType<false>, true>>>();
  same<Same<Order['fields'][1], Field<'kind', StringType<true>, false>>>();
  same<Same<Order['fields'][5], Field<'price', DecimalType, true>>>();
  same<Same<Order['fields'][9], Field<'tags', ArrayType<StringType<false>, false>, true>>>();
  same<Same<Order['fields'][10], Field<'scores', ArrayType<LongType, true>, false>>>();

  // The row.
  same<
    Same<{ [Name in keyof RowOf<Order>]: RowOf<Order>[Name] }, { [Name in keyof OrderRow]: OrderRow[Name] }>
  >();
  same<Same<RowOf<Schema>, Row>>();

  // Paths: structs and leaves.
  type Leaf =
    | ('id' | 'kind' | 'count' | 'views' | 'ratio' | 'price' | 'at' | 'day' | 'gift' | 'tags' | 'scores')
    | ('shop.name' | 'shop.lane' | 'place.city' | 'place.spot.north');
  same<Same<LeafPathOf<Order>, Leaf>>();
  same<Same<PathOf<Order>, Leaf | 'shop' | 'place' | 'place.spot'>>();
  same<Same<PathOf<Schema>, string>>();
  same<Same<LeafPathOf<Schema>, string>>();
  same<Same<PathOfKind<Schema, 'int'>, string>>();
  same<
    Same<
      PathOfKind<Order, NumericKind>,
      'count' | 'views' | 'ratio' | 'price' | 'shop.lane' | 'place.spot.north'
    >
  >();
  same<Same<PathOfKind<Order, 'struct'>, 'shop' | 'place' | 'place.spot'>>();
  same<Same<PathOfKind<Order, 'array'>, 'tags' | 'scores'>>();

  // What stands at a path.
  same<Same<TypeOfPath<Order, 'place.spot.north'>, DoubleType>>();
  same<Same<TypeOfPath<Order, 'kind'>, StringType<true>>>();
  same<Same<TypeOfPath<Order, 'shop'>['kind'], 'struct'>>();
  same<Same<TypeOfPath<Schema, 'anything'>, FieldType>>();
  same<Same<RequiredAtPath<Order, 'shop.name'>, true>>();
  same<Same<RequiredAtPath<Order, 'shop.lane'>, false>>();
  same<Same<RequiredAtPath<Order, 'place.city'>, false>>();
  same<Same<RequiredAtPath<Schema, 'anything'>, boolean>>();

  // Columns.
  same<Same<ColumnOf<StringType<false>>, StringColumn>>();
  same<Same<ColumnOf<StringType>, StringColumn | DictionaryColumn>>();
  same<Same<ColumnOf<BooleanType>, BooleanColumn>>();
  same<Same<ColumnOf<IntType>, NumberColumn<'int'>>>();
  same<Same<ColumnOf<TimestampType>, NumberColumn<'timestamp'>>>();
  same<Same<ColumnOf<StructType>, never>>();
  same<Same<ColumnsOf<Order>['place.city'], StringColumn>>();
  same<Same<ColumnsOf<Order>['kind'], DictionaryColumn>>();
  same<Same<ColumnsOf<Order>['price'], DecimalColumn<'decimal'>>>();
  same<Same<ColumnsOf<Order>['views'], DecimalColumn<'long'>>>();
  same<Same<ColumnsOf<Order>['day'], NumberColumn<'date'>>>();
  same<Same<ColumnsOf<Order>['scores'], ArrayColumn<DecimalColumn<'long'>>>>();
  same<Same<ColumnOf<DateType>, NumberColumn<'date'>>>();

  const row = {} as RowOf<Order>;
  // @ts-expect-error Property 'prise' does not exist … Did you mean 'price'?
  void row.prise;
  // @ts-expect-error a long is a bigint, so it does not slip into arithmetic of numbers
  Math.abs(row.views);
  // @ts-expect-error money is text until somebody says how to read it
  void (row.price * 2);
  // @ts-expect-error an optional field may be null
  void row.day.length;
  // @ts-expect-error a required field of an optional struct may be null too
  void row.place.city.length;
  // @ts-expect-error elements may be null where the type says so
  void row.scores?.map((score) => score.toString());
  // @ts-expect-error a row is read only
  row.id = 'x';
  // @ts-expect-error so is an array in it
  row.tags.push('x');

  const column = <Path extends PathOf<Order>>(path: Path): TypeOfPath<Order, Path> => path as never;
  const sum = <Path extends PathOfKind<Order, NumericKind>>(path: Path): Path => path;
  column('place.spot');
  sum('views');
  // @ts-expect-error Argument of type '"place.town"' is not assignable to parameter of type '"at" | "count" | …'
  column('place.town');
  // @ts-expect-error Argument of type '"id"' is not assignable to parameter of type '"count" | "place.spot.north" | …'
  sum('id');

  const batch = new ColumnBatch(ORDER, 1);
  void batch.column('views').wide;
  void batch.column('scores').items.wide;
  // @ts-expect-error a struct has no column of its own
  batch.column('shop');
  // @ts-expect-error text has no numbers
  void batch.column('id').values;
  const untyped: ColumnBatch = batch;
  void untyped.column('any path').kind;

  // @ts-expect-error Property 'strng' does not exist … Did you mean 'string'?
  types.strng();
  // @ts-expect-error elements are single values
  types.array(types.struct([]));
  // @ts-expect-error elements are single values
  types.array(types.array(types.int()));
  const fields: readonly Field[] = ORDER.fields;
  same<Same<RowOf<ReturnType<typeof schema<typeof fields>>>, Row>>();
}

test('a row has what its type says', () => {
  const batch = new ColumnBatch(ORDER, 1);
  const text = `{"id":"a","count":1,"views":9007199254740993,"price":1.5,"at":"2025-06-26T14:11:33Z","day":"2025-06-26",
    "tags":["x","y"],"scores":[1,null],"shop":{"name":"s"}}`;
  const bytes = Buffer.from(text);
  batch.reset(bytes, 1);
  assert.equal(createDecoder(ORDER, { valueBytesMax: 1000 }).decode(batch, 0, bytes.length, 0), undefined);
  const row: OrderRow = rowOf(batch, 0);
  const expected: OrderRow = {
    id: 'a',
    kind: null,
    count: 1,
    views: 9007199254740993n,
    ratio: null,
    price: '1.50',
    at: '2025-06-26T14:11:33.000Z',
    day: '2025-06-26',
    gift: null,
    tags: ['x', 'y'],
    scores: [1n, null],
    shop: { name: 's', lane: null },
    place: { city: null, spot: { north: null } },
  };
  assert.deepEqual(
    { ...row, shop: { ...row.shop }, place: { ...row.place, spot: { ...row.place.spot } } },
    expected,
  );
  assert.equal(batch.column('views').get(0), 9007199254740993n);
  assert.equal(batch.column('shop.name').kind, 'string');
});

test('the type of the purchase schema knows its fields', () => {
  same<Same<RequiredAtPath<typeof PURCHASE_SCHEMA, 'location.city'>, false>>();
  same<
    Same<
      PathOfKind<typeof PURCHASE_SCHEMA, NumericKind>,
      'quantity' | 'unit_price' | 'total_amount' | 'discount_percentage'
    >
  >();
  const path: PathOf<typeof PURCHASE_SCHEMA> = 'location.city';
  assert.equal(new ColumnBatch(PURCHASE_SCHEMA, 1).column(path).kind, 'string');
});
