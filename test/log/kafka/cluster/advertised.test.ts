/** A broker that answers at its bootstrap address and tells clients to use another, which nobody can reach. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { freePort } from '../../../../scripts/kafka/ports.js';
import { hasCode } from '../../../contract/log/log-under-test.ts';
import { withoutKafka } from '../../../kafka/broker.ts';
import { kafkaBench } from '../kafka-bench.ts';

const ADVERTISED_PORT = withoutKafka() === false ? await freePort() : 0;

describe('an advertised listener that cannot be reached', { skip: withoutKafka(), timeout: 120_000 }, () => {
  const address = `127.0.0.1:${ADVERTISED_PORT}`;
  const bench = kafkaBench({ properties: { 'advertised.listeners': `PLAINTEXT://${address}` } });

  test('is named with its broker and its setting, and the bootstrap servers are not blamed', async (t) => {
    const { open, topic } = bench();
    const name = await topic(t, 1);
    const log = await open(t, { retryTimeoutMs: 300 });
    const named = ['broker 1', address, 'advertised.listeners'];
    const isNamed = (error: unknown) => {
      assert.ok(hasCode('LOG_UNAVAILABLE', ...named)(error));
      assert.doesNotMatch((error as Error).message, /bootstrap_servers/);
      return true;
    };
    await assert.rejects(log.offsets(name), isNamed);
    const reading = async () => {
      for await (const chunk of log.read({ topic: name, partition: 0, start: 0, end: 1 })) void chunk;
    };
    await assert.rejects(reading(), isNamed);
  });
});
