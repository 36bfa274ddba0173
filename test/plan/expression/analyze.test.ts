import assert from 'node:assert/strict';
import { test } from 'node:test';
import { optional, schema, types } from '../../../src/columns/schema/schema.ts';
import { TallystreamError } from '../../../src/errors.ts';
import { columnTypeOf, typeOf } from '../../../src/plan/expression/analyze.ts';
import type { AnyExpr, Expr } from '../../../src/plan/expression/expr.ts';
import type { Expression } from '../../../src/plan/expression/node.ts';
import {
  arrayContains,
  coalesce,
  col,
  concat,
  hour,
  length,
  lit,
  substring,
  toDate,
  upper,
  when,
} from '../../../src/plan/expression/functions.ts';
import { typeText } from '../../../src/plan/expression/value-type.ts';
import { window } from '../../../src/plan/window.ts';

const SCHEMA = schema([
  optional('text', types.string({ dictionary: true }), ''),
  optional('flag', types.boolean(), ''),
  optional('quantity', types.int(), ''),
  optional('views', types.long(), ''),
  optional('weight', types.double(), ''),
  optional('total', types.decimal(18, 2), ''),
  optional('wide', types.decimal(38, 10), ''),
  optional('at', types.timestamp(), ''),
  optional('due', types.date(), ''),
  optional('place', types.struct([optional('country', types.string(), '')]), ''),
  optional('tags', types.array(types.string()), ''),
]);

const typed = (expression: Expr): string => typeText(typeOf(expression, SCHEMA));

test('decimals get the type that Spark gives them', () => {
  const { total, wide, quantity, views } = Object.fromEntries(
    ['total', 'wide', 'quantity', 'views'].map((name) => [name, col(name)]),
  ) as Record<'total' | 'wide' | 'quantity' | 'views', AnyExpr>;
  assert.equal(typed(total.plus(total)), 'decimal(19,2)');
  assert.equal(typed(total.plus(1)), 'decimal(19,2)');
  assert.equal(typed(total.plus(quantity)), 'decimal(19,2)');
  assert.equal(typed(total.plus(views)), 'decimal(23,2)');
  assert.equal(typed(total.times(total)), 'decimal(37,4)');
  assert.equal(typed(total.times(3)), 'decimal(20,2)');
  assert.equal(typed(total.times('1.19')), 'decimal(22,4)');
  assert.equal(typed(total.dividedBy(3)), 'decimal(22,6)');
  assert.equal(typed(total.dividedBy(total)), 'decimal(38,20)');
  assert.equal(typed(total.mod('0.5')), 'decimal(2,2)');
  assert.equal(typed(wide.plus(wide)), 'decimal(38,9)');
  assert.equal(typed(wide.times(wide)), 'decimal(38,6)');
  assert.equal(typed(total.negate()), 'decimal(18,2)');
  assert.equal(typed(coalesce(total, wide)), 'decimal(38,10)');
  assert.equal(typed(coalesce(total.cast('decimal(5,2)'), 0)), 'decimal(12,2)');
});

test('other types meet as they do in Spark', () => {
  assert.equal(typed(col('quantity').plus(1)), 'int');
  assert.equal(typed(col('quantity').plus(2 ** 40)), 'bigint');
  assert.equal(typed(col('quantity').dividedBy(2)), 'double');
  assert.equal(typed(col('views').plus(col('weight'))), 'double');
  assert.equal(typed(col('quantity').plus('0.5')), 'decimal(12,1)');
  assert.equal(typed(when(col('flag'), col('quantity')).otherwise(col('views'))), 'bigint');
  assert.equal(typed(coalesce(lit(null), col('text'), 'none')), 'string');
  assert.equal(typed(col('place')), 'struct<country:string>');
  assert.equal(typed(col('tags')), 'array<string>');
  assert.equal(typed(window(col('at'), '1 hour').alias('w')), 'struct<start:timestamp,end:timestamp>');
  assert.equal(typed(lit(null)), 'void');
});

