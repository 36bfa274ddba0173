import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TallystreamError } from '../../../src/errors.ts';
import { decimal, lit } from '../../../src/plan/expression/functions.ts';
import { decimalLiteral, literalOf, textAs } from '../../../src/plan/expression/literal.ts';
import { decimalType, scalar, typeText } from '../../../src/plan/expression/value-type.ts';

const shown = (value: ReturnType<typeof decimalLiteral>): string | undefined =>
  value && `${value.text ?? 'null'} ${typeText(value.type)}`;

test('a value has the smallest of the types that hold it', () => {
  const expected: [Parameters<typeof literalOf>[0], string][] = [
    ['12.50', '12.50 string'],
    [3, '3 int'],
    [-0, '0 int'],
    [2_147_483_647, '2147483647 int'],
    [2_147_483_648, '2147483648 bigint'],
    [-2_147_483_649n, '-2147483649 bigint'],
    [1.5, '1.5 double'],
    [1e-7, '1e-7 double'],
    [true, 'true boolean'],
    [null, 'null void'],
  ];
  for (const [value, text] of expected) assert.equal(shown(literalOf(value)), text);
});

test('refuses what no literal holds exactly, and says how to write it', () => {
  const odd = [2 ** 53, NaN, Infinity, 2n ** 63n, undefined, {}, [], Symbol.iterator, 'half \ud83d'];
  for (const value of odd)
    assert.throws(
      () => literalOf(value as string),
      (error: unknown) => error instanceof TallystreamError && error.code === 'USAGE',
    );
  assert.throws(() => lit(2 ** 60), /not a number that a double holds exactly.*12n/);
});

test('an amount has the digits and decimals that it is written with, as in Spark', () => {
  const expected: [string, string][] = [
    ['12.50', '12.50 decimal(4,2)'],
    ['0.05', '0.05 decimal(2,2)'],
    ['-0.05', '-0.05 decimal(2,2)'],
    ['-0', '0 decimal(1,0)'],
    ['007', '7 decimal(1,0)'],
    ['0.00', '0.00 decimal(2,2)'],
    ['9'.repeat(38), `${'9'.repeat(38)} decimal(38,0)`],
    [`0.${'0'.repeat(37)}1`, `0.${'0'.repeat(37)}1 decimal(38,38)`],
  ];
  for (const [text, result] of expected) assert.equal(shown(decimalLiteral(text)), result);
  for (const text of ['', '1.', '.5', '1e3', ' 1', '+1', '0x10', '9'.repeat(39), `0.${'0'.repeat(39)}`])
    assert.equal(decimalLiteral(text), undefined, text);
  assert.throws(() => decimal(12.5 as never), /decimal\(12\.5\) is not a decimal.*as plain text/);
});

test('text is read as what stands beside it, exactly or not at all', () => {
  assert.equal(shown(textAs('12.5', decimalType(18, 2))), '12.5 decimal(3,1)');
  assert.equal(shown(textAs('3', scalar('int'))), '3 int');
  assert.equal(shown(textAs('3.5', scalar('long'))), '3.5 decimal(2,1)');
  assert.equal(shown(textAs('3000000000', scalar('int'))), '3000000000 bigint');
  assert.equal(shown(textAs('99999999999999999999', scalar('int'))), '99999999999999999999 decimal(20,0)');
  assert.equal(
    shown(textAs('2025-06-26T14:00:00+02:00', scalar('timestamp'))),
    '2025-06-26T12:00:00.000Z timestamp',
  );
  assert.equal(shown(textAs('2024-02-29', scalar('date'))), '2024-02-29 date');
  assert.equal(textAs('2025-02-29', scalar('date')), undefined);
  assert.equal(textAs('2025-06-26T14:00:00', scalar('timestamp')), undefined);
  assert.equal(textAs('1.5', scalar('double')), undefined);
  assert.equal(textAs('true', scalar('boolean')), undefined);
});
