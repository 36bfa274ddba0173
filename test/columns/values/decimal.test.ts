import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Scaled } from '../../../src/columns/column-chunk.ts';
import {
  addExact,
  compareScaled,
  DecimalParser,
  formatGrouped,
  formatScaled,
  parseDecimal,
  toScaled,
  type DecimalOutcome,
} from '../../../src/columns/values/decimal.ts';
import { TallystreamError } from '../../../src/errors.ts';
import { scaleText } from '../oracle.ts';

const parser = new DecimalParser();

function parse(text: string, precision = 18, scale = 2): Scaled | Exclude<DecimalOutcome, 'ok'> {
  // Neighbours on both sides show whether the parser stays inside of its token.
  const bytes = new TextEncoder().encode(`9${text}9`);
  const outcome = parser.parse(bytes, 1, bytes.length - 1, precision, scale);
  return outcome === 'ok' ? parser.value : outcome;
}

const digits = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom('0', '0', '0', '1', '2', '5', '9'), minLength: 1, maxLength });

/** JSON numbers of every form, with exponents near and far. */
const numberText = fc
  .tuple(
    fc.constantFrom('', '-'),
    digits(24).map((text) => text.replace(/^0+(?=\d)/, '')),
    fc.option(digits(24), { nil: undefined }),
    fc.option(
      fc.tuple(
        fc.constantFrom('e', 'E'),
        fc.constantFrom('', '+', '-'),
        fc.oneof(
          fc.integer({ min: 0, max: 45 }).map(String),
          fc.constantFrom('007', '400', '999999999', '99999999999999'),
        ),
      ),
      { nil: undefined },
    ),
  )
  .map(
    ([sign, whole, decimals, exponent]) =>
      sign + whole + (decimals === undefined ? '' : `.${decimals}`) + (exponent?.join('') ?? ''),
  );

test('scales any JSON number as BigInt arithmetic on its text does', () => {
  fc.assert(
    fc.property(
      numberText,
      fc.integer({ min: 1, max: 38 }),
      fc.integer({ min: 0, max: 38 }),
      (text, precision, scale) => {
        fc.pre(scale <= precision);
        const expected = scaleText(text, precision, scale);
        const actual = parse(text, precision, scale);
        if (expected === undefined)
          assert.ok(actual === 'decimals' || actual === 'digits', `${text}: ${actual}`);
        else assert.equal(actual, toScaled(expected));
      },
    ),
    { numRuns: 20_000 },
  );
});

test('reads plain amounts', () => {
  assert.equal(parse('241.50'), 24150);
  assert.equal(parse('241.5'), 24150);
  assert.equal(parse('241'), 24100);
  assert.equal(parse('0'), 0);
  assert.equal(parse('-0.05'), -5);
  assert.equal(parse('2.415e2'), 24150);
  assert.equal(parse('24150E-2'), 24150);
  assert.equal(parse('1.500000000000000000000000'), 150);
});

test('reads every zero as the one zero', () => {
  for (const text of [
    '0',
    '-0',
    '0.00',
    '-0.0',
    '0e99999999999',
    '-0E-99999999999',
    '0.000000000000000000000000e1',
  ]) {
    assert.ok(Object.is(parse(text), 0), text);
  }
});

test('tells digits beyond the scale from digits beyond the precision', () => {
  assert.equal(parse('1.005'), 'decimals');
  assert.equal(parse('1e-3'), 'decimals');
  assert.equal(parse('1e-999999999'), 'decimals');
  assert.equal(parse('1e400'), 'digits');
  assert.equal(parse('1e999999999'), 'digits');
  assert.equal(parse('10000000000000000'), 'digits');
  assert.equal(parse('9999999999999999.99'), 999999999999999999n);
  assert.equal(parse('123.45', 5, 2), 12345);
  assert.equal(parse('1234.5', 5, 2), 'digits');
  assert.equal(parse('0.5', 2, 2), 50);
  assert.equal(parse('1.0', 2, 2), 'digits');
});

