/** A Kafka log that goes back while producers write past its old end: what was read before is no longer what it has. */
import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTopicsV7, deleteRecordsV2 } from '@platformatic/kafka';
import type {
  HistoryBreak,
  HistoryMark,
  Log,
  PartitionMark,
  PartitionOffsets,
  TopicDescription,
} from '../../../../src/contracts/log.ts';
import { pathsOf } from '../../../../scripts/kafka/folder.js';
import { KafkaCluster } from '../../../../src/log/kafka/cluster/cluster.ts';
import { settleOptions } from '../../../../src/log/kafka/cluster/options.ts';
import { readRange } from '../../../../src/log/kafka/read/reader.ts';
import { systemClock } from '../../../../src/observe/system-clock.ts';
import { readRecords } from '../../../contract/log/log-records.ts';
import { hasCode } from '../../../contract/log/log-under-test.ts';
import { startCluster, withoutKafka, type TestBroker, type TestCluster } from '../../../kafka/broker.ts';
import { connect, openLog } from '../../../kafka/purchases.ts';
import { hasHeardOf, kafkaBench, record } from '../kafka-bench.ts';

const PATIENCE_MS = 120_000;

describe('what was read from Kafka', { skip: withoutKafka(), timeout: 600_000 }, () => {
  const bench = kafkaBench({ properties: { 'log.cleaner.backoff.ms': '100' } });

  for (const compression of ['none', 'gzip'] as const) {
    test(`has a mark for each chunk, which fits the log that it was read from (${compression})`, async (t) => {
      const { open, topic: make } = bench();
      const log = await open(t, { compression });
      const name = await make(t, 2);
      await appendBatches(log, name, 'a', 30, { partition: 0 });
      await appendBatches(log, name, 'b', 7, { partition: 1 });
      const marks = [...(await marksOf(log, name, 0)), ...(await marksOf(log, name, 1))];
      assert.deepEqual(
        marks.map(({ partition, mark: { baseOffset, nextOffset } }) => [partition, baseOffset, nextOffset]),
        [
          [0, 58, 60],
          [1, 12, 14],
        ],
      );
      assert.deepEqual(await check(log, name, marks), []);
      // Ranges that end within a batch, and one that begins there.
      for (const [start, end] of [
        [0, 1],
        [3, 5],
        [7, 8],
      ] as const) {
        const mark = await markIn(log, name, start, end);
        const baseOffset = end - (end % 2 === 0 ? 2 : 1);
        assert.deepEqual([mark.baseOffset, mark.nextOffset], [baseOffset, baseOffset + 2]);
        assert.deepEqual(await check(log, name, [{ partition: 0, mark }]), []);
      }
    });
  }

  test('fits also if records were deleted up to the mark, within its batch, or beyond it', async (t) => {
    const { open, topic: make, connect: connectTo } = bench();
    const log = await open(t);
    const name = await make(t, 1);
    await appendBatches(log, name, 'a', 20);
    const marks = await marksOf(log, name, 0, 30);
    assert.deepEqual([marks[0]?.mark.baseOffset, marks[0]?.mark.nextOffset], [28, 30]);
    for (const offset of [28n, 29n, 30n, 35n]) {
      const partitions = [{ partitionIndex: 0, offset }];
      await deleteRecordsV2.api.async(await connectTo(t), [{ name, partitions }], 10_000);
      assert.deepEqual(await check(log, name, marks), []);
    }
  });

  test('fits also if compaction took records of the batch, and does not if it is said to be another', async (t) => {
    const { open, topic: make } = bench();
    const log = await open(t);
    const name = await make(t, 1, {
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '0.001',
      'segment.ms': '100',
      'delete.retention.ms': '0',
    });
    const key = (index: number) => new TextEncoder().encode(`key ${index % 3}`);
    const append = (round: number) =>
      log.append(
        name,
        [0, 1].map((index) => record(`${round}`, { key: key(round + index) })),
      );
    await append(0);
    const [mark] = await marksOf(log, name, 0);
    assert.ok(mark !== undefined);
    assert.deepEqual([mark.mark.baseOffset, mark.mark.nextOffset], [0, 2]);
    assert.deepEqual(await check(log, name, [mark]), []);
    const endMs = performance.now() + PATIENCE_MS;
    const isThere = async () => {
      const read = await readRecords(log, { topic: name, partition: 0, start: 0, end: 2 });
      return read.length === 2;
    };
    // The newest segment is never compacted; a record now and then makes it roll.
    for (let round = 1; await isThere(); round += 1) {
      assert.ok(performance.now() < endMs, 'the broker did not compact');
      await sleep(300);
      await append(round);
    }
    assert.deepEqual(await check(log, name, [mark]), []);
    const [found] = await check(log, name, [{ ...mark, mark: { ...mark.mark, leaderEpoch: 99 } }]);
    assert.ok(found !== undefined && found.end === 2);
  });

  for (const what of ['its whole disk', 'the folder of the partition'] as const) {
    test(`is missing after a broker was started with an older copy of ${what}, and is reported with its range`, async (t) => {
      const { open, topic: make, broker } = bench();
      const log = await open(t);
      const name = await make(t, 1);
      await appendBatches(log, name, 'kept', 30);
      const folders = what === 'its whole disk' ? ['.'] : [`${name}-0`];
      const restore = await copyOf(t, broker, folders);
      await appendBatches(log, name, 'lost', 20);
      const topic = (await log.describeTopic(name)) as TopicDescription;
      const marks = await marksOf(log, name, 0);
      assert.deepEqual([marks[0]?.mark.baseOffset, marks[0]?.mark.nextOffset], [98, 100]);
      assert.deepEqual(await log.checkHistory?.(topic, marks), []);
      const known = await log.offsets(name);
      await restore();
      const other = await open(t);
      assert.deepEqual(await other.offsets(name), [{ partition: 0, earliest: 0, latest: 60 }]);
      const [short] = await check(other, name, marks);
      assert.deepEqual([short?.partition, short?.start, short?.end], [0, 60, 100]);
      await appendBatches(other, name, 'new', 50);

      // A query that was running, one that starts, and what both say.
      const [found, ...others] = await check(other, name, marks);
      assert.deepEqual(others, []);
      assert.deepEqual([found?.partition, found?.start, found?.end], [0, 60, 100]);
      assert.equal(await log.follow?.(topic, known), undefined);
      const next = { topic: name, partition: 0, start: 100, end: 160 };
      await assert.rejects(readRecords(log, next), hasCode('DATA_LOSS', 'Offsets 60 to 99', name));
      const sound = await marksOf(other, name, 0);
      assert.deepEqual(await check(other, name, sound), []);
      const older: PartitionMark = { partition: 0, mark: await markIn(other, name, 0, 40) };
      const [refined] = await check(other, name, [older, ...marks]);
      // Of an epoch that both histories have, it is not known where the records begin to differ.
      assert.deepEqual([refined?.start, refined?.end, refined?.isExact], [40, 100, true]);
    });
  }

  /** Copies folders below the broker's data while it is stopped; the function that it gives puts the copy back. */
  async function copyOf(t: TestContext, broker: TestBroker, folders: readonly string[]) {
    const { data } = pathsOf(broker.folder);
    const copy = join(broker.folder, `copy ${t.name.length} ${folders.join(' ')}`.replaceAll('.', '_'));
    await broker.kill('SIGTERM');
    for (const folder of folders) cpSync(join(data, folder), join(copy, folder), { recursive: true });
    await broker.restart();
    return async () => {
      await broker.kill('SIGTERM');
      for (const folder of folders) {
        rmSync(join(data, folder), { recursive: true });
        cpSync(join(copy, folder), join(data, folder), { recursive: true });
      }
      await broker.restart();
    };
  }
});

