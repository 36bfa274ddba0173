import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { clusterIdAt, createTopics } from '../../scripts/kafka/wire.js';
import { startBroker, withoutKafka } from './broker.ts';

test(
  'a broker for tests keeps its topics through a kill, and leaves nothing behind',
  { skip: withoutKafka() },
  async () => {
    const topic = { name: 'events', partitions: 3, config: { 'cleanup.policy': 'compact' } };
    const broker = await startBroker({ topics: [topic], properties: { 'max.connections.per.ip': '77' } });
    try {
      assert.match(broker.log(), /Kafka Server started/);
      await broker.kill('SIGKILL');
      assert.equal(broker.isRunning, false);
      await assert.rejects(clusterIdAt(broker.port, 500), /ECONNREFUSED/);
      await broker.restart();
      const [made] = await createTopics(broker.port, [topic], 10_000);
      assert.deepEqual([made?.name, made?.errorCode], ['events', 36], 'the topic is there already');

      await broker.kill('SIGSTOP');
      await assert.rejects(clusterIdAt(broker.port, 300), /no answer in 300 ms/);
      await broker.kill('SIGCONT');
      assert.equal(typeof (await clusterIdAt(broker.port, 5000)), 'string');
    } finally {
      await broker.stop();
    }
    await broker.stop();
    assert.ok(!existsSync(broker.folder));
  },
);

test('a broker refuses a topic that it cannot make by name', { skip: withoutKafka() }, async () => {
  await assert.rejects(
    startBroker({ topics: [{ name: 'a b', partitions: 1 }] }),
    /The broker did not make topic a b \(error 17\)/,
  );
});