test('passes 2^53 without losing a unit', () => {
  assert.equal(parse('90071992547409.91'), 9007199254740991);
  assert.equal(parse('90071992547409.93'), 9007199254740993n);
  assert.equal(parse('9007199254740993', 18, 0), 9007199254740993n);
  assert.equal(parse('9'.repeat(38), 38, 0), BigInt('9'.repeat(38)));
});

test('a number of a megabyte costs its length and no more', () => {
  const zeros = '0'.repeat(1_000_000);
  assert.equal(parse(`0.${zeros}1e1000001`), 100);
  assert.equal(parse(`1${zeros}e-1000000`), 100);
  assert.equal(parse(`1${zeros}`), 'digits');
  assert.equal(parse(`0.${zeros}1`), 'decimals');
});

test('formats with every decimal of the scale, and reads that back', () => {
  assert.equal(formatScaled(2413415, 2), '24134.15');
  assert.equal(formatScaled(-5, 2), '-0.05');
  assert.equal(formatScaled(12, 0), '12');
  assert.equal(formatScaled(0, 2), '0.00');
  const bound = 10n ** 38n - 1n;
  fc.assert(
    fc.property(fc.bigInt(-bound, bound), fc.integer({ min: 0, max: 38 }), (wide, scale) => {
      const text = formatScaled(toScaled(wide), scale);
      assert.match(text, scale === 0 ? /^-?\d+$/ : new RegExp(`^-?\\d+\\.\\d{${scale}}$`));
      assert.equal(parseDecimal(text, scale), toScaled(wide));
      assert.equal(formatGrouped(toScaled(wide), scale).replaceAll(',', ''), text);
    }),
  );
});

test('reads a bound with fewer decimals than the scale', () => {
  assert.equal(parseDecimal('0', 2), 0);
  assert.equal(parseDecimal('0.5', 2), 50);
  assert.equal(parseDecimal('-100', 2), -10000);
});

test('refuses text that is no plain decimal', () => {
  for (const text of [
    '',
    '-',
    '1.',
    '.5',
    '+1',
    '01',
    '-0',
    '-0.00',
    '1e2',
    '1,000',
    ' 1',
    '1\n',
    '1.005',
    'NaN',
    '9'.repeat(39),
  ]) {
    assert.throws(() => parseDecimal(text, 2), RangeError, text);
  }
});

test('groups thousands', () => {
  assert.equal(formatGrouped(2413415, 2), '24,134.15');
  assert.equal(formatGrouped(-123456789, 2), '-1,234,567.89');
  assert.equal(formatGrouped(99999, 2), '999.99');
  assert.equal(formatGrouped(1000, 0), '1,000');
  assert.equal(formatGrouped(123456789012345678901n, 2), '1,234,567,890,123,456,789.01');
});

test('adds exactly over the border of safe integers, both ways', () => {
  const max = Number.MAX_SAFE_INTEGER;
  assert.equal(addExact(max, 1), 9007199254740992n);
  assert.equal(addExact(addExact(max, 1), -1), max);
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 60n), 2n ** 60n), fc.bigInt(-(2n ** 60n), 2n ** 60n), (a, b) => {
      assert.equal(addExact(toScaled(a), toScaled(b)), toScaled(a + b));
      assert.equal(compareScaled(toScaled(a), toScaled(b)), a < b ? -1 : a > b ? 1 : 0);
    }),
  );
});

test('a sum of more than 38 digits is an error and never a wrap', () => {
  const largest = 10n ** 38n - 1n;
  assert.equal(addExact(largest, 0), largest);
  assert.equal(addExact(-largest, 0), -largest);
  const overflows = (error: unknown): boolean =>
    error instanceof TallystreamError && error.code === 'SUM_OVERFLOW';
  assert.throws(() => addExact(largest, 1), overflows);
  assert.throws(() => addExact(-largest, -1), overflows);
});