describe('an election on Kafka', { skip: withoutKafka(), timeout: 600_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    // The third one keeps the controllers' majority, and no copy of the topics.
    cluster = await startCluster(3, {
      'broker.session.timeout.ms': '2000',
      'unclean.leader.election.interval.ms': '1000',
    });
  });
  after(() => cluster.stop());

  async function makeTopic(t: TestContext, name: string): Promise<void> {
    const assignments = [{ partitionIndex: 0, brokerIds: [1, 2] }];
    const configs = [
      { name: 'unclean.leader.election.enable', value: 'true' },
      { name: 'min.insync.replicas', value: '1' },
    ];
    const request = { name, numPartitions: -1, replicationFactor: -1, assignments, configs };
    const third = cluster.brokers[2] as TestBroker;
    await createTopicsV7.api.async(await connect(t, third.port), [request], 20_000, false);
    for (const { port } of cluster.brokers) {
      const connection = await connect(t, port);
      while (!(await hasHeardOf(connection, name))) await sleep(20);
    }
  }

  /** Reads on from marks that were compared before the log went back, as if no connection had ended since. */
  async function readAfter(t: TestContext, { name, id }: TopicDescription, marks: readonly PartitionMark[]) {
    const bootstrapServers = cluster.bootstrap.split(',');
    const kafka = new KafkaCluster(settleOptions({ bootstrapServers, clock: systemClock, clientId: 'test' }));
    t.after(() => kafka.close());
    await kafka.persist(() => kafka.topic(name), { topic: name });
    for (const { partition, mark } of marks) {
      const note = { offset: mark.nextOffset, mark, checkedAt: kafka.interruptions };
      kafka.history.keep(id, partition, note);
    }
    for await (const chunk of readRange(kafka, { topic: name, partition: 0, start: 100, end: 160 })) {
      assert.fail(`${chunk.count} records were read`);
    }
  }

  test('that loses no record is none that a reader notices', async (t) => {
    const name = 'clean';
    await makeTopic(t, name);
    const log = await openLog(t, cluster.bootstrap);
    await appendBatches(log, name, 'a', 20);
    const marks = await marksOf(log, name, 0);
    const other = await openLog(t, cluster.bootstrap);
    for (const broker of cluster.brokers.slice(0, 2)) {
      await broker.restart();
      await appendBatches(other, name, `after ${broker.port}`, 5);
      assert.deepEqual(await check(log, name, marks), []);
    }
    const read = await readRecords(log, { topic: name, partition: 0, start: 40, end: 60 });
    assert.equal(read.length, 20);
    assert.deepEqual(await check(log, name, await marksOf(log, name, 0)), []);
  });

  test('of a replica that lacks records is DATA_LOSS with their range, for a query that starts and one that runs', async (t) => {
    const name = 'unclean';
    await makeTopic(t, name);
    const [first, second] = cluster.brokers as [TestBroker, TestBroker];
    const log = await openLog(t, cluster.bootstrap);
    await appendBatches(log, name, 'kept', 30);
    await untilReplicated(log, name, 60);
    await second.kill('SIGKILL');
    await appendBatches(log, name, 'lost', 20);
    const marks = await marksOf(log, name, 0);
    assert.equal(marks[0]?.mark.nextOffset, 100);
    const topic = (await log.describeTopic(name)) as TopicDescription;
    const known = await log.offsets(name);
    assert.deepEqual(await log.checkHistory?.(topic, marks), []);
    await first.kill('SIGKILL');
    await second.restart();
    const other = await openLog(t, cluster.bootstrap);
    await appendBatches(other, name, 'new', 50);
    const [found, ...others] = await check(other, name, marks);
    assert.deepEqual(others, []);
    assert.deepEqual([found?.partition, found?.start, found?.end, found?.isExact], [0, 60, 100, true]);
    assert.match(found?.why ?? '', /leader epoch \d+ ends at offset 60/);
    await assert.rejects(readAfter(t, topic, marks), hasCode('DATA_LOSS', 'Offsets 60 to 99', name));
    assert.equal(await log.follow?.(topic, known), undefined);
    const next = { topic: name, partition: 0, start: 100, end: 160 };
    await assert.rejects(readRecords(log, next), hasCode('DATA_LOSS', 'Offsets 60 to 99', name));
    await first.restart();
    assert.equal((await check(other, name, marks)).length, 1);
    await assert.rejects(readRecords(log, next), hasCode('DATA_LOSS', 'Offsets 60 to 99', name));
  });
});

