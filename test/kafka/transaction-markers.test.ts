/**
 * Partitions that the coordinator has left out at the end of a transaction, as brokers do where a partition has no leader
 * at the moment. Here a proxy has it take another partition for the one that is written.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { Log, TransactionalWriter } from '../../src/contracts/log.ts';
import { openKafkaLog } from '../../src/log/kafka/log.ts';
import type { KafkaLogOptions } from '../../src/log/kafka/cluster/options.ts';
import { systemClock } from '../../src/observe/system-clock.ts';
import { readPartition } from '../contract/log/log-records.ts';
import { hasCode } from '../contract/log/log-under-test.ts';
import { record } from '../log/kafka/kafka-bench.ts';
import { startBroker, withoutKafka, type TestBroker } from './broker.ts';
import { API, FaultProxy } from './fault-proxy.ts';

/** How long a writer goes on whose answers are lost. */
const GIVE_UP_MS = 4_000;

let named = 0;

describe('a transaction that lacks a marker', { skip: withoutKafka(), timeout: 600_000 }, () => {
  let broker: TestBroker;
  let proxy: FaultProxy;

  before(async () => {
    proxy = await FaultProxy.start();
    broker = await startBroker({
      properties: {
        'advertised.listeners': `PLAINTEXT://127.0.0.1:${proxy.port}`,
        // With it the broker would not take records for a partition that is no part of the transaction.
        'transaction.partition.verification.enable': 'false',
      },
    });
    proxy.target(broker.port);
  });
  after(async () => {
    proxy.close();
    await broker.stop();
  });

  const open = async (t: TestContext, options: Partial<KafkaLogOptions> = {}) => {
    const bootstrapServers = [`127.0.0.1:${proxy.port}`];
    const log = await openKafkaLog({ bootstrapServers, clock: systemClock, clientId: 'test', ...options });
    t.after(() => log.close());
    return log;
  };
  /** A topic, and a writer with an open transaction of one record each in partitions 0 and 1; 1 is no part of it. */
  const begin = async (log: Log) => {
    const [topic, name] = [`markers-${(named += 1)}`, `markers writer ${named}`];
    await log.createTopic(topic, { partitions: 3 });
    const writer = await openWriter(log, name, topic);
    proxy.next(API.addPartitions, 'divert request');
    await writer.append(topic, both('x'));
    assert.equal(proxy.hits, 1);
    return { topic, name, writer };
  };

  test('gets it before its commit is done', async (t) => {
    const log = await open(t);
    const { topic, writer } = await begin(log);
    await writer.commit();
    assert.deepEqual(await valuesOf(log, topic), [['x'], ['x'], []]);
    await writer.append(topic, both('y'));
    await writer.abort();
    assert.deepEqual(await valuesOf(log, topic), [['x'], ['x'], []]);
  });

  test('gets it while its writer goes on, and before the next one begins', async (t) => {
    const log = await open(t);
    const { topic, writer } = await begin(log);
    await writer.commit('decided');
    await writer.append(topic, both('y'));
    assert.deepEqual(await valuesOf(log, topic), [['x'], ['x'], []]);
    await writer.abort();
    assert.deepEqual(await valuesOf(log, topic), [['x'], ['x'], []]);
  });

  test('gets it before its writer is closed', async (t) => {
    const log = await open(t);
    const { topic, writer } = await begin(log);
    await writer.commit('decided');
    await writer.close();
    assert.deepEqual(await valuesOf(log, topic), [['x'], ['x'], []]);
  });

  test('gets it when it is aborted, so that the commit of the next one does not show it', async (t) => {
    const log = await open(t);
    const { topic, writer } = await begin(log);
    await writer.abort();
    await writer.append(topic, both('y'));
    await writer.commit();
    assert.deepEqual(await valuesOf(log, topic), [['y'], ['y'], []]);
  });

  test('gets it from the next writer of the name where it was committed', async (t) => {
    const impatient = await open(t, { requestTimeoutMs: GIVE_UP_MS, retryTimeoutMs: GIVE_UP_MS });
    const { topic, name, writer } = await begin(impatient);
    proxy.next(API.endTxn, 'lose answer', Infinity);
    await assert.rejects(writer.commit(), hasCode('LOG_UNAVAILABLE'));
    proxy.heal();
    const log = await open(t);
    assert.deepEqual((await valuesOf(log, topic))[1], []);
    const next = await openWriter(log, name, topic);
    assert.deepEqual(await valuesOf(log, topic), [['x'], ['x'], []]);
    await next.append(topic, both('y'));
    await next.abort();
    assert.deepEqual(await valuesOf(log, topic), [['x'], ['x'], []]);
  });

  test('gets it from the next writer of the name where it was left open', async (t) => {
    const log = await open(t);
    const { topic, name } = await begin(log);
    const next = await openWriter(log, name, topic);
    await next.append(topic, both('y'));
    await next.commit();
    assert.deepEqual(await valuesOf(log, topic), [['y'], ['y'], []]);
  });
});

async function openWriter(log: Log, name: string, topic: string): Promise<TransactionalWriter> {
  assert.ok(log.openTransactions !== undefined);
  return log.openTransactions(name, [topic]);
}

function both(value: string) {
  return [0, 1].map((partition) => record(value, { partition }));
}

async function valuesOf(log: Log, topic: string): Promise<string[][]> {
  const found: string[][] = [];
  for (const { partition } of await log.offsets(topic)) {
    found.push((await readPartition(log, topic, partition)).map(({ value }) => value ?? 'null'));
  }
  return found;
}
