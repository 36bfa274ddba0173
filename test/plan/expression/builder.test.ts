import assert from 'node:assert/strict';
import { test } from 'node:test';
import { types } from '../../../src/columns/schema/schema.ts';
import { TallystreamError } from '../../../src/errors.ts';
import type { AnyExpr } from '../../../src/plan/expression/expr.ts';
import { explainExpr } from '../../../src/plan/expression/text.ts';
import { col, lit, when } from '../../../src/plan/expression/functions.ts';

/** As a program without a compiler has it. */
const loose = (expression: unknown): AnyExpr & { when: AnyExpr['plus']; otherwise: AnyExpr['plus'] } =>
  expression as AnyExpr & { when: AnyExpr['plus']; otherwise: AnyExpr['plus'] };

function isUsage(message: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof TallystreamError && error.code === 'USAGE' && message.test(error.message);
}

test('an expression is never changed: every method gives another one', () => {
  const quantity = col('quantity');
  const more = quantity.plus(1);
  assert.equal(explainExpr(quantity), 'quantity');
  assert.equal(explainExpr(more), 'quantity + 1');
  assert.throws(() => ((quantity as { node: unknown }).node = null), TypeError);
});

test('a name has no dot, for paths put dots between names', () => {
  for (const name of ['', 'a.b', 'half \ud83d', undefined, 3])
    assert.throws(
      () => col('a').alias(name as string),
      isUsage(/cannot name a column.*at least one character/),
    );
  assert.equal(explainExpr(col('a').alias('größe 1')), 'a as größe 1');
});

test('branches follow a when that is open, and nothing else', () => {
  const flag = col('flag');
  assert.throws(() => loose(col('a')).otherwise(1), isUsage(/\.otherwise\(…\) must follow an open when/));
  assert.throws(() => loose(col('a')).when(1), isUsage(/\.when\(…\) must follow an open when/));
  assert.throws(() => loose(when(flag, 1).otherwise(2)).otherwise(3), isUsage(/must follow an open when/));
  const open = when(flag, 1);
  assert.equal(explainExpr(open.otherwise(2)), 'case when flag then 1 else 2 end');
  assert.equal(explainExpr(open), 'case when flag then 1 end');
});

test('a cast names a type, or is refused with the types that there are', () => {
  assert.equal(explainExpr(col('a').cast('decimal(18,2)')), 'cast(a as decimal(18,2))');
  assert.equal(explainExpr(col('a').cast(types.long())), 'cast(a as bigint)');
  for (const name of ['number', 'decimal(39,2)', 'constructor'])
    assert.throws(() => col('a').cast(name as 'int'), isUsage(/is not a type.*decimal\(18,2\)/));
});

test('a text literal is text, and one of an expression is the expression', () => {
  assert.deepEqual(col('a').eq(lit('x')).node, col('a').eq('x').node);
});
