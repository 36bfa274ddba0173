import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ColumnBatch } from '../../../src/columns/column-chunk.ts';
import { createDecoder } from '../../../src/columns/decode/decoder.ts';
import { rowOf } from '../../../src/columns/rows.ts';
import {
  leavesOf,
  optional,
  required,
  schema,
  types,
  type Schema,
} from '../../../src/columns/schema/schema.ts';
import { ColumnTable } from '../../../src/columns/table.ts';
import { TimeZone } from '../../../src/columns/values/timezone.ts';
import {
  col,
  decimal,
  hour,
  length,
  lit,
  toDate,
  upper,
  when,
} from '../../../src/plan/expression/functions.ts';
import { approxCountDistinct, avg, count, first, last, max, min, sum } from '../../../src/plan/measure.ts';
import { sessionWindow } from '../../../src/plan/session-window.ts';
import { window } from '../../../src/plan/window.ts';
import { Frame } from '../../../src/stream/frame/frame.ts';
import { asc, desc } from '../../../src/stream/frame/order.ts';
import {
  firstOfEach,
  grouped,
  inOrder,
  measuresOf,
  SALES,
  sales,
  scaled,
  valueAt,
  windowsAt,
  type Order,
  type Plain,
  type Sale,
} from './frame-oracle.ts';

/** Copies, as the oracle has them. */
function plain(rows: Iterable<object>): unknown[] {
  return structuredClone([...rows]);
}

function same(frame: Iterable<object>, rows: readonly object[]): void {
  assert.deepEqual(plain(frame), plain(rows));
}

const SALE: Sale = {
  id: 'a',
  category: 'Home',
  amount: '24.15',
  quantity: 2,
  big: 1n,
  ratio: 0.5,
  at: '2025-06-26T14:11:33.000Z',
  day: '2025-06-26',
  isNew: true,
  place: { country: 'DE', city: 'Berlin' },
  tags: ['x', null],
  prices: ['1.50'],
};

const sale = (changes: Partial<Sale>): Sale => ({ ...SALE, ...changes });

test('rows go in and come out as they are', () => {
  fc.assert(
    fc.property(sales, (rows) => {
      const frame = Frame.fromRows(SALES, rows);
      assert.equal(frame.count(), rows.length);
      same(frame, rows);
      same(frame.toRows(), rows);
      assert.deepEqual(plain([frame.first() ?? {}]), plain([rows[0] ?? {}]));
    }),
    { numRuns: 100 },
  );
});

/** An operation on a frame, and the same on row objects. */
interface Step {
  readonly name: string;
  readonly onFrame: (frame: Frame<Schema>) => Frame<Schema>;
  readonly onRows: (rows: readonly Plain[]) => readonly Plain[];
}

const PATHS = leavesOf(SALES).map(({ path }) => path);
const SORTABLE = leavesOf(SALES).filter(({ type }) => type.kind !== 'array').map(({ path }) => path); // prettier-ignore

const filters: readonly Step[] = [
  {
    name: 'quantity > 0',
    onFrame: (frame) => frame.filter(col('quantity').gt(0)),
    onRows: (rows) => rows.filter((row) => row['quantity'] !== null && (row['quantity'] as number) > 0),
  },
  {
    name: 'amount >= 24.15 or isNew',
    onFrame: (frame) => frame.where(col('amount').ge(decimal('24.15')).or(col('isNew'))),
    onRows: (rows) =>
      rows.filter(
        (row) => (row['amount'] !== null && scaled(row['amount']) >= 2415n) || row['isNew'] === true,
      ),
  },
  {
    name: 'category = a',
    onFrame: (frame) => frame.filter(({ category }) => category!.eq('a')),
    onRows: (rows) => rows.filter((row) => row['category'] === 'a'),
  },
  {
    name: 'all',
    onFrame: (frame) => frame.filter(lit(true)),
    onRows: (rows) => rows,
  },
  {
    name: 'twice the quantity, in its place',
    onFrame: (frame) => frame.withColumn('quantity', col('quantity').mod(2)),
    onRows: (rows) =>
      rows.map((row) => ({
        ...row,
        quantity: row['quantity'] === null ? null : ((row['quantity'] as number) % 2) + 0,
      })),
  },
  {
    name: 'id in capitals, in its place',
    onFrame: (frame) => frame.withColumn('id', upper(frame.columns['id'] as never)),
    onRows: (rows) => rows.map((row) => ({ ...row, id: (row['id'] as string).toUpperCase() })),
  },
];

