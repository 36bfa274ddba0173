/** Transactions of which requests or answers are lost, or come late: a proxy stands between the writer and the broker. */
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

/** Soon enough for a test, and long enough for a broker on a busy machine. */
const REQUEST_TIMEOUT_MS = 4_000;

let named = 0;

describe('transactions on Kafka over a bad line', { skip: withoutKafka(), timeout: 600_000 }, () => {
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

  const open = async (t: TestContext, options: Partial<KafkaLogOptions> = {}) => {
    const log = await openKafkaLog({
      bootstrapServers: [`127.0.0.1:${proxy.port}`],
      clock: systemClock,
      clientId: 'test',
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      ...options,
    });
    t.after(() => log.close());
    return log;
  };
  const topic = async (log: Log) => {
    const name = `bad-line-${(named += 1)}`;
    await log.createTopic(name, { partitions: 2 });
    return name;
  };
  /** A writer that gives up while the proxy still loses what it sends. */
  const impatient = { requestTimeoutMs: REQUEST_TIMEOUT_MS, retryTimeoutMs: REQUEST_TIMEOUT_MS };

  for (const [api, key] of Object.entries(API)) {
    for (const fault of ['lose request', 'lose answer'] as const) {
      test(`come once when it does ${fault} of ${api}`, async (t) => {
        const log = await open(t);
        const name = await topic(log);
        const writerOf = writerName();
        await (await openWriter(log, writerOf)).append(name, both('of an earlier writer'));
        if (api === 'initProducerId') proxy.next(key, fault);
        const writer = await openWriter(log, writerOf);
        if (api !== 'initProducerId') proxy.next(key, fault);
        for (const round of ['first', 'second']) {
          await writer.append(name, both(round));
          await writer.append(name, both(`${round} again`));
          await writer.commit();
        }
        assert.equal(proxy.hits, 1);
        const expected = ['first', 'first again', 'second', 'second again'];
        assert.deepEqual(await valuesOf(log, name), [expected, expected]);
      });
    }
  }

  for (const api of ['produce', 'addPartitions', 'endTxn'] as const) {
    const key = API[api];
    for (const fault of ['lose request', 'lose answer'] as const) {
      test(`to two topics together come once when it does ${fault} of ${api}, and nothing waits for markers`, async (t) => {
        const log = await open(t);
        const names = [await topic(log), await topic(log)];
        const writer = await openWriter(log, writerName());
        const rounds = ['first', 'second', 'third'];
        for (const [index, round] of rounds.entries()) {
          if (index === 1) proxy.next(key, fault);
          await Promise.all(names.map((name) => writer.append(name, both(round))));
          await writer.commit('decided');
        }
        await writer.close();
        assert.equal(proxy.hits, 1);
        for (const name of names) assert.deepEqual(await valuesOf(log, name), [rounds, rounds]);
      });
    }
  }

  test('do not begin before a repeat of the last end has been answered, which comes late', async (t) => {
    const log = await open(t);
    const name = await topic(log);
    const writer = await openWriter(log, writerName());
    await writer.append(name, both('first'));
    // The second end asks whether all markers are there; it arrives when the next transaction is open.
    proxy.next(API.endTxn, 'hold request', 1, 1);
    await writer.commit('decided');
    await writer.append(name, both('second'));
    assert.equal(await proxy.deliverHeld(), 1);
    assert.deepEqual(await valuesOf(log, name), [['first'], ['first']]);
    await writer.abort();
    await writer.append(name, both('third'));
    await writer.commit('decided');
    await writer.close();
    assert.deepEqual(await valuesOf(log, name), [
      ['first', 'third'],
      ['first', 'third'],
    ]);
  });

  test('are there when a commit took place whose answer never came, for the next writer', async (t) => {
    const log = await open(t, impatient);
    const name = await topic(log);
    const writerOf = writerName();
    const writer = await openWriter(log, writerOf);
    await writer.append(name, both('x'));
    proxy.next(API.endTxn, 'lose answer', Infinity);
    await assert.rejects(writer.commit(), hasCode('LOG_UNAVAILABLE'));
    await assert.rejects(writer.abort(), hasCode('LOG_UNAVAILABLE', writerOf, 'opened again'));
    proxy.heal();
    const next = await openWriter(await open(t), writerOf);
    assert.deepEqual(await valuesOf(log, name), [['x'], ['x']]);
    // Fenced would mean that the commit has not taken place.
    await assert.rejects(writer.commit(), hasCode('LOG_UNAVAILABLE', writerOf, 'opened again'));
    await next.append(name, both('y'));
    await next.commit();
    assert.deepEqual(await valuesOf(log, name), [
      ['x', 'y'],
      ['x', 'y'],
    ]);
  });

  test('are not there when a commit never arrived, for the next writer', async (t) => {
    const log = await open(t, impatient);
    const name = await topic(log);
    const writerOf = writerName();
    const writer = await openWriter(log, writerOf);
    await writer.append(name, both('x'));
    proxy.next(API.endTxn, 'lose request', Infinity);
    await assert.rejects(writer.commit(), hasCode('LOG_UNAVAILABLE'));
    proxy.heal();
    await openWriter(await open(t), writerOf);
    assert.deepEqual(await valuesOf(log, name), [[], []]);
    await assert.rejects(writer.commit(), hasCode('LOG_UNAVAILABLE', writerOf, 'opened again'));
    assert.deepEqual(await valuesOf(log, name), [[], []]);
  });

  for (const fault of ['lose request', 'lose answer'] as const) {
    test(`are there once when the same writer commits again after it did ${fault}`, async (t) => {
      const log = await open(t, impatient);
      const name = await topic(log);
      const writer = await openWriter(log, writerName());
      await writer.append(name, both('x'));
      proxy.next(API.endTxn, fault, Infinity);
      await assert.rejects(writer.commit(), hasCode('LOG_UNAVAILABLE'));
      proxy.heal();
      await writer.commit();
      await writer.append(name, both('y'));
      await writer.commit();
      assert.deepEqual(await valuesOf(log, name), [
        ['x', 'y'],
        ['x', 'y'],
      ]);
    });
  }

  test('are aborted when none of what should have opened them arrived', async (t) => {
    const log = await open(t, impatient);
    const name = await topic(log);
    const writer = await openWriter(log, writerName());
    for (const round of ['first', 'second']) {
      proxy.next(API.addPartitions, 'lose request', Infinity);
      await assert.rejects(writer.append(name, both('lost')), hasCode('LOG_UNAVAILABLE'));
      proxy.heal();
      await writer.abort();
      await writer.append(name, both(round));
      await writer.commit();
    }
    assert.deepEqual(await valuesOf(log, name), [
      ['first', 'second'],
      ['first', 'second'],
    ]);
  });

  test('are not ended by a commit of the one before that comes late', async (t) => {
    const log = await open(t);
    const name = await topic(log);
    const writer = await openWriter(log, writerName());
    await writer.append(name, both('first'));
    proxy.next(API.endTxn, 'hold request');
    await writer.commit();
    await writer.append(name, both('second'));
    assert.equal(await proxy.deliverHeld(), 1);
    assert.deepEqual(await valuesOf(log, name), [['first'], ['first']]);
    await writer.abort();
    await writer.append(name, both('third'));
    await writer.commit();
    assert.deepEqual(await valuesOf(log, name), [
      ['first', 'third'],
      ['first', 'third'],
    ]);
  });

  test('have their own records after one that was aborted without knowing what the broker had of it', async (t) => {
    const log = await open(t, impatient);
    const name = await topic(log);
    const writer = await openWriter(log, writerName());
    await writer.append(name, both('first'));
    await writer.commit();
    proxy.next(API.produce, 'spoil answer', Infinity);
    await assert.rejects(
      writer.append(name, both('lost')),
      hasCode('LOG_UNAVAILABLE', 'NOT_ENOUGH_REPLICAS'),
    );
    proxy.heal();
    await writer.abort();
    await writer.append(name, both('second'));
    await writer.commit();
    assert.deepEqual(await valuesOf(log, name), [
      ['first', 'second'],
      ['first', 'second'],
    ]);
  });

  test('have no records of an aborted one that come late', async (t) => {
    const log = await open(t, impatient);
    const name = await topic(log);
    const writer = await openWriter(log, writerName());
    await writer.append(name, both('first'));
    proxy.next(API.produce, 'hold request', Infinity);
    await assert.rejects(writer.append(name, both('late')), hasCode('LOG_UNAVAILABLE'));
    proxy.heal();
    await writer.abort();
    await writer.append(name, both('second'));
    assert.ok((await proxy.deliverHeld()) > 0);
    await writer.append(name, both('third'));
    await writer.commit();
    assert.deepEqual(await valuesOf(log, name), [
      ['second', 'third'],
      ['second', 'third'],
    ]);
  });
});

async function openWriter(log: Log, name: string): Promise<TransactionalWriter> {
  assert.ok(log.openTransactions !== undefined);
  return log.openTransactions(name);
}

function writerName(): string {
  return `bad line writer ${(named += 1)}`;
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
