/** Expressions that Spark was asked about: by hand where something is known to be odd, by chance for decimals. */
import fc from 'fast-check';
import type { Expr } from '../../../../src/plan/expression/expr.ts';
import { columnsOf } from '../../../../src/plan/expression/columns-of.ts';
import {
  arrayContains,
  coalesce,
  col,
  concat,
  day,
  decimal,
  hour,
  length,
  lit,
  lower,
  month,
  size,
  substring,
  toDate,
  trim,
  upper,
  when,
  year,
} from '../../../../src/plan/expression/functions.ts';
import { types } from '../../../../src/columns/schema/schema.ts';
import { SCHEMA } from './rows.ts';

const { s, w, b, c, i, j, l, d, p, r, q, z, t, day: date, place, tags, counts, prices } = columnsOf(SCHEMA);

const arithmetic: readonly Expr[] = [
  i.plus(1),
  i.plus(j),
  i.minus(j),
  i.times(j),
  i.dividedBy(j),
  i.mod(j),
  i.negate(),
  i.plus(l),
  l.plus(1),
  l.minus(1n),
  l.times(3),
  l.mod(10),
  l.mod(j),
  l.negate(),
  l.dividedBy(4),
  d.plus(1),
  d.minus(i),
  d.times(l),
  d.dividedBy(3),
  d.dividedBy(i),
  d.mod(2),
  d.negate(),
  p.plus(p),
  p.plus('0.005'),
  p.minus(1),
  p.minus(i),
  p.times(r),
  p.times(i),
  p.times(l),
  p.times('1.19'),
  p.times(-3),
  p.dividedBy(r),
  p.dividedBy(3),
  p.dividedBy(j),
  p.mod(r),
  p.mod(7),
  p.negate(),
  r.minus(p),
  r.dividedBy(q),
  q.plus(p),
  q.plus(q),
  q.times(q),
  q.times(p),
  q.times(r),
  q.dividedBy(p),
  q.dividedBy(q),
  q.mod(r),
  q.negate(),
  q.minus(z),
  z.plus(1),
  z.minus('0.5'),
  z.times(10),
  z.dividedBy(3),
  z.dividedBy(q),
  z.mod(q),
  z.times('0.1'),
  z.negate(),
  i.times('0.5'),
  l.times('0.000001'),
  i.dividedBy('3.0'),
  p.times(q).plus(1).minus(r),
  p.plus(i.times(r)).dividedBy(j.plus(2)),
];

const comparisons: readonly Expr[] = [
  i.eq(3),
  i.ne(j),
  i.lt(l),
  i.gt('2.5'),
  i.eq('3.00'),
  i.le(p),
  l.ge(j),
  l.eq(9_007_199_254_740_993n),
  l.lt(d),
  l.eq(d),
  d.gt(i),
  d.eq(0.5),
  p.eq('12.50'),
  p.ge('100.500'),
  p.lt(13),
  p.ne(r),
  p.gt(q),
  q.eq(z),
  q.gt(z),
  z.le(q),
  p.eq(l),
  p.eqNullSafe(r),
  i.eqNullSafe(j),
  s.eq('abc'),
  s.ne('abc'),
  s.lt(w),
  s.ge(w),
  w.eq('Books'),
  w.lt('\u{ffff}'),
  w.eq(''),
  w.gt('\u{10000}'),
  s.eqNullSafe(w),
  b.eq(c),
  b.lt(c),
  b.eqNullSafe(c),
  b.eq(true),
  t.lt('2025-06-26T23:02:03.121Z'),
  t.eq('2025-06-27T01:02:03.12+02:00'),
  date.ge('2025-01-01'),
  date.eq(toDate(t)),
  place.country.eq('DE'),
  i.isIn(3, 0, -7),
  i.isIn(3, j),
  i.isIn('2.50', '3'),
  s.isIn('abc', '', '😀'),
  w.isIn('Books', s),
  p.isIn('12.5', 0, r),
  q.isIn(p, z),
  col('i').isIn(3, null),
  date.isIn('2025-06-26', '0001-01-01'),
  i.between(0, 5),
  p.between('-1', q),
];