const order: fc.Arbitrary<Order> = fc.record({
  path: fc.constantFrom(...SORTABLE),
  descending: fc.boolean(),
  nulls: fc.constantFrom('first', 'last', undefined),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom(...filters),
  fc.nat({ max: 20 }).map((rowsMax) => ({
    name: `limit ${rowsMax}`,
    onFrame: (frame: Frame<Schema>) => frame.limit(rowsMax),
    onRows: (rows: readonly Plain[]) => rows.slice(0, rowsMax),
  })),
  fc.subarray(PATHS, { minLength: 1 }).map((paths) => ({
    name: `dropDuplicates ${paths.join()}`,
    onFrame: (frame: Frame<Schema>) => frame.dropDuplicates(...paths),
    onRows: (rows: readonly Plain[]) => firstOfEach(rows, paths),
  })),
  fc.constant({
    name: 'distinct',
    onFrame: (frame: Frame<Schema>) => frame.distinct(),
    onRows: (rows: readonly Plain[]) => firstOfEach(rows, PATHS),
  }),
  fc.array(order, { minLength: 1, maxLength: 3 }).map((orders) => ({
    name: `orderBy ${JSON.stringify(orders)}`,
    onFrame: (frame: Frame<Schema>) =>
      frame.orderBy(
        ...orders.map(({ path, descending, nulls }) =>
          (descending ? desc : asc)(path, nulls === undefined ? {} : { nulls }),
        ),
      ),
    onRows: (rows: readonly Plain[]) => inOrder(rows, orders),
  })),
);

test('operations one after the other do what they do to row objects, and change no frame', () => {
  fc.assert(
    fc.property(sales, fc.array(step, { maxLength: 5 }), (given, steps) => {
      let frame = Frame.fromRows<Schema>(SALES, given);
      let rows: readonly Plain[] = given as readonly object[] as readonly Plain[];
      const before: [Frame<Schema>, readonly Plain[]][] = [];
      for (const { onFrame, onRows } of steps) {
        before.push([frame, rows]);
        frame = onFrame(frame);
        rows = onRows(rows);
        same(frame, rows);
      }
      for (const [then, expected] of before) same(then, expected);
    }),
    { numRuns: 500 },
  );
});

const MEASURES = {
  rows: count(),
  amounts: count('amount'),
  total: sum('amount'),
  average: avg('amount'),
  quantities: sum('quantity'),
  meanQuantity: avg('quantity'),
  ratios: sum('ratio'),
  least: min('category'),
  most: max('category'),
  firstBig: first('big'),
  lastBig: last('big'),
} as const;

test('groups have the measures of their rows, in the order of their first rows', () => {
  const keys = fc.subarray(SORTABLE.filter((path) => path !== 'ratio'));
  fc.assert(
    fc.property(sales, keys, (rows, paths) => {
      const frame = Frame.fromRows<Schema>(SALES, rows).filter(lit(true));
      const groups = grouped(rows as readonly object[] as readonly Plain[], (row) => [paths.map((path) => valueAt(row, path))]); // prettier-ignore
      if (paths.length === 0 && rows.length === 0) groups.set('', { key: [], rows: [] });
      const expected = [...groups.values()].map((group) => ({
        ...Object.fromEntries(paths.map((path, index) => [path.split('.').at(-1), group.key[index]])),
        ...measuresOf(group.rows),
      }));
      const found = frame.groupBy(...paths).agg(MEASURES as never);
      assert.deepEqual(plain(found), plain(expected));
    }),
    { numRuns: 300 },
  );
});

test('windows hold the rows of their time', () => {
  const sizes = fc.constantFrom<[number, number]>([60, 60], [60, 20], [7, 7], [1440, 1440], [25, 10]);
  fc.assert(
    fc.property(sales, sizes, (rows, [size, slide]) => {
      const frame = Frame.fromRows(SALES, rows);
      const groups = grouped(rows as readonly object[] as readonly Plain[], (row) =>
        windowsAt(row['at'], size * 60_000, slide * 60_000).map((span) => [span, row['category']]),
      );
      const expected = [...groups.values()].map(({ key, rows: held }) => ({
        window: key[0],
        category: key[1],
        rows: BigInt(held.length),
      }));
      const found = frame
        .groupBy(({ at }) => ['category', window(at, `${size} minutes`, `${slide} minutes`)] as never)
        .agg({ rows: count() });
      assert.deepEqual(plain(found), plain(expected));
    }),
    { numRuns: 200 },
  );
});

test('days of windows begin at midnight by the clocks of the zone', () => {
  const rows = ['2025-03-29T23:30:00Z', '2025-03-30T21:59:59Z', '2025-03-30T22:00:00Z'].map((at) =>
    sale({ at }),
  );
  const frame = Frame.fromRows(SALES, rows, { zone: TimeZone.of('Europe/Berlin') });
  const days = frame.groupBy(({ at }) => [window(at, '1 day').alias('day')]).agg({ rows: count() });
  same(days, [
    { day: { start: '2025-03-29T23:00:00.000Z', end: '2025-03-30T22:00:00.000Z' }, rows: 2n },
    { day: { start: '2025-03-30T22:00:00.000Z', end: '2025-03-31T22:00:00.000Z' }, rows: 1n },
  ]);
  const hours = frame.groupBy(({ at }) => [toDate(at).alias('date'), hour(at).alias('hour')]).agg({ rows: count() }); // prettier-ignore
  same(hours, [
    { date: '2025-03-30', hour: 0, rows: 1n },
    { date: '2025-03-30', hour: 23, rows: 1n },
    { date: '2025-03-31', hour: 0, rows: 1n },
  ]);
});

test('sessions hold rows that come within their gap', () => {
  const rows = ['10:00:00', '10:04:00', '10:20:00', '10:08:00'].map((time) =>
    sale({ at: `2025-06-26T${time}.000Z` }),
  );
  const sessions = Frame.fromRows(SALES, rows)
    .groupBy(({ at }) => [sessionWindow(at, '5 minutes')])
    .agg({ rows: count(), total: sum('amount') });
  same(sessions, [
    {
      session_window: { start: '2025-06-26T10:00:00.000Z', end: '2025-06-26T10:13:00.000Z' },
      rows: 3n,
      total: '72.45',
    },
    {
      session_window: { start: '2025-06-26T10:20:00.000Z', end: '2025-06-26T10:25:00.000Z' },
      rows: 1n,
      total: '24.15',
    },
  ]);
});

test('a distinct count is near, and of nothing 0', () => {
  const rows = Array.from({ length: 2000 }, (_, number) => sale({ id: `id ${number % 500}` }));
  const [{ ids } = { ids: 0n }] = Frame.fromRows(SALES, rows).agg({ ids: approxCountDistinct('id') });
  assert.ok(ids > 440n && ids < 560n, String(ids));
  same(Frame.fromRows(SALES, []).agg({ ids: approxCountDistinct('id'), all: count(), most: max('id') }), [
    { ids: 0n, all: 0n, most: null },
  ]);
});

test('what is selected is there under its name, and computed where it is an expression', () => {
  const frame = Frame.fromRows(SALES, [SALE, sale({ amount: null, place: { country: null, city: null } })]);
  same(frame.select('place.city', 'id'), [
    { city: 'Berlin', id: 'a' },
    { city: null, id: 'a' },
  ]);
  same(frame.select('place', 'tags'), [
    { place: { country: 'DE', city: 'Berlin' }, tags: ['x', null] },
    { place: { country: null, city: null }, tags: ['x', null] },
  ]);
  const computed = frame.select(({ amount, quantity, place, tags }) => [
    amount.times(quantity).alias('total'),
    place.country.alias('country'),
    tags.alias('labels'),
    when(amount.gt(20), 'much').otherwise('little').alias('size'),
  ]);
  same(computed, [
    { total: '48.30', country: 'DE', labels: ['x', null], size: 'much' },
    { total: null, country: null, labels: ['x', null], size: 'little' },
  ]);
  assert.equal(leavesOf(frame.select('place.country').schema)[0]?.required, false);
  assert.equal(leavesOf(frame.select('id').schema)[0]?.required, true);
});

test('a computed column can be computed with, grouped by, ordered by and dropped', () => {
  const rows = ['a', 'bb', 'cc', 'd'].map((id, index) => sale({ id, quantity: index }));
  const frame = Frame.fromRows(SALES, rows)
    .withColumn('width', ({ id }) => length(id))
    .withColumn('shout', ({ id }) => upper(id));
  same(
    frame
      .groupBy('width')
      .agg({ last: last('shout'), sum: sum('quantity') })
      .orderBy(desc('width')),
    [
      { width: 2, last: 'CC', sum: 3n },
      { width: 1, last: 'D', sum: 3n },
    ],
  );
  same(frame.orderBy(({ quantity, width }) => [desc(width), desc(quantity.times(2))]).select('id'), [
    { id: 'cc' },
    { id: 'bb' },
    { id: 'd' },
    { id: 'a' },
  ]);
});

test('rows are not equal where only their texts run together', () => {
  const rows = [
    sale({ id: 'ab', place: { country: 'c', city: null } }),
    sale({ id: 'a', place: { country: 'bc', city: null } }),
    sale({ id: 'a', place: { country: 'bc', city: 'x' } }),
  ];
  same(Frame.fromRows(SALES, rows).dropDuplicates('id', 'place.country').select('id'), [
    { id: 'ab' },
    { id: 'a' },
  ]);
});

test('what is left of a limit is what comes first in order afterwards', () => {
  const rows = ['d', 'c', 'b', 'a'].map((id) => sale({ id }));
  const frame = Frame.fromRows(SALES, rows).orderBy(desc('id')).limit(2);
  same(frame.orderBy('id').select('id'), [{ id: 'c' }, { id: 'd' }]);
});

test('operations that keep all rows, and those that only choose, copy none', () => {
  const frame = Frame.fromRows(SALES, [SALE, sale({ id: 'b' })]);
  assert.equal(frame.filter(lit(true)), frame);
  assert.equal(frame.limit(2), frame);
  const parts = (of: object): { batch: ColumnBatch } => (of as { parts: { batch: ColumnBatch } }).parts;
  const { columns, space } = parts(frame).batch;
  const selected = parts(frame.select('id', 'place').orderBy('id').limit(1)).batch;
  assert.equal(selected.columns[0], columns[0]);
  assert.equal(selected.columns[2], columns[10]);
  assert.equal(selected.space, space);
});

test('a frame keeps the rows that its table had', () => {
  const table = new ColumnTable(schema([required('n', types.int(), '')]));
  for (let n = 0; n < 10; n += 1) table.appendCells([n]);
  const frame = new Frame(table);
  const odd = frame.filter(({ n }) => n.mod(2).eq(1)).withColumn('text', ({ n }) => n.cast('string'));
  for (let n = 10; n < 100; n += 1) table.appendCells([n]);
  assert.equal(frame.count(), 10);
  assert.deepEqual(odd.toRows().map(({ n, text }) => `${n}=${text ?? ''}`), ['1=1', '3=3', '5=5', '7=7', '9=9']); // prettier-ignore
});

test('lines of JSON decode to the rows again', () => {
  fc.assert(
    fc.property(sales, (rows) => {
      const frame = Frame.fromRows(SALES, rows);
      const decoder = createDecoder(SALES, { valueBytesMax: 1 << 20 });
      const batch = new ColumnBatch(SALES, 1);
      const decoded = Array.from(frame.toJson(), (line) => {
        const bytes = Buffer.from(line);
        batch.reset(bytes, 1);
        const problem = decoder.decode(batch, 0, bytes.length, 0);
        // The decoder takes no NUL in a text.
        assert.ok(problem === undefined || line.includes('\\u0000'), `${line} ${JSON.stringify(problem)}`);
        return problem === undefined ? rowOf(batch, 0) : undefined;
      });
      rows.forEach((row, index) => {
        if (decoded[index] !== undefined) same([decoded[index]], [row]);
      });
    }),
    { numRuns: 200 },
  );
});

test('a line of JSON has exact numbers, or texts, and no nulls', () => {
  const row = sale({ amount: '90071992547409.93', big: 9007199254740993n, category: null, place: { country: null, city: null } }); // prettier-ignore
  const frame = Frame.fromRows(SALES, [row]).select(
    'amount',
    'big',
    'category',
    'place',
    'tags',
    'prices',
    'at',
  );
  assert.deepEqual(
    [...frame.toJson()],
    [
      '{"amount":90071992547409.93,"big":9007199254740993,"tags":["x",null],"prices":[1.50],"at":"2025-06-26T14:11:33.000Z"}',
    ],
  );
  assert.deepEqual(
    [...frame.select('amount', 'big', 'prices').toJson({ numbers: 'text' })],
    ['{"amount":"90071992547409.93","big":"9007199254740993","prices":["1.50"]}'],
  );
});

test('show prints what Spark prints', () => {
  const rows = [
    SALE,
    sale({ id: 'a long name that is cut off', amount: null, ratio: 12_345_678, tags: null, place: { country: null, city: null } }), // prettier-ignore
    sale({ id: '\u001b[31mred', ratio: 3 }),
  ];
  const frame = Frame.fromRows(SALES, rows).select('id', 'amount', 'ratio', 'at', 'place', 'tags', 'isNew');
  let printed = '';
  frame.show(2, true, { write: (text) => (printed += text) });
  assert.equal(
    printed,
    `+--------------------+------+-----------+-------------------+------------+---------+-----+
|                  id|amount|      ratio|                 at|       place|     tags|isNew|
+--------------------+------+-----------+-------------------+------------+---------+-----+
|                   a| 24.15|        0.5|2025-06-26 14:11:33|{DE, Berlin}|[x, NULL]| true|
|a long name that ...|  NULL|1.2345678E7|2025-06-26 14:11:33|        NULL|     NULL| true|
+--------------------+------+-----------+-------------------+------------+---------+-----+
only showing top 2 rows

`,
  );
  assert.equal(
    frame.select('id', 'ratio').showString(20, false),
    `+---------------------------+-----------+
|id                         |ratio      |
+---------------------------+-----------+
|a                          |0.5        |
|a long name that is cut off|1.2345678E7|
|\\u{1b}[31mred              |3.0        |
+---------------------------+-----------+
`,
  );
  assert.match(frame.select('id').showString(1, 6), /^\|\s+a\|\n.*\nonly showing top 1 row\n$/m);
});

test('a struct that is always there is shown as one, whatever it holds', () => {
  const span = types.struct([optional('from', types.int(), ''), optional('to', types.int(), '')]);
  const held = schema([required('held', span, '')]);
  const frame = Frame.fromRows(held, [{ held: { from: null, to: null } }]);
  assert.match(frame.showString(), /\{NULL, NULL\}/);
});

test('instants are shown by the clocks of the zone, with what a second has behind it', () => {
  const rows = [sale({ at: '2025-06-26T22:30:00.250Z' }), sale({ at: '1969-12-31T23:59:59.999999Z' })];
  const frame = Frame.fromRows(SALES, rows, { zone: TimeZone.of('Europe/Berlin') }).select('at');
  assert.deepEqual(frame.showString(20, false).match(/\d{4}-.*(?=\|)/g), [
    '2025-06-27 00:30:00.25    ',
    '1970-01-01 00:59:59.999999',
  ]);
});

const one = Frame.fromRows<Schema>(SALES, [SALE]);

const refused: [string, () => unknown, RegExp][] = [
  ['a column that there is not', () => one.select('nope'), /select: there is no column "nope". The columns are id, category/],
  ['a name twice', () => one.select('id', 'id'), /select: two fields are named "id"/],
  ['two fields of one name', () => one.select(({ id, category }) => [id!, category!.alias('id')]), /two fields are named "id"/],
  ['a name with a dot', () => one.withColumn('a.b', lit(1)), /withColumn\('a\.b'\): "a\.b" cannot name a field/],
  ['a number as a condition', () => one.filter(col('quantity').plus(1)), /filter needs a condition, but this expression is int/],
  ['an expression over nothing', () => one.filter(col('nope').gt(1)), /nope/],
  ['order by an array', () => one.orderBy('tags'), /orderBy: the column is of type array, which cannot be ordered/],
  ['order by a struct', () => one.orderBy(col('place') as never), /orderBy: place is of type struct, which cannot be ordered/],
  ['a sum over text', () => one.agg({ a: sum('id') as never }), /agg\(\{ a: sum\(…\) \}\): sum needs a number, but the column is string/],
  ['a measure of no column', () => one.agg({ a: max('nope') }), /agg\(\{ a: max\(…\) \}\): there is no column "nope"/],
  ['a key that there is not', () => one.groupBy('nope'), /groupBy: there is no column "nope"/],
  ['a key that is an array', () => one.groupBy('tags').agg({ a: count() }), /groupBy: tags is array, which cannot be a key/],
  ['a key and a measure of one name', () => one.groupBy('id').agg({ id: count() }), /agg: two fields are named "id"/],
  ['two windows', () => one.groupBy(({ at }) => [window(at as never, '1 hour').alias('a'), window(at as never, '1 day').alias('b')]), /at most one window/],
  ['half a row', () => one.limit(0.5), /limit\(0\.5\)/],
  ['a width below 0', () => one.showString(1, -1), /show\(-1\)/],
  ['a row that is none of the schema', () => Frame.fromRows(SALES, [sale({ amount: '1.234' })]), /fromRows: in row 0, amount: "1\.234" is not a valid decimal\(28,2\)/],
]; // prettier-ignore

for (const [what, act, message] of refused) {
  test(`refuses ${what} in words`, () => {
    assert.throws(act, { name: 'TallystreamError', code: 'USAGE', message });
  });
}

test('a sum of whole numbers that needs more than 64 bits is an error', () => {
  const frame = Frame.fromRows(SALES, [sale({ big: 2n ** 63n - 1n }), sale({ big: 1n })]);
  assert.throws(() => frame.agg({ sum: sum('big') }), {
    code: 'SUM_OVERFLOW',
    message: /sum, the sum of big: .* does not fit 64 bits/,
  });
  same(frame.withColumn('wide', ({ big }) => big.cast('decimal(20,0)')).agg({ sum: sum('wide') }), [
    { sum: '9223372036854775808' },
  ]);
});

test('a row that an expression has no value for ends the operation', () => {
  const frame = Frame.fromRows(SALES, [sale({ quantity: 0 })]);
  assert.throws(() => frame.withColumn('x', ({ amount, quantity }) => amount.dividedBy(quantity)), {
    code: 'EXPRESSION_FAILED',
  });
});

test('names of columns can be listed', () => {
  const frame = Frame.fromRows(schema([optional('a', types.int(), ''), optional('b', types.int(), '')]), []);
  assert.deepEqual(Object.keys(frame.columns), ['a', 'b']);
});
