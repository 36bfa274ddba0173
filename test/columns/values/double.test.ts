import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDouble } from '../../../src/columns/values/double.ts';

/** Stands between other digits, which are not a part of it. */
function read(text: string): number {
  const bytes = Buffer.from(`9${text}9`);
  return parseDouble(bytes, 1, bytes.length - 1);
}

/** What `JSON.parse` reads, with 0 for -0. `assert.equal` tells the two apart. */
function expected(text: string): number {
  const double = JSON.parse(text) as number;
  return double === 0 ? 0 : double;
}

test('reads what JSON.parse reads, to the last bit', () => {
  const texts = fc.oneof(
    fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .chain((double) =>
        fc.constantFrom(
          JSON.stringify(double),
          double.toExponential(),
          double.toPrecision(15),
          double.toPrecision(21),
        ),
      ),
    // Short ones, with a point anywhere: the fast path and its bounds.
    fc
      .tuple(fc.constantFrom('', '-'), fc.bigInt({ min: 0n, max: 10n ** 17n }), fc.nat({ max: 18 }))
      .map(([sign, digits, decimals]) => {
        const padded = digits.toString().padStart(decimals + 1, '0');
        return decimals === 0
          ? sign + padded
          : `${sign}${padded.slice(0, -decimals)}.${padded.slice(-decimals)}`;
      }),
  );
  fc.assert(
    fc.property(texts, (text) => assert.equal(read(text), expected(text), text)),
    { numRuns: 20_000 },
  );
});

test('reads the odd ones', () => {
  const odd =
    '0 -0 -0.0 0e5 -0E-7 1e400 -1e400 1e-400 -1e-400 5e-324 2.5e-324 1.7976931348623157e308 1.7976931348623159e308 ' +
    '9007199254740993 0.1 0.3 123456789012345 12345678901234.5 -1234567890.12345 999999999999999 9999999999999999 ' +
    '0.00000000000001 1E2 1e+2 100e-2';
  for (const text of odd.split(' ')) assert.equal(read(text), expected(text), text);
  assert.equal(read('1e400'), Infinity);
  assert.equal(read(`0.${'0'.repeat(5000)}1`), 0);
});
