import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flipBits, tableOf } from './support/bit-flips/campaign.ts';
import { roundsOf } from './support/rounds.ts';

const POSITIONS = 500;

test('a flipped bit is rejected, found or harmless, wherever it is: nothing wrong is shown as if it were right', async (t) => {
  const { seed, rounds } = roundsOf((text) => t.diagnostic(text), POSITIONS, 'flips');
  const figures = await flipBits({ seed, positionsMax: rounds });
  t.diagnostic(`\n${tableOf(figures)}`);
  assert.deepEqual(figures.faults, [], `seed ${seed}`);
  assert.deepEqual(figures.uncoded, [], `seed ${seed}`);
});
