import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEmbedded } from './support/embedded-goes-back.ts';
import { letLogsGoBack, outcomeText } from './support/log-goes-back.ts';
import { roundsOf } from './support/rounds.ts';

const ROUNDS = 5;

test('no acknowledged event is lost silently if the embedded log goes back', async (t) => {
  const outcome = await letLogsGoBack(
    createEmbedded,
    roundsOf((text) => t.diagnostic(text), ROUNDS, 'embedded goes back'),
  );
  t.diagnostic(outcomeText(outcome));
  assert.deepEqual(outcome.silent, []);
});