/** A wrong expression, and what the error has to say: where, which part, why, and how to fix it. */
const mistakes: readonly (readonly [string, () => Expr, RegExp])[] = [
  [
    'a missing column',
    () => col('totl').plus(1),
    /^filter: totl, a part of totl \+ 1, is not a column\. The columns are text, flag.*place\.country/,
  ],
  ['a sum with text', () => col('text').plus(1), /text \+ 1 calculates with string.*[Cc]ast/],
  [
    'a sum of instants',
    () => col('at').plus(col('at')),
    /calculates with timestamp.*Arithmetic with dates is not supported/,
  ],
  [
    'a number with words',
    () => col('quantity').eq('three'),
    /quantity = 'three' combines text with int.*plain number such as 12/,
  ],
  [
    'an amount with words',
    () => col('total').gt('1,50'),
    /with decimal\(18,2\).*plain decimal such as 12\.50/,
  ],
  [
    'an amount with a float',
    () => col('total').gt(1.5),
    /combines the float 1\.5 with decimal\(18,2\).*never converted to a float.*'1\.5'/,
  ],
  ['a count with a float', () => col('quantity').times(0.5), /the float 0\.5 with int/],
  ['an amount among floats', () => col('total').isIn('1', 2.5), /the float 2\.5/],
  ['an amount or a float', () => coalesce(col('total'), 0.1), /the float 0\.1/],
  [
    'an amount with a double',
    () => col('total').plus(col('weight')),
    /combines decimal\(18,2\) with double.*cast\('double'\)/,
  ],
  [
    'an amount compared with a double',
    () => col('weight').lt(col('total')),
    /combines.*declare the field as decimal/,
  ],
  [
    'a double as an amount',
    () => col('weight').cast('decimal(18,2)'),
    /no cast from double to decimal\(18,2\).*read exactly/,
  ],
  ['text with a number', () => col('text').eq(3), /combines string with int/],
  ['truth with a number', () => col('flag').eq(1), /combines boolean with int/],
  ['a day with an instant', () => col('due').lt(col('at')), /combines date with timestamp/],
  [
    'an instant without a zone',
    () => col('at').lt('2025-06-26T14:00:00'),
    /with timestamp.*an instant with its zone/,
  ],
  ['no such day', () => col('due').eq('2025-02-29'), /with date.*a date such as/],
  ['a condition of text', () => col('flag').and(col('text')), /needs a condition, but got string/],
  ['not a number', () => col('quantity').not(), /needs a condition, but got int/],
  ['a condition in a case', () => when(col('text') as never, 1), /needs a condition/],
  [
    'mixed branches',
    () => when(col('flag'), 'a').otherwise(1 as never),
    /combines string with int|text with int/,
  ],
  ['branches of nothing', () => when(col('flag'), null), /all its values are null.*lit\(null\)\.cast/],
  ['nothing with nothing', () => lit(null).eq(null), /compares only null with null/],
  ['nothing and nothing', () => lit(null).plus(null), /both sides are null/],
  ['capitals of a number', () => upper(col('quantity')), /needs text, but got int/],
  ['joining a number', () => concat('a', col('quantity')), /needs text/],
  ['the length of a number', () => length(col('total')), /needs text/],
  ['a position that is none', () => substring(col('text'), 1.5, 2), /whole numbers for position/],
  [
    'the day of text',
    () => toDate(col('text')),
    /toDate\(text\) needs a timestamp or a date, but got string/,
  ],
  ['the hour of a day', () => hour(col('due')), /hour\(due\) needs a timestamp, but got date/],
  ['an unknown zone', () => toDate(col('at'), 'Mars/Olympus'), /zone "Mars\/Olympus", which is not known/],
  [
    'a cast that there is not',
    () => col('at').cast('int'),
    /no cast from timestamp to int.*can become date, string/,
  ],
  ['a comparison of structs', () => col('place').eq('DE'), /compares struct|with struct/],
  ['a null struct', () => col('place').isNull(), /needs a field with a single value/],
  ['a comparison of arrays', () => col('tags').eq(col('tags')), /compares array<string>.*field/],
  ['a list of another type', () => arrayContains(col('tags'), 3), /combines array|combines string with int/],
  ['no list', () => arrayContains(col('text'), 'a'), /needs an array/],
  ['an array or another', () => coalesce(col('tags'), col('tags')), /takes single values/],
  [
    'a window inside',
    () => coalesce(window(col('at'), '1 hour'), col('place')),
    /is inside another expression/,
  ],
  ['a window over text', () => window(col('text'), '1 hour'), /needs a timestamp/],
  ['nothing to be in', () => col('text').isIn(), /has no values/],
];

for (const [what, build, message] of mistakes) {
  test(`refuses ${what}, and says why`, () => {
    assert.throws(
      () => typeOf(build(), SCHEMA, 'filter'),
      (error: unknown) => {
        assert.ok(error instanceof TallystreamError && error.code === 'USAGE', String(error));
        assert.match(error.message, message);
        assert.match(error.message, /^filter: /);
        assert.ok((error.hint ?? '').length > 5);
        return true;
      },
    );
  });
}

test('refuses data that is no expression of this version', () => {
  const odd: unknown[] = [
    { kind: 'lambda' },
    { kind: 'call', name: 'eval', args: [{ kind: 'column', path: 'text' }] },
    {
      kind: 'call',
      name: 'constructor',
      args: [
        { kind: 'column', path: 'text' },
        { kind: 'column', path: 'text' },
      ],
    },
    { kind: 'call', name: 'plus', args: [{ kind: 'column', path: 'quantity' }] },
    { kind: 'cast', to: { kind: 'decimal', precision: 39, scale: 2 }, of: { kind: 'column', path: 'total' } },
  ];
  for (const node of odd)
    assert.throws(
      () => typeOf(node as Expression, SCHEMA),
      (error: unknown) => error instanceof TallystreamError && error.code === 'USAGE',
      JSON.stringify(node),
    );
});

test('a column can be made of every single value, and of nothing else', () => {
  assert.deepEqual(columnTypeOf(col('text'), SCHEMA, 'withColumn'), types.string());
  assert.deepEqual(columnTypeOf(col('total').times(2), SCHEMA, 'withColumn'), types.decimal(20, 2));
  assert.deepEqual(columnTypeOf(col('views').alias('v'), SCHEMA, 'withColumn'), types.long());
  for (const expression of [col('place'), col('tags'), lit(null)])
    assert.throws(
      () => columnTypeOf(expression, SCHEMA, 'withColumn x'),
      /^TallystreamError: withColumn x: .*not a single value/,
    );
});
