/** Several appends under way at once, of which requests or answers are lost: a proxy stands before the broker. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { deliver } from '../../src/producer/deliver.ts';
import { createRandom } from '../../src/producer/random.ts';
import { UNPACED } from '../../src/producer/token-bucket.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import { systemClock } from '../../src/observe/system-clock.ts';
import { readPartition } from '../contract/log/log-records.ts';
import { startBroker, withoutKafka, type TestBroker } from './broker.ts';
import { API, FaultProxy, type Fault } from './fault-proxy.ts';

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
      const calm = new AbortController().signal;
      let given = 0;
      let acknowledged = 0;
      const summary = await deliver({
        log,
        topic,
        source: {
          pull: (recordsMax) => {
            const count = Math.min(recordsMax, RECORDS - given);
            const records = Array.from({ length: count }, (_, at) => ({
              key: Buffer.from(String((given + at) % 7)),
              value: Buffer.from(String(given + at)),
            }));
            given += count;
            return Promise.resolve(records);
          },
          close: () => Promise.resolve(),
        },
        pace: UNPACED,
        clock: systemClock,
        random: createRandom(1),
        limits: { batchRecordsMax: 50 },
        stop: calm,
        abort: calm,
        onAcknowledged: (records) => {
          const before = acknowledged;
          acknowledged += records.length;
          // By then the brokers know the producer, and a full window is under way.
          if (before < RECORDS / 4 && acknowledged >= RECORDS / 4) proxy.next(API.produce, fault, times);
        },
      });
      assert.ok(proxy.hits > 0, 'the fault met nothing');
      proxy.heal();
      assert.deepEqual([summary.acknowledged, summary.unacknowledged], [RECORDS, 0]);
      const all: number[] = [];
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        const values = (await readPartition(log, topic, partition)).map(({ value }) => Number(value));
        assert.deepEqual(
          values,
          values.toSorted((a, b) => a - b),
        );
        all.push(...values);
      }
      assert.deepEqual(
        all.toSorted((a, b) => a - b),
        Array.from({ length: RECORDS }, (_, at) => at),
      );
    });
  }
});
