/** Two brokers of which one answers late: appends that overlap are answered in another order than they were sent. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { describeProducersV0 } from '@platformatic/kafka';
import { openKafkaLog } from '../../src/log/kafka.ts';
import { systemClock } from '../../src/observe/system-clock.ts';
import { startCluster, withoutKafka, type TestBroker, type TestCluster } from './broker.ts';
import { API, FaultProxy } from './fault-proxy.ts';
import { assertOnceInOrder, deliverNumbers } from './numbered-records.ts';
import { connect } from './purchases.ts';

const RECORDS = 4_000;
const PARTITIONS = 2;

/** Some appends go to one partition alone, so to one broker, each in its turn, and those between to both. */
function someTogether(record: number): number {
  const stretch = Math.floor(record / 130);
  return stretch % 2 === 0 ? record % 7 : Math.floor(stretch / 2) % 7;
}

describe('a cluster of which one broker answers late', { skip: withoutKafka(), timeout: 240_000 }, () => {
  let cluster: TestCluster;
  let proxy: FaultProxy;

  before(async () => {
    proxy = await FaultProxy.start();
    cluster = await startCluster(2, (index) =>
      index === 0 ? { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${proxy.port}` } : {},
    );
    proxy.target((cluster.brokers[0] as TestBroker).port);
  });
  after(async () => {
    proxy.close();
    await cluster.stop();
  });

  test('takes appends in sequence, under one identity', async (t) => {
    const [, quick] = cluster.brokers as [TestBroker, TestBroker];
    const log = await openKafkaLog({
      bootstrapServers: [quick.bootstrap],
      clock: systemClock,
      clientId: 'test',
    });
    t.after(() => log.close());
    const topic = 'slow-answers';
    await log.createTopic(topic, { partitions: PARTITIONS });
    await deliverNumbers(log, topic, {
      records: RECORDS,
      keyOf: someTogether,
      onQuarter: () => proxy.next(API.produce, 'delay answer', Infinity),
    });
    assert.ok(proxy.hits > 0, 'no answer was late');
    proxy.heal();
    await assertOnceInOrder(log, topic, RECORDS);
    // A broker that was sent a sequence with a gap refuses it, and the records come under another identity.
    const identities = new Set<bigint>();
    for (const { partition } of await log.offsets(topic)) {
      for (const { port } of cluster.brokers) {
        const asked = [{ name: topic, partitionIndexes: [partition] }];
        const answer = await describeProducersV0.api
          .async(await connect(t, port), asked)
          .catch(() => undefined);
        const producers = answer?.topics[0]?.partitions[0]?.activeProducers ?? [];
        for (const { producerId } of producers) identities.add(producerId);
      }
    }
    assert.equal(identities.size, 1);
  });
});
