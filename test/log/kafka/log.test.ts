/** What only Kafka has: transactions, compaction, codecs, limits of a topic, consumer groups, other clients. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { deleteRecordsV2, offsetFetchV8, Producer, stringSerializers } from '@platformatic/kafka';
import type { Log } from '../../../src/contracts/log.ts';
import { openKafkaLog } from '../../../src/log/kafka/log.ts';
import { partitionOfKey } from '../../../src/log/shared/partition.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';
import { bytes, readPartition, readRecords, type PlainRecord } from '../../contract/log/log-records.ts';
import { hasCode } from '../../contract/log/log-under-test.ts';
import { findJava } from '../../../scripts/kafka/java.js';
import { freePort } from '../../../scripts/kafka/ports.js';
import { kafkaSettings, withoutKafka } from '../../kafka/broker.ts';
import { untilSettled } from '../../kafka/settled.ts';
import { kafkaBench, record } from './kafka-bench.ts';

const skip = withoutKafka();

describe('the Kafka log', { skip }, () => {
  const bench = kafkaBench({ properties: { 'log.cleaner.backoff.ms': '100' } });

  describe('with transactions', () => {
    test('reads committed records, not aborted ones, and no markers', async (t) => {
      const { open, topic } = bench();
      const log = await open(t);
      const name = await topic(t, 1);
      const producer = await transactionalProducer(t);
      await log.append(name, [record('plain 1')]);
      for (const [values, ending] of [
        [['kept 1', 'kept 2'], 'commit'],
        [['aborted 1', 'aborted 2'], 'abort'],
        [['kept 3'], 'commit'],
        [['aborted 3'], 'abort'],
      ] as const) {
        const transaction = await producer.beginTransaction();
        for (const value of values) {
          await transaction.send({ messages: [{ topic: name, partition: 0, value }] });
          if (value === 'aborted 1') await log.append(name, [record('plain, within an aborted one')]);
        }
        await transaction[ending]();
      }
      await untilSettled(t, bench().broker.port, name);
      const [at] = await log.offsets(name);
      const records = await readPartition(log, name, 0);
      assert.deepEqual(
        records.map(({ value }) => value),
        ['plain 1', 'kept 1', 'kept 2', 'plain, within an aborted one', 'kept 3'],
      );
      // Eight records and four markers have an offset each; the range ends with an aborted record and its marker.
      assert.deepEqual(at, { partition: 0, earliest: 0, latest: 12 });
      const ends = [records.at(-1)?.offset ?? 0, 9, 10, 11, 12];
      for (const end of ends) {
        const some = await readRecords(log, { topic: name, partition: 0, start: 5, end });
        assert.deepEqual(
          some,
          records.filter(({ offset }) => offset >= 5 && offset < end),
        );
      }
    });

    test('has a latest below an open transaction, which a wait for records sees end', async (t) => {
      const { open, topic } = bench();
      const log = await open(t);
      const name = await topic(t, 1);
      await log.append(name, [record('before')]);
      const producer = await transactionalProducer(t);
      const transaction = await producer.beginTransaction();
      await transaction.send({ messages: [{ topic: name, partition: 0, value: 'open' }] });
      await log.append(name, [record('behind')]);
      const known = await log.offsets(name);
      assert.equal(known[0]?.latest, 1);
      const past = { topic: name, partition: 0, start: 0, end: 2 };
      await assert.rejects(readRecords(log, past), hasCode('LOG_CORRUPT', 'offset 1'));
      const signal = new AbortController().signal;
      assert.equal(await log.waitForRecords(name, known, 100, signal), false);
      const waiting = log.waitForRecords(name, known, 120_000, signal);
      await transaction.commit();
      assert.equal(await waiting, true);
      await untilSettled(t, bench().broker.port, name);
      assert.deepEqual(await valuesOf(log, name), ['before', 'open', 'behind']);
    });

    async function transactionalProducer(t: TestContext) {
      const producer = new Producer({
        clientId: 'transactions',
        bootstrapBrokers: [bench().broker.bootstrap],
        transactionalId: `transactions-${t.name}`,
        idempotent: true,
        serializers: stringSerializers,
      });
      t.after(() => producer.close(true));
      return producer;
    }
  });

  test('reads over the gaps of a compacted topic', async (t) => {
    const { open, topic } = bench();
    const log = await open(t);
    const name = await topic(t, 1, {
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '0.001',
      'segment.ms': '100',
      'delete.retention.ms': '0',
    });
    for (let round = 0; round < 60; round += 1) {
      await log.append(name, [record(`${round}`, { key: bytes(`key ${round % 3}`) })]);
    }
    const deadlineMs = performance.now() + 180_000;
    const rests = new Map<number, PlainRecord[]>();
    let records: PlainRecord[] = [];
    let latest = 0;
    // The newest segment is never compacted; a record now and then makes it roll. What is compared must not change meanwhile.
    for (let round = 60, isSteady = false; records.length > 30 || !isSteady; round += 1) {
      assert.ok(performance.now() < deadlineMs, 'the broker did not compact');
      await sleep(300);
      await log.append(name, [record(`${round}`, { key: bytes(`key ${round % 3}`) })]);
      records = await readPartition(log, name, 0);
      latest = (await log.offsets(name))[0]?.latest ?? 0;
      for (let start = 0; start < latest; start += 7) {
        rests.set(start, await readRecords(log, { topic: name, partition: 0, start, end: latest }));
      }
      isSteady = JSON.stringify(await readPartition(log, name, 0)) === JSON.stringify(records);
    }
    assert.equal(records.at(-1)?.value, `${latest - 1}`);
    assert.ok(records.length >= 3);
    for (const { offset, value } of records) assert.equal(value, `${offset}`);
    for (const [start, rest] of rests) {
      assert.deepEqual(
        rest,
        records.filter(({ offset }) => offset >= start),
      );
    }
  });

  test('says which offsets are gone where records were deleted below', async (t) => {
    const { open, topic, connect } = bench();
    const log = await open(t);
    const name = await topic(t, 1);
    await log.append(
      name,
      ['a', 'b', 'c', 'd', 'e'].map((value) => record(value)),
    );
    const partitions = [{ partitionIndex: 0, offset: 3n }];
    await deleteRecordsV2.api.async(await connect(t), [{ name, partitions }], 5_000);
    assert.deepEqual(await log.offsets(name), [{ partition: 0, earliest: 3, latest: 5 }]);
    const range = { topic: name, partition: 0, start: 1, end: 5 };
    await assert.rejects(readRecords(log, range), hasCode('DATA_LOSS', 'Offsets 1 to 2', name));
    assert.deepEqual(await valuesOf(log, name), ['d', 'e']);
  });

  test('does not go on with another topic of the same name', async (t) => {
    const { open, topic } = bench();
    const log = await open(t);
    const other = await open(t);
    const name = await topic(t, 1);
    const value = new Uint8Array(1_500_000).fill(65);
    for (let round = 0; round < 4; round += 1) await log.append(name, [{ key: null, value }]);
    const chunks = log.read({ topic: name, partition: 0, start: 0, end: 4 })[Symbol.asyncIterator]();
    assert.equal((await chunks.next()).done, false);
    await other.deleteTopic(name);
    await other.createTopic(name, { partitions: 1 });
    for (let round = 0; round < 4; round += 1) await other.append(name, [{ key: null, value }]);
    const rest = async () => {
      while ((await chunks.next()).done !== true);
    };
    await assert.rejects(rest(), hasCode('TOPIC_RECREATED', name));
  });

  test('finds partitions that were added, and wakes who waits', async (t) => {
    const { open, topic, broker } = bench();
    const log = await open(t);
    const name = await topic(t, 1);
    const waiting = log.waitForRecords(name, await log.offsets(name), 30_000, new AbortController().signal);
    await kafkaTool(
      'org.apache.kafka.tools.TopicCommand',
      broker.bootstrap,
      `--alter --topic ${name} --partitions 3`,
    );
    assert.equal(await waiting, true);
    assert.equal((await log.describeTopic(name))?.partitions, 3);
    assert.equal((await log.offsets(name)).length, 3);
    const [range] = await log.append(name, [record('x', { partition: 2 })]);
    assert.deepEqual(range, { partition: 2, baseOffset: 0, count: 1 });
  });

  test('refuses a record that is too large for its topic by its place, and sends smaller batches of others', async (t) => {
    const { open, topic } = bench();
    const log = await open(t);
    const name = await topic(t, 1, { 'max.message.bytes': '20000' });
    const small = Array.from({ length: 300 }, (_, index) => record(`${index} ${'x'.repeat(500)}`));
    const [range, ...others] = await log.append(name, small);
    assert.deepEqual([range, others], [{ partition: 0, baseOffset: 0, count: 300 }, []]);
    const call = log.append(name, [record('fits'), record('y'.repeat(30_000)), record('behind')]);
    await assert.rejects(call, hasCode('RECORD_TOO_LARGE', 'Record 1', '30000', name));
    await log.append(name, [record('next')]);
    const values = await valuesOf(log, name);
    assert.deepEqual(values, [
      ...small.map(({ value }) => Buffer.from(value ?? []).toString()),
      'fits',
      'next',
    ]);
  });

  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    test(`writes and reads ${compression}, and reads what a Java client wrote in it`, async (t) => {
      const { open, topic, broker } = bench();
      const log = await open(t, { compression });
      const name = await topic(t, 1);
      const headers = [{ name: 'h', value: bytes('1') }];
      const ours = Array.from({ length: 3_000 }, (_, index) =>
        record(`ours ${index} ${'z'.repeat(index % 100)}`, {
          key: bytes(`${index}`),
          ...(index % 50 === 0 ? { headers } : {}),
        }),
      );
      await log.append(name, ours);
      for (let index = 0; index < 20; index += 1) await log.append(name, [record(`single ${index}`)]);
      const theirs = Array.from({ length: 500 }, (_, index) => `theirs ${index} ${'q'.repeat(index % 300)}`);
      await produceWithJava(broker.bootstrap, name, theirs, `--compression-codec ${compression}`);
      const records = await readPartition(log, name, 0);
      assert.deepEqual(
        records.map(({ value }) => value),
        [
          ...ours.map(({ value }) => Buffer.from(value ?? []).toString()),
          ...Array.from({ length: 20 }, (_, index) => `single ${index}`),
          ...theirs,
        ],
      );
      assert.equal(records.filter((each) => each.headers.length > 0).length, 60);
      assert.deepEqual(records[50]?.headers, [{ name: 'h', value: '1' }]);
      assert.equal(records[2_999]?.key, '2999');
    });
  }

  test('finds every key where a Java client puts it', async (t) => {
    const { open, topic, broker } = bench();
    const log = await open(t);
    const name = await topic(t, 7);
    const keys = Array.from({ length: 200 }, (_, index) => `${'k'.repeat(index % 9)}é${index}`);
    const settings = '--property parse.key=true --property key.separator=|';
    await produceWithJava(
      broker.bootstrap,
      name,
      keys.map((key) => `${key}|v`),
      settings,
    );
    let found = 0;
    for (let partition = 0; partition < 7; partition += 1) {
      for (const { key } of await readPartition(log, name, partition)) {
        const keyBytes = Buffer.from(key ?? '', 'latin1');
        assert.ok(keys.includes(keyBytes.toString('utf8')));
        assert.equal(partitionOfKey(keyBytes, 7), partition, keyBytes.toString('utf8'));
        found += 1;
      }
    }
    assert.equal(found, 200);
  });

  test('shows offsets to lag tools as those of a group', async (t) => {
    const { open, topic, connect } = bench();
    const log = await open(t);
    const name = await topic(t, 2);
    const offsets = [
      { partition: 0, nextOffset: 17 },
      { partition: 1, nextOffset: 0 },
    ];
    await log.publishOffsets?.('a query', name, [{ partition: 0, nextOffset: 3 }]);
    await log.publishOffsets?.('a query', name, offsets);
    const groups = [{ groupId: 'a query', memberEpoch: -1, topics: [{ name, partitionIndexes: [0, 1] }] }];
    const answer = await offsetFetchV8.api.async(await connect(t), groups, false);
    const committed = answer.groups[0]?.topics[0]?.partitions.map(({ committedOffset }) => committedOffset);
    assert.deepEqual(committed, [17n, 0n]);
  });

  test('takes a broker’s own time where the topic has it', async (t) => {
    const { open, topic } = bench();
    const log = await open(t);
    const name = await topic(t, 1, { 'message.timestamp.type': 'LogAppendTime' });
    const beforeMs = systemClock.nowMs() - 1_000;
    await log.append(name, [record('a', { timestampMs: 5 }), record('b', { timestampMs: 6 })]);
    for (const { timestampMs } of await readPartition(log, name, 0)) assert.ok(timestampMs > beforeMs);
  });
});

describe('a Kafka log without a broker', { timeout: 120_000 }, () => {
  test('is LOG_UNAVAILABLE after the time for a first contact, and says so meanwhile', async () => {
    const said: string[] = [];
    const startMs = performance.now();
    const opening = openKafkaLog({
      bootstrapServers: [`127.0.0.1:${await freePort()}`],
      clock: systemClock,
      clientId: 'test',
      connectTimeoutMs: 1_500,
      onWaiting: (words) => said.push(words),
    });
    await assert.rejects(opening, hasCode('LOG_UNAVAILABLE', 'ECONNREFUSED', 'kafka.bootstrap_servers'));
    const elapsedMs = performance.now() - startMs;
    // A call that is not a first contact would go on for two minutes.
    assert.ok(elapsedMs >= 1_400 && elapsedMs < 60_000, `${elapsedMs} ms`);
    assert.equal(said.length, 1);
    assert.match(said[0] ?? '', /for \d+ s \(giving up after 2 s\).*ECONNREFUSED/);
  });

  test('is LOG_UNAVAILABLE where something takes the connection and never answers', async (t) => {
    const server = createServer((socket) => socket.on('error', () => undefined));
    t.after(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const opening = openKafkaLog({
      bootstrapServers: [`127.0.0.1:${port}`],
      clock: systemClock,
      clientId: 'test',
      connectTimeoutMs: 500,
      requestTimeoutMs: 500,
    });
    await assert.rejects(opening, hasCode('LOG_UNAVAILABLE', 'timed out'));
  });

  test('refuses what is no broker', async () => {
    const opening = openKafkaLog({ bootstrapServers: ['nonsense'], clock: systemClock, clientId: 'test' });
    await assert.rejects(opening, hasCode('CONFIG_INVALID', 'nonsense'));
  });
});

async function valuesOf(log: Log, topic: string): Promise<(string | null)[]> {
  return (await readPartition(log, topic, 0)).map(({ value }) => value);
}

function produceWithJava(
  bootstrap: string,
  topic: string,
  lines: readonly string[],
  words: string,
): Promise<void> {
  return kafkaTool('org.apache.kafka.tools.ConsoleProducer', bootstrap, `--topic ${topic} ${words}`, lines);
}

/** One of Kafka's own commands, as another client than ours. */
async function kafkaTool(
  main: string,
  bootstrap: string,
  words: string,
  lines: readonly string[] = [],
): Promise<void> {
  const run = promisify(execFile)(
    findJava(process.env).path,
    [
      '-Xmx128m',
      '-cp',
      join(kafkaSettings.libs, '*'),
      main,
      '--bootstrap-server',
      bootstrap,
      ...words.split(' '),
    ],
    { timeout: 300_000 },
  );
  run.child.stdin?.end(lines.map((line) => `${line}\n`).join(''));
  await run;
}
