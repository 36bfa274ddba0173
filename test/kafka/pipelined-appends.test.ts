/** Several appends under way at once, of which requests or answers are lost: a proxy stands before the broker. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openKafkaLog } from '../../src/log/kafka/log.ts';
import { systemClock } from '../../src/observe/system-clock.ts';
import { startBroker, withoutKafka, type TestBroker } from './broker.ts';
import { API, FaultProxy, type Fault } from './fault-proxy.ts';
import { assertOnceInOrder, deliverNumbers } from './numbered-records.ts';

const REQUEST_TIMEOUT_MS = 1_500;
const RECORDS = 4_000;
const PARTITIONS = 2;

const FAULTS: readonly { readonly fault: Fault; readonly times: number; readonly appendTimeoutMs: number }[] =
  [
    { fault: 'lose request', times: 1, appendTimeoutMs: 10_000 },
    { fault: 'lose answer', times: 1, appendTimeoutMs: 10_000 },
    { fault: 'lose answer', times: 5, appendTimeoutMs: 10_000 },
    { fault: 'spoil answer', times: 3, appendTimeoutMs: 10_000 },
    // The log gives these up, and the producer repeats them.
    { fault: 'lose answer', times: 6, appendTimeoutMs: 500 },
    { fault: 'lose request', times: 3, appendTimeoutMs: 500 },
    // Their repeats fail as well.
    { fault: 'lose answer', times: 16, appendTimeoutMs: 500 },
    { fault: 'lose request', times: 12, appendTimeoutMs: 500 },
  ];

describe('appends that overlap on Kafka', { skip: withoutKafka(), timeout: 240_000 }, () => {
  let broker: TestBroker;
  let proxy: FaultProxy;

  before(async () => {
    proxy = await FaultProxy.start();
    broker = await startBroker({
      properties: { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${proxy.port}` },
    });
    proxy.target(broker.port);
  });
  after(async () => {
    proxy.close();
    await broker.stop();
  });

  for (const [index, { fault, times, appendTimeoutMs }] of FAULTS.entries()) {
    const patience = appendTimeoutMs < 1_000 ? ' that the producer repeats' : '';
    test(`come once and in order where ${times} produce meet "${fault}"${patience}`, async (t) => {
      const log = await openKafkaLog({
        bootstrapServers: [`127.0.0.1:${proxy.port}`],
        clock: systemClock,
        clientId: 'test',
        requestTimeoutMs: REQUEST_TIMEOUT_MS,
        appendTimeoutMs,
      });
      t.after(() => log.close());
      const topic = `overlapping-${index}`;
      await log.createTopic(topic, { partitions: PARTITIONS });
      await deliverNumbers(log, topic, {
        records: RECORDS,
        onQuarter: () => proxy.next(API.produce, fault, times),
      });
      assert.ok(proxy.hits > 0, 'the fault met nothing');
      proxy.heal();
      await assertOnceInOrder(log, topic, RECORDS);
    });
  }

  test('come once where the broker has forgotten all but the last of those in doubt', async (t) => {
    const log = await openKafkaLog({
      bootstrapServers: [`127.0.0.1:${proxy.port}`],
      clock: systemClock,
      clientId: 'test',
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
    });
    t.after(() => log.close());
    const topic = 'forgotten';
    await log.createTopic(topic, { partitions: PARTITIONS });
    let restarted = Promise.resolve();
    const restart = async (): Promise<void> => {
      while (proxy.hits < (log.appendsMax ?? 1)) await sleep(1);
      // A broker that stops writes down the last batch of each producer, and not the four before.
      await broker.restart();
      proxy.heal();
    };
    await deliverNumbers(log, topic, {
      records: RECORDS,
      onQuarter: () => {
        proxy.next(API.produce, 'lose answer', Infinity);
        restarted = restart();
      },
    });
    await restarted;
    await assertOnceInOrder(log, topic, RECORDS);
  });
});
