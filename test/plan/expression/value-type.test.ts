import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  commonType,
  decimalResult,
  decimalType,
  scalar,
  typeNamed,
  typeText,
  widensExactly,
  widerDecimal,
} from '../../../src/plan/expression/value-type.ts';

const d = decimalType;

test('results of decimals have the types of the table in Spark', () => {
  assert.deepEqual(decimalResult('plus', d(18, 2), d(5, 3)), d(20, 3));
  assert.deepEqual(decimalResult('minus', d(38, 10), d(38, 2)), d(38, 6));
  assert.deepEqual(decimalResult('times', d(18, 2), d(18, 2)), d(37, 4));
  assert.deepEqual(decimalResult('times', d(38, 18), d(1, 0)), d(38, 16));
  assert.deepEqual(decimalResult('times', d(38, 3), d(38, 2)), d(38, 5));
  assert.deepEqual(decimalResult('dividedBy', d(5, 0), d(1, 0)), d(11, 6));
  assert.deepEqual(decimalResult('dividedBy', d(38, 0), d(38, 18)), d(38, 6));
  assert.deepEqual(decimalResult('mod', d(18, 2), d(5, 3)), d(5, 3));
});

test('a decimal for both keeps their whole digits before their decimals', () => {
  assert.deepEqual(widerDecimal(d(18, 2), d(10, 5)), d(21, 5));
  assert.deepEqual(widerDecimal(d(38, 0), d(38, 38)), d(38, 0));
  assert.deepEqual(widerDecimal(d(30, 2), d(20, 15)), d(38, 10));
  assert.equal(widensExactly(d(30, 2), d(20, 15)), false);
  assert.equal(widensExactly(d(28, 2), d(20, 10)), true);
});

test('values stand in for one another where no float touches an amount', () => {
  assert.deepEqual(commonType(scalar('int'), scalar('long')), scalar('long'));
  assert.deepEqual(commonType(scalar('long'), scalar('double')), scalar('double'));
  assert.deepEqual(commonType(scalar('int'), d(5, 2)), d(12, 2));
  assert.deepEqual(commonType({ kind: 'null' }, scalar('date')), scalar('date'));
  assert.equal(commonType(scalar('double'), d(5, 2)), undefined);
  assert.equal(commonType(scalar('string'), scalar('int')), undefined);
  assert.equal(commonType(scalar('date'), scalar('timestamp')), undefined);
});

test('reads type names as DDL has them, and writes them so', () => {
  for (const name of ['string', 'boolean', 'int', 'bigint', 'double', 'decimal(18,2)', 'timestamp', 'date']) {
    const type = typeNamed(name);
    assert.equal(type && typeText(type), name);
  }
  assert.deepEqual(typeNamed('long'), scalar('long'));
  for (const name of ['number', 'decimal', 'decimal(39,2)', 'decimal(2,3)', 'decimal(0,0)', 'toString'])
    assert.equal(typeNamed(name), undefined, name);
});
