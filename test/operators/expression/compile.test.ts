import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ColumnBatch } from '../../../src/columns/column-chunk.ts';
import { formatScaled } from '../../../src/columns/values/decimal.ts';
import { createDecoder } from '../../../src/columns/decode/decoder.ts';
import { optional, schema, types, type Schema } from '../../../src/columns/schema/schema.ts';
import { TimeZone } from '../../../src/columns/values/timezone.ts';
import { TallystreamError } from '../../../src/errors.ts';
import { compileExpression, type Evaluator } from '../../../src/operators/expression/compile.ts';
import { typeOf } from '../../../src/plan/expression/analyze.ts';
import type { Expr } from '../../../src/plan/expression/expr.ts';
import {
  arrayContains,
  col,
  concat,
  hour,
  lit,
  toDate,
  when,
} from '../../../src/plan/expression/functions.ts';
import { window } from '../../../src/plan/window.ts';

// Most of what functions give is compared with Spark's answers, in spark.test.ts.

const UTC = TimeZone.of('UTC');

function decode(
  ofSchema: Schema,
  rows: readonly string[],
  batch = new ColumnBatch(ofSchema, 1),
): ColumnBatch {
  const events = rows.map((row) => new TextEncoder().encode(row));
  batch.reset(new Uint8Array(Buffer.concat(events)), rows.length);
  const decoder = createDecoder(ofSchema, { valueBytesMax: 100_000 });
  let start = 0;
  events.forEach((event, row) => {
    assert.equal(decoder.decode(batch, start, start + event.length, row), undefined);
    start += event.length;
  });
  return batch;
}

/** A value as text, so that numbers and bigints of one value are alike. */
function shown(evaluator: Evaluator, row = 0): string | boolean | undefined {
  const value = evaluator.at(row);
  if (value === undefined || typeof value === 'boolean' || typeof value === 'string') return value;
  if (evaluator.kind === 'decimal' || evaluator.kind === 'long')
    return formatScaled(value as number | bigint, evaluator.scale);
  return `${value as number}`;
}

function isFailure(error: unknown): boolean {
  return error instanceof TallystreamError && error.code === 'EXPRESSION_FAILED';
}

/** Two decimals of any type with values of it, and what they stand for. */
const decimalPair = fc
  .tuple(fc.integer({ min: 1, max: 38 }), fc.nat(38), fc.integer({ min: 1, max: 38 }), fc.nat(38))
  .filter(([p1, s1, p2, s2]) => s1 <= p1 && s2 <= p2)
  .chain(([p1, s1, p2, s2]) =>
    fc.record({
      types: fc.constant([types.decimal(p1, s1), types.decimal(p2, s2)] as const),
      a: digits(p1),
      b: digits(p2),
    }),
  );

function digits(precision: number): fc.Arbitrary<bigint> {
  const limit = 10n ** BigInt(precision) - 1n;
  const small = 10n ** BigInt(Math.min(precision, 4)) - 1n;
  return fc.oneof(fc.bigInt(-limit, limit), fc.bigInt(-small, small), fc.constantFrom(limit, -limit, 0n, 1n));
}

/** `numerator / denominator` times 10^scale, half away from zero: the oracle's only arithmetic. */
function rounded(numerator: bigint, denominator: bigint, scale: number): bigint {
  const twice = (2n * numerator * 10n ** BigInt(scale)) / denominator;
  return twice >= 0n ? (twice + 1n) / 2n : (twice - 1n) / 2n;
}