const logic: readonly Expr[] = [
  b.and(c),
  b.or(c),
  b.not(),
  b.and(true),
  c.or(false),
  b.and(c).or(b.not()),
  col('b').and(null),
  col('b').or(null),
  i.ne(0).and(j.dividedBy(i).gt(lit(1).cast('double'))),
  i.isNull(),
  s.isNull(),
  w.isNotNull(),
  tags.isNull(),
  p.plus(r).isNull(),
  coalesce(i, j),
  coalesce(i, l),
  coalesce(p, r),
  coalesce(p, 0),
  coalesce(r, 0),
  coalesce(r, '0.0001'),
  coalesce(q, z),
  coalesce(i, d),
  coalesce(place.country, w, 'none'),
  coalesce(date, '2000-01-01'),
  coalesce(col('b'), false),
  when(i.gt(0), 'more').when(i.lt(0), 'less').otherwise('none'),
  when(b, i).otherwise(l),
  when(b, p),
  when(b, p).otherwise(null),
  when(c, p).when(b, r).otherwise('0.00001'),
  when(j.ne(0), i.dividedBy(j)).otherwise(lit(0).cast('double')),
  when(b, lit(null)).otherwise(s as never),
];

const texts: readonly Expr[] = [
  s.upper(),
  s.lower(),
  w.upper(),
  w.lower(),
  upper(concat(s, 'ß')),
  upper('istanbul'),
  lower('ISTANBUL'),
  lower(concat('ΑΣ', w)),
  trim(s),
  trim('  \t a \n '),
  s.length(),
  length(w),
  length(place.country),
  s.substr(1, 2),
  s.substr(0, 2),
  s.substr(2, 1),
  s.substr(-2, 1),
  s.substr(-5, 3),
  s.substr(3, -1),
  s.substr(2, 2_147_483_647),
  s.substr(-1, 2_147_483_647),
  substring(s, i, j),
  concat(s, '-', w),
  concat('it\'s \\ " \n 😀', s),
  trim(s).eq('12'),
];

const dates: readonly Expr[] = [
  toDate(t),
  toDate(t, 'Europe/Berlin'),
  toDate(t, 'America/New_York'),
  toDate(date),
  year(t),
  month(t, 'Europe/Berlin'),
  day(t, 'Asia/Kathmandu'),
  hour(t),
  hour(t, 'Europe/Berlin'),
  hour(t, 'America/St_Johns'),
  year(date),
  month(date),
  day(date),
];

const arrays: readonly Expr[] = [
  size(tags),
  size(counts),
  arrayContains(tags, 'a'),
  arrayContains(tags, w),
  arrayContains(counts, 5),
  arrayContains(counts, i),
  arrayContains(counts, when(i.ne(0), i)),
  arrayContains(prices, '2.25'),
  arrayContains(prices, r.cast('decimal(5,2)')),
];

