/** Two brokers of which one is late: with its answers, so that they come in another order, and with what it has heard. */
import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { describeProducersV0 } from '@platformatic/kafka';
import type { Log } from '../../src/contracts/log.ts';
import { openKafkaLog } from '../../src/log/kafka/log.ts';
import { systemClock } from '../../src/observe/system-clock.ts';
import { startCluster, withoutKafka, type TestCluster } from './broker.ts';
import { API, FaultProxy } from './fault-proxy.ts';
import { assertOnceInOrder, deliverNumbers } from './numbered-records.ts';
import { connect } from './purchases.ts';

const RECORDS = 4_000;
const PARTITIONS = 2;

async function openThrough(
  t: TestContext,
  proxies: readonly FaultProxy[],
  options: { readonly appendTimeoutMs?: number } = {},
): Promise<Log> {
  const bootstrapServers = proxies.map(({ port }) => `127.0.0.1:${port}`);
  const log = await openKafkaLog({ ...options, bootstrapServers, clock: systemClock, clientId: 'test' });
  t.after(() => log.close());
  return log;
}

/** Some appends go to one partition alone, so to one broker, each in its turn, and those between to both. */
function someTogether(record: number): number {
  const stretch = Math.floor(record / 130);
  return stretch % 2 === 0 ? record % 7 : Math.floor(stretch / 2) % 7;
}

describe('a cluster of which one broker is late', { skip: withoutKafka(), timeout: 240_000 }, () => {
  let cluster: TestCluster;
  let proxies: [FaultProxy, FaultProxy];

  before(async () => {
    proxies = [await FaultProxy.start(), await FaultProxy.start()];
    cluster = await startCluster(2, (index) => {
      const { port } = proxies[index] as FaultProxy;
      return { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}` };
    });
    for (const [index, broker] of cluster.brokers.entries()) proxies[index]?.target(broker.port);
  });
  after(async () => {
    for (const proxy of proxies) proxy.close();
    await cluster.stop();
  });

  test('takes appends in sequence, under one identity', async (t) => {
    const [late] = proxies;
    const log = await openThrough(t, proxies);
    const topic = 'slow-answers';
    await log.createTopic(topic, { partitions: PARTITIONS });
    await deliverNumbers(log, topic, {
      records: RECORDS,
      keyOf: someTogether,
      onQuarter: () => late.next(API.produce, 'delay answer', Infinity),
    });
    assert.ok(late.hits > 0, 'no answer was late');
    late.heal();
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

  test('has a topic that was seen a moment ago, whatever a broker says that has not heard of it', async (t) => {
    const log = await openThrough(t, proxies);
    const topic = 'late-news';
    await log.createTopic(topic, { partitions: PARTITIONS });
    for (const proxy of proxies) proxy.next(API.metadata, 'misname request', 2);
    assert.equal(await log.describeTopic(topic), undefined);
    await deliverNumbers(log, topic, { records: 10 });
    const hits = proxies.reduce((sum, proxy) => sum + proxy.hits, 0);
    assert.ok(hits > 1, 'no broker was without the topic when records were appended');
    for (const proxy of proxies) proxy.heal();
    await assertOnceInOrder(log, topic, 10);
    await log.deleteTopic(topic);
    await assert.rejects(log.append(topic, [{ key: null, value: null }]), { code: 'TOPIC_NOT_FOUND' });
  });

  test('has no topic that somebody else removed, within the time of an append', async (t) => {
    const log = await openThrough(t, proxies, { appendTimeoutMs: 4_000 });
    const other = await openThrough(t, proxies);
    const topic = 'removed';
    const record = { key: null, value: Buffer.from('0') };
    await other.createTopic(topic, { partitions: 1 });
    await log.append(topic, [record]);
    await other.deleteTopic(topic);
    await assert.rejects(log.append(topic, [record]), { code: 'TOPIC_NOT_FOUND' });
  });
});