test('what is calculated with decimals is exact, or rounded once, or an error', () => {
  let overflows = 0;
  const property = fc.property(
    decimalPair,
    fc.constantFrom('plus', 'minus', 'times', 'dividedBy', 'mod'),
    ({ types: [left, right], a, b }, name) => {
      const ofSchema = schema([optional('a', left, ''), optional('b', right, '')]);
      const [textA, textB] = [formatScaled(a, left.scale), formatScaled(b, right.scale)];
      const batch = decode(ofSchema, [`{"a":${textA},"b":${textB}}`]);
      const expression = col('a')[name](col('b'));
      const type = typeOf(expression, ofSchema);
      assert.ok(type.kind === 'decimal');
      const evaluator = compileExpression(expression, batch, UTC);
      if ((name === 'mod' || name === 'dividedBy') && b === 0n)
        return assert.throws(() => evaluator.at(0), isFailure);
      const [unitA, unitB] = [10n ** BigInt(left.scale), 10n ** BigInt(right.scale)];
      const exact = {
        plus: a * unitB + b * unitA,
        minus: a * unitB - b * unitA,
        times: a * b,
        dividedBy: a * unitB,
        mod: b === 0n ? 0n : (a * unitB) % (b * unitA),
      }[name];
      const expected = rounded(exact, name === 'dividedBy' ? b * unitA : unitA * unitB, type.scale);
      if (expected >= 10n ** BigInt(type.precision) || -expected >= 10n ** BigInt(type.precision)) {
        overflows += 1;
        return assert.throws(() => evaluator.at(0), isFailure);
      }
      assert.equal(shown(evaluator), formatScaled(expected, type.scale));
    },
  );
  fc.assert(property, { numRuns: 3000 });
  assert.ok(overflows > 0, 'no sum was too large');
});

test('decimals of any two scales are compared exactly', () => {
  const property = fc.property(decimalPair, ({ types: [left, right], a, b }) => {
    const whole = Math.max(left.precision - left.scale, right.precision - right.scale);
    fc.pre(whole + Math.max(left.scale, right.scale) <= 38);
    const ofSchema = schema([optional('a', left, ''), optional('b', right, '')]);
    const [textA, textB] = [formatScaled(a, left.scale), formatScaled(b, right.scale)];
    const batch = decode(ofSchema, [`{"a":${textA},"b":${textB}}`]);
    const difference = a * 10n ** BigInt(right.scale) - b * 10n ** BigInt(left.scale);
    const holds = (expression: Expr): unknown => compileExpression(expression, batch, UTC).at(0);
    assert.equal(holds(col('a').lt(col('b'))), difference < 0n);
    assert.equal(holds(col('a').eq(col('b'))), difference === 0n);
    assert.equal(holds(col('a').ge(textB)), difference >= 0n);
    assert.equal(holds(col('a').isIn('0', textB)), a === 0n || difference === 0n);
  });
  fc.assert(property, { numRuns: 1000 });
});

test('whole numbers are exact up to their limits, and an error beyond', () => {
  const ofSchema = schema([optional('a', types.long(), ''), optional('b', types.long(), '')]);
  const near = fc.constantFrom(0n, 2n ** 31n, 2n ** 53n, 2n ** 62n, 2n ** 63n - 5n, -(2n ** 63n) + 4n);
  const long = fc.oneof(
    fc.tuple(near, fc.bigInt(-4n, 4n)).map(([base, offset]) => base + offset),
    fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  );
  const property = fc.property(long, long, fc.constantFrom('plus', 'minus', 'times'), (a, b, name) => {
    const evaluator = compileExpression(
      col('a')[name](col('b')),
      decode(ofSchema, [`{"a":${a},"b":${b}}`]),
      UTC,
    );
    const expected = { plus: a + b, minus: a - b, times: a * b }[name];
    if (BigInt.asIntN(64, expected) === expected) assert.equal(shown(evaluator), expected.toString());
    else assert.throws(() => evaluator.at(0), isFailure);
  });
  fc.assert(property, { numRuns: 1000 });
});

const TEXTS = schema([
  optional('s', types.string(), ''),
  optional('w', types.string({ dictionary: true }), ''),
  optional('list', types.array(types.string(), { containsNull: true }), ''),
]);

const anyText = fc.string({
  unit: fc.constantFrom('a', 'B', ' ', 'é', 'ß', '\u{ffff}', '\u{e000}', '😀', '\u{10000}', '"', '\n'),
  maxLength: 6,
});