const casts: readonly Expr[] = [
  i.cast('long'),
  i.cast('double'),
  i.cast('string'),
  i.cast('decimal(3,1)'),
  l.cast('int'),
  l.cast('double'),
  l.cast('string'),
  l.cast('decimal(18,0)'),
  p.cast('decimal(10,1)'),
  p.cast('decimal(38,20)'),
  p.cast('int'),
  p.cast('long'),
  p.cast('double'),
  p.cast('string'),
  q.cast('int'),
  q.cast('long'),
  q.cast('double'),
  q.cast('string'),
  q.cast('decimal(20,0)'),
  z.cast('double'),
  r.cast('decimal(4,2)'),
  d.cast('int'),
  d.cast('long'),
  b.cast('string'),
  t.cast('date'),
  t.cast('string'),
  date.cast('string'),
  s.cast('int'),
  s.cast('long'),
  s.cast('decimal(10,2)'),
  s.cast('decimal(3,0)'),
  s.cast('date'),
  ...['1', ' +1\n', '-0', '+', '1.', '1.0', '007', '9223372036854775808', '\u00a01', '1 2'].map((text) =>
    lit(text).cast('long'),
  ),
  ...[
    '1.005',
    '.5',
    '5.',
    '-.5e1',
    '1e-40',
    '9e40',
    '0e40',
    '1E+2',
    '1e',
    '1_0',
    '99.995',
    '-99.995',
    ' 7 ',
  ].map((text) => lit(text).cast('decimal(5,2)')),
  ...[
    '2025',
    '2025-1',
    '2025-01-32',
    '2025-02-29',
    ' 2024-02-29 ',
    '2025-01-02T',
    '2025-01-02 x',
    '2025-',
    '25-01-01',
    '2025-001-01',
    '+2025-01-01',
    '2025-01-02x',
  ].map((text) => lit(text).cast('date')),
  lit(9_223_372_036_854_775_807n).cast('double'),
  lit(9_223_372_036_854_775_807n).cast('double').cast('long'),
  lit('-12').cast('long'),
  lit('0.009').cast('decimal(5,2)'),
  lit('-0.005').cast('decimal(5,2)'),
  lit('0.0049').cast('decimal(5,2)'),
  lit('x').cast('string'),
  lit(null).cast('int').plus(1),
  lit(-2_147_483_648).plus(0),
  lit(-9_223_372_036_854_775_808n).plus(0n),
  decimal('-0.05').plus('00.10'),
];

/** Decimals of every shape against one another, with the values that rounding and overflow hang on. */
const decimalText = (precision: number, scale: number): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.boolean(),
      fc.oneof(
        fc.bigInt(0n, 10n ** BigInt(precision) - 1n),
        fc.bigInt(0n, 20n),
        fc.constantFrom(10n ** BigInt(precision) - 1n, 5n * 10n ** BigInt(precision - 1), 1n),
      ),
    )
    .map(([negative, digits]) => {
      const text = digits.toString().padStart(scale + 1, '0');
      const value = scale === 0 ? text : `${text.slice(0, -scale)}.${text.slice(-scale)}`;
      return (negative ? '-' : '') + value;
    });

const typedDecimal = fc
  .tuple(fc.integer({ min: 1, max: 38 }), fc.integer({ min: 0, max: 38 }))
  .filter(([precision, scale]) => scale <= precision)
  .chain(([precision, scale]) =>
    decimalText(precision, scale).map((text) => lit(text).cast(types.decimal(precision, scale))),
  );

const operations = ['plus', 'minus', 'times', 'dividedBy', 'mod', 'eq', 'lt', 'ge'] as const;

const chance: readonly Expr[] = fc
  .sample(fc.tuple(typedDecimal, fc.constantFrom(...operations), typedDecimal), {
    numRuns: 400,
    seed: 20_250_626,
  })
  .map(([a, operation, other]) => a[operation](other));

/** Where a product or quotient that was rounded to 38 or 39 digits before would be another one. */
const roundedOnce: readonly Expr[] = [
  decimal('15738363217920497888563986882149.260291').times('1.5859'),
  decimal('14621027733827545146117810892356.397360').times('1.7036'),
  decimal('1046874285554023511836540871391.735061').times('6.5156'),
  ...[
    [6, 11],
    [7, 17],
    [5, 101],
  ].map(([a, b]) =>
    lit(String(a))
      .cast('decimal(1,0)')
      .dividedBy(lit(String(b)).cast('decimal(36,0)')),
  ),
];

const chanceAlone: readonly Expr[] = fc
  .sample(fc.tuple(typedDecimal, typedDecimal), { numRuns: 120, seed: 20_250_627 })
  .flatMap(([a, b], index) =>
    [a.negate(), a.cast('double'), a.cast(types.decimal(12, 3)), a.isIn(b, 0), coalesce(a, b)].slice(
      index % 5,
      (index % 5) + 1,
    ),
  );

/** Over the rows of `rows.ts`. */
export const OVER_ROWS: readonly Expr[] = [
  ...arithmetic,
  ...comparisons,
  ...logic,
  ...texts,
  ...dates,
  ...arrays,
  ...casts,
];

/** Without columns: one answer each. */
export const ALONE: readonly Expr[] = [...chance, ...chanceAlone, ...roundedOnce];
