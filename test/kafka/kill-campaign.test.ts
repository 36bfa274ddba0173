/** kill -9 of broker, query and producer on Kafka; `npm run kafka-fault-campaign` does the same for longer. */
import { after, before, describe, test } from 'node:test';
import { roundsOf } from '../fault/support/rounds.ts';
import { startBroker, withoutKafka, type TestBroker } from './broker.ts';
import { killOnKafka } from './kill-campaign.ts';
import { withoutPython } from './python-client.ts';

/** In two blocks; the producer is killed in the second alone. */
const KILLS = 20;

describe('kills on Kafka', { skip: withoutKafka() || withoutPython(), timeout: 600_000 }, () => {
  let broker: TestBroker;
  before(async () => {
    broker = await startBroker();
  });
  after(() => broker.stop());

  test('every event counts once while broker, query and producer are killed again and again', async (t) => {
    const rounds = roundsOf((text) => t.diagnostic(text), KILLS, 'kafka');
    await killOnKafka(broker, rounds);
  });
});