test('text is cut, measured and ordered by code points', () => {
  const property = fc.property(
    anyText,
    anyText,
    fc.integer({ min: -8, max: 8 }),
    fc.integer({ min: -2, max: 8 }),
    (s, w, at, count) => {
      const batch = decode(TEXTS, [JSON.stringify({ s, w, list: [w, null] })]);
      const value = (expression: Expr): unknown => compileExpression(expression, batch, UTC).at(0);
      const characters = Array.from(s);
      const first = at > 0 ? at - 1 : at < 0 ? characters.length + at : 0;
      const cut = characters.filter((_, index) => index >= first && index < first + count).join('');
      assert.equal(value(col('s').substr(at, count)), cut);
      assert.equal(value(col('s').length()), characters.length);
      assert.equal(value(col('s').trim()), s.replace(/^ +| +$/g, ''));
      assert.equal(value(concat(col('s'), '-', col('w'))), `${s}-${w}`);
      const order = Buffer.compare(Buffer.from(s), Buffer.from(w));
      assert.equal(value(col('s').lt(col('w'))), order < 0);
      assert.equal(value(col('s').ge(w)), order >= 0);
      assert.equal(value(col('s').eq(w)), order === 0);
      assert.equal(value(col('w').ne(s)), order !== 0);
      assert.equal(value(col('s').isIn(w, 'a')), order === 0 || s === 'a');
      const contained = value(arrayContains(col('list'), col('s')));
      assert.equal(contained, order === 0 ? true : undefined);
    },
  );
  fc.assert(property, { numRuns: 500 });
});

const THREE = [true, false, undefined] as const;

test('logic has three values', () => {
  const ofSchema = schema([optional('a', types.boolean(), ''), optional('b', types.boolean(), '')]);
  for (const a of THREE) {
    for (const b of THREE) {
      const batch = decode(ofSchema, [JSON.stringify({ a, b })]);
      const value = (expression: Expr): unknown => compileExpression(expression, batch, UTC).at(0);
      const known = a !== undefined && b !== undefined;
      const both = a === false || b === false ? false : known ? true : undefined;
      const either = a === true || b === true ? true : known ? false : undefined;
      assert.equal(value(col('a').and(col('b'))), both);
      assert.equal(value(col('a').or(col('b'))), either);
      assert.equal(value(col('a').not()), a === undefined ? undefined : !a);
      assert.equal(value(col('a').eq(col('b'))), known ? a === b : undefined);
      assert.equal(value(col('a').eqNullSafe(col('b'))), a === b);
      assert.equal(value(col('a').isIn(col('b'))), known ? a === b : undefined);
    }
  }
});

const NUMBERS = schema([
  optional('i', types.int(), ''),
  optional('j', types.int(), ''),
  optional('d', types.double(), ''),
  optional('p', types.decimal(38, 0), ''),
  optional('s', types.string(), ''),
  optional('t', types.timestamp(), ''),
  optional('place', types.struct([optional('city', types.string(), '')]), ''),
]);

test('a row without a value is an error that names the expression and the value', () => {
  const batch = decode(NUMBERS, [`{"i":2147483647,"j":0,"d":1e308,"p":${'9'.repeat(38)},"s":"x1"}`]);
  const failures: [Expr, RegExp][] = [
    [col('i').plus(1), /^The expression i \+ 1 has no value for a row: 2147483648 does not fit 32 bits\./],
    [col('i').dividedBy(col('j')), /it divides by zero\. Filter such rows out/],
    [col('i').mod(col('j')), /divides by zero/],
    [col('p').plus(1), /p \+ 1 .*10{38} does not fit decimal\(38,0\)/],
    [col('p').times(col('p')), /does not fit decimal\(38,0\)/],
    [lit('1000000000000000').cast('decimal(15,0)'), /1000000000000000 does not fit decimal\(15,0\)/],
    [col('d').times(10), /Infinity is not a finite double/],
    [col('s').cast('int'), /cast\(s as int\) .*"x1" is not a whole number/],
    [col('p').cast('long'), /does not fit 64 bits/],
    [lit('0000-12-31').cast('date'), /is not a date of the years 1 to 9999/],
    [lit('10000-01-01').cast('date'), /is not a date of the years 1 to 9999/],
    [lit('2025-13-01').cast('date'), /"2025-13-01" is not a date/],
  ];
  for (const [expression, message] of failures) {
    const evaluator = compileExpression(expression, batch, UTC);
    assert.throws(
      () => evaluator.at(0),
      (error: unknown) => isFailure(error) && message.test((error as Error).message),
    );
  }
});

