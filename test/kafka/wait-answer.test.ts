/** A query that waits at the end of a topic: what the broker ends its wait with is all that it needs for the next batch. */
import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { Log, TopicDescription } from '../../src/contracts/log.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import { systemClock } from '../../src/observe/system-clock.ts';
import { readRecords } from '../contract/log/log-records.ts';
import { record } from '../log/kafka-bench.ts';
import { startBroker, withoutKafka, type TestBroker } from './broker.ts';
import { FETCH_API, FaultProxy } from './fault-proxy.ts';

/** Longer than any test takes. */
const LONG_MS = 600_000;
const never = new AbortController().signal;

describe('the answer that ends a wait', { skip: withoutKafka(), timeout: 120_000 }, () => {
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

  const open = async (t: TestContext) => {
    const log = await openKafkaLog({
      bootstrapServers: [`127.0.0.1:${proxy.port}`],
      clock: systemClock,
      clientId: 'test',
    });
    t.after(() => log.close());
    return log;
  };
  const waitedFor = async (t: TestContext, log: Log, name: string) => {
    const topic = (await log.createTopic(name, { partitions: 3 })) satisfies TopicDescription;
    const known = await log.offsets(name);
    const waiting = log.waitForRecords(name, known, LONG_MS, never);
    await (await open(t)).append(name, [record('a', { partition: 0 }), record('b', { partition: 2 })]);
    assert.equal(await waiting, true);
    return { topic, known };
  };

  test('has the ends and the records, without another question', async (t) => {
    const log = await open(t);
    const { topic, known } = await waitedFor(t, log, 'answer');
    proxy.next(FETCH_API, 'lose request', Infinity);
    const ends = await log.follow?.(topic, known);
    assert.deepEqual(
      ends?.map(({ latest }) => latest),
      [1, 0, 1],
    );
    for (const [partition, value] of [
      [0, 'a'],
      [2, 'b'],
    ] as const) {
      const read = await readRecords(log, { topic: 'answer', partition, start: 0, end: 1 });
      assert.deepEqual(
        read.map((each) => each.value),
        [value],
      );
    }
    assert.equal(proxy.hits, 0);
    proxy.heal();
  });

  test('is not taken for a later one', async (t) => {
    const log = await open(t);
    const { topic, known } = await waitedFor(t, log, 'later');
    await (await open(t)).append('later', [record('c', { partition: 1 })]);
    assert.deepEqual(await log.follow?.(topic, [...known]), await log.offsets('later'));
    assert.deepEqual(await log.follow?.(topic, known), await log.offsets('later'));
  });
});
