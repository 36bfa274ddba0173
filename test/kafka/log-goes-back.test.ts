import assert from 'node:assert/strict';
import { test } from 'node:test';
import { letLogsGoBack, outcomeText } from '../fault/support/log-goes-back.ts';
import { roundsOf } from '../fault/support/rounds.ts';
import { withoutKafka } from './broker.ts';
import { startGoingClusters } from './kafka-goes-back.ts';

const ROUNDS = 5;

test(
  'no acknowledged event is lost silently if a topic on Kafka goes back',
  { skip: withoutKafka(), timeout: 600_000 },
  async (t) => {
    const clusters = await startGoingClusters();
    t.after(() => clusters.stop());
    const outcome = await letLogsGoBack(
      clusters.create,
      roundsOf((text) => t.diagnostic(text), ROUNDS, 'kafka goes back'),
    );
    t.diagnostic(outcomeText(outcome));
    assert.deepEqual(outcome.silent, []);
  },
);