test('what no branch asks for is not calculated', () => {
  const batch = decode(NUMBERS, ['{"i":1,"j":0}', '{"i":6,"j":3}']);
  const value = (expression: Expr, row: number): unknown => compileExpression(expression, batch, UTC).at(row);
  const notZero = col('j').ne(0);
  assert.equal(value(when(notZero, col('i').mod(col('j'))).otherwise(-1), 0), -1);
  assert.equal(value(when(notZero, col('i').mod(col('j'))).otherwise(-1), 1), 0);
  assert.equal(value(when(notZero, col('i').mod(col('j'))), 0), undefined);
  assert.equal(value(notZero.and(col('i').mod(col('j')).eq(0)), 0), false);
  const never = when(lit(false), lit('x').cast('int')).otherwise(1);
  assert.equal(value(never, 0), 1);
});

test('an evaluator serves every chunk of its batch, also a larger one, and after dictionaries were emptied', () => {
  const batch = decode(TEXTS, ['{"s":"a","w":"one"}']);
  const evaluator = compileExpression(concat(col('s'), col('w')), batch, UTC);
  const isTwo = compileExpression(col('w').eq('two'), batch, UTC);
  const isB = compileExpression(col('s').eq('b\n'), batch, UTC);
  assert.equal(evaluator.at(0), 'aone');
  assert.equal(isTwo.at(0), false);
  batch.clearDictionaries();
  const rows = Array.from({ length: 50 }, (_, row) =>
    JSON.stringify({ s: 'b\n', w: row % 2 === 0 ? 'two' : 'one' }),
  );
  decode(TEXTS, rows, batch);
  assert.deepEqual([evaluator.at(48), evaluator.at(49)], ['b\ntwo', 'b\none']);
  assert.deepEqual([isTwo.at(48), isTwo.at(49)], [true, false]);
  assert.equal(isB.at(49), true);
});

test('days and hours are those of the zone that is named, and else of the query', () => {
  const batch = decode(NUMBERS, ['{"t":"2025-06-26T23:30:00Z"}']);
  const at = col('t');
  const berlin = TimeZone.of('Europe/Berlin');
  const day = Date.UTC(2025, 5, 26) / 86_400_000;
  assert.equal(compileExpression(toDate(at), batch, UTC).at(0), day);
  assert.equal(compileExpression(toDate(at), batch, berlin).at(0), day + 1);
  assert.equal(compileExpression(toDate(at, 'America/New_York'), batch, berlin).at(0), day);
  assert.equal(compileExpression(hour(at), batch, berlin).at(0), 1);
  assert.equal(compileExpression(col('t').cast('string'), batch, berlin).at(0), '2025-06-27 01:30:00');
  assert.equal(compileExpression(col('t').cast('date'), batch, berlin).at(0), day + 1);
});

test('a struct and a window have no value of a row', () => {
  const batch = decode(NUMBERS, ['{}']);
  const at = col('t');
  assert.throws(() => compileExpression(col('place'), batch, UTC), /Name one of its fields/);
  assert.throws(() => compileExpression(window(at, '1 hour'), batch, UTC), /Pass it to groupBy/);
  assert.throws(() => compileExpression(col('none'), batch, UTC), /none is not a column/);
  assert.equal(compileExpression(lit(null), batch, UTC).at(0), undefined);
});
