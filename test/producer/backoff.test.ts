import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pauseBeforeRetryMs, RETRY_LIMITS } from '../../src/producer/backoff.ts';
import { createRandom } from '../../src/producer/random.ts';

test('a pause is between half and the whole of a doubling time, and never above the bound', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 49 }), fc.integer(), (attempt, seed) => {
      const wholeMs = Math.min(RETRY_LIMITS.backoffMsMax, RETRY_LIMITS.backoffMs * 2 ** (attempt - 1));
      const pauseMs = pauseBeforeRetryMs(attempt, 0, createRandom(seed), RETRY_LIMITS);
      assert.ok(pauseMs !== undefined && pauseMs > wholeMs / 2 && pauseMs <= wholeMs);
    }),
  );
});

test('there is no pause, and no attempt, beyond the attempts and the time that are allowed', () => {
  const random = createRandom(1);
  assert.equal(pauseBeforeRetryMs(RETRY_LIMITS.attemptsMax, 0, random, RETRY_LIMITS), undefined);
  assert.equal(pauseBeforeRetryMs(1, RETRY_LIMITS.deliveryTimeoutMs, random, RETRY_LIMITS), undefined);
});
