import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  canonicalExpression,
  childrenOf,
  referencedColumns,
  type Expression,
} from '../../../src/plan/expression/node.ts';
import { coalesce, col, concat, lit, toDate, when } from '../../../src/plan/expression/functions.ts';
import { window } from '../../../src/plan/window.ts';

const CASE = when(col('a').gt(1).and(col('b.c').eq('x')), col('a'))
  .otherwise(coalesce(col('d'), lit(null)).cast('decimal(18,2)'))
  .alias('e');

function assertFrozen(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  assert.ok(Object.isFrozen(value), JSON.stringify(value));
  Object.values(value).forEach(assertFrozen);
}

test('an expression is frozen plain data, which JSON gives back as it was', () => {
  for (const { node } of [CASE, window(col('t'), '1 hour'), toDate(col('t'), 'UTC'), concat('a', col('b'))]) {
    assertFrozen(node);
    assert.deepEqual(JSON.parse(JSON.stringify(node)), node);
  }
  assert.deepEqual(col('a').plus('0.50').node, {
    kind: 'call',
    name: 'plus',
    args: [
      { kind: 'column', path: 'a' },
      { kind: 'literal', type: { kind: 'string' }, text: '0.50' },
    ],
  });
});

test('equal expressions have one canonical text, whatever the order of their keys', () => {
  const turned = JSON.parse(JSON.stringify(CASE.node), (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toReversed())
      : value,
  ) as Expression;
  assert.notEqual(JSON.stringify(turned), JSON.stringify(CASE.node));
  assert.equal(canonicalExpression(turned), canonicalExpression(CASE));
  assert.notEqual(canonicalExpression(col('a').lt(1)), canonicalExpression(col('a').lt(2)));
  assert.notEqual(canonicalExpression(col('a').lt('1')), canonicalExpression(col('a').lt(1)));
  assert.notEqual(canonicalExpression(toDate(col('a'))), canonicalExpression(toDate(col('a'), 'UTC')));
});

test('names every column that is read, once, in the order of appearance', () => {
  assert.deepEqual(referencedColumns(CASE), ['a', 'b.c', 'd']);
  assert.deepEqual(referencedColumns(window(col('t'), '1 hour')), ['t']);
  assert.deepEqual(referencedColumns(lit(3)), []);
});

test('the children of a case are conditions and values by turns, and what is left', () => {
  const { node } = when(col('a'), 1).when(col('b'), 2).otherwise(3);
  assert.equal(childrenOf(node).length, 5);
  assert.equal(childrenOf(when(col('a'), 1).node).length, 2);
});
