/** kill -9 of a query that writes outside its checkpoint: a planned batch is carried out again, and is the same batch. */
import { test } from 'node:test';
import { killBetweenPlanAndCommit } from './support/replay-kills.ts';
import { roundsOf } from './support/rounds.ts';

const KILLS = 6;

test('a batch whose plan was durable before the kill is the same when it is carried out again', async (t) => {
  await killBetweenPlanAndCommit(roundsOf((text) => t.diagnostic(text), KILLS));
});
