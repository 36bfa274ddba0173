import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Expr } from '../../../src/plan/expression/expr.ts';
import { explainExpr, outputName } from '../../../src/plan/expression/text.ts';
import { coalesce, col, lit, not, toDate, upper, when } from '../../../src/plan/expression/functions.ts';
import { window } from '../../../src/plan/window.ts';

const flag = col('flag');

test('an expression reads like SQL, without parentheses around the whole', () => {
  const shown: [Expr, string][] = [
    [col('quantity').gt(3).and(col('currency').eq('EUR')), "(quantity > 3) AND (currency = 'EUR')"],
    [col('a').plus(1).times(col('b').negate()), '(a + 1) * (- b)'],
    [col('a').isIn(1, 2).not(), 'NOT (a IN (1, 2))'],
    [col('a').isNull().or(not(flag)), '(a IS NULL) OR (NOT flag)'],
    [col('a').between(1, 2), '(a >= 1) AND (a <= 2)'],
    [col('a').eq(")'("), "a = ')'('"],
    [upper(col('x').cast('string')), 'upper(cast(x as string))'],
    [when(flag, 1).otherwise(lit(null)), 'case when flag then 1 else null end'],
    [toDate(col('t')), 'toDate(t)'],
    [toDate(col('t'), 'Europe/Berlin').alias('day'), 'toDate(t, Europe/Berlin) as day'],
    [col('a').plus(1).alias('b'), '(a + 1) as b'],
    [coalesce(col('l').cast('long'), 0), 'coalesce(cast(l as bigint), 0)'],
    [window(col('t'), '10 minutes'), 'window(t, 600000 ms)'],
    [
      window(col('t'), '10 minutes', '5 minutes', '1 minute'),
      'window(t, 600000 ms, slide 300000 ms, start 60000 ms)',
    ],
    [lit('😀'.repeat(50)), `'${'😀'.repeat(39)}…'`],
  ];
  for (const [expression, text] of shown) assert.equal(explainExpr(expression), text);
});

test('a result is named by its alias, its column, or what it is', () => {
  assert.equal(outputName(col('a').plus(1).alias('more')), 'more');
  assert.equal(outputName(col('location.country')), 'country');
  assert.equal(outputName(col('a').plus(1)), 'a + 1');
  assert.equal(outputName(window(col('t'), '1 hour')), 'window');
});

test('an expression that is used as text says what to write instead', () => {
  assert.throws(() => `${col('a') as unknown as number}`, /used as text.*\.eq\(…\)/);
});
