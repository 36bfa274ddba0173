import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRandom } from '../../../../src/producer/random.ts';
import { createChoice, zipfWeights } from '../../../../src/app/purchases/generator/choice.ts';

test('draws every position as often as its weight says', () => {
  const weights = fc
    .array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 40 })
    .filter((some) => some.some((weight) => weight > 0));
  fc.assert(
    fc.property(weights, fc.integer(), (some, seed) => {
      const choose = createChoice(some);
      const random = createRandom(seed);
      const draws = 20_000;
      const counts = some.map(() => 0);
      for (let i = 0; i < draws; i += 1) counts[choose(random)]! += 1;
      const sum = some.reduce((total, weight) => total + weight, 0);
      counts.forEach((count, position) => {
        const due = (some[position]! / sum) * draws;
        // Six standard deviations, so that the test fails where the choice is wrong and not by chance.
        assert.ok(Math.abs(count - due) <= 6 * Math.sqrt(due) + 10, `${count} instead of ${due}`);
      });
    }),
    { numRuns: 40 },
  );
});

test('weights of a ranking fall with its power', () => {
  assert.deepEqual(zipfWeights(3, 1), [1, 1 / 2, 1 / 3]);
});