/** Batches of two records each. */
async function appendBatches(
  log: Log,
  topic: string,
  seed: string,
  count: number,
  { partition = 0 } = {},
): Promise<void> {
  for (let batch = 0; batch < count; batch += 1) {
    await log.append(
      topic,
      [0, 1].map((index) => record(`${seed} ${batch} ${index}`, { partition })),
    );
  }
}

/** The mark that a query has which has read so far. */
async function marksOf(log: Log, topic: string, partition: number, end?: number): Promise<PartitionMark[]> {
  const at = (await log.offsets(topic))[partition] as PartitionOffsets;
  const range = { topic, partition, start: at.earliest, end: end ?? at.latest };
  let mark: HistoryMark | undefined;
  for await (const chunk of log.read(range)) mark = chunk.mark;
  return mark === undefined ? [] : [{ partition, mark }];
}

async function markIn(log: Log, topic: string, start: number, end: number): Promise<HistoryMark> {
  let found: HistoryMark | undefined;
  for await (const { mark } of log.read({ topic, partition: 0, start, end })) found = mark;
  assert.ok(found !== undefined);
  return found;
}

async function check(
  log: Log,
  topic: string,
  marks: readonly PartitionMark[],
): Promise<readonly HistoryBreak[]> {
  const described = (await log.describeTopic(topic)) as TopicDescription;
  return (await log.checkHistory?.(described, marks)) ?? [];
}

/** What the high watermark has passed lies on every replica in sync. */
async function untilReplicated(log: Log, topic: string, end: number): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while ((await log.offsets(topic))[0]?.latest !== end) {
    assert.ok(performance.now() < endMs, 'the records were not copied');
    await sleep(20);
  }
}
