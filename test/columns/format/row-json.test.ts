import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonOfRow } from '../../../src/columns/format/row-json.ts';
import { optional, schema, types } from '../../../src/columns/schema/schema.ts';

test('numbers are exact, nulls are left out, and a double that JSON has no number for is text, as in Spark', () => {
  const fields = schema([
    optional('ratio', types.double(), ''),
    optional('whole', types.long(), ''),
    optional('amount', types.decimal(20, 2), ''),
    optional('ratios', types.array(types.double()), ''),
  ]);
  const row = {
    ratio: -Infinity,
    whole: 2n ** 60n,
    amount: '100000000000000000.10',
    ratios: [Infinity, 0.5, null],
  };
  assert.equal(
    jsonOfRow(fields, row),
    '{"ratio":"-Infinity","whole":1152921504606846976,"amount":100000000000000000.10,"ratios":["Infinity",0.5,null]}',
  );
  assert.equal(jsonOfRow(fields, { ratio: null, amount: null }), '{}');
});
