import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RECORD_VALUE_BYTES_MAX } from '../../../src/contracts/log.ts';
import { partitionOfKey } from '../../../src/log/shared/partition.ts';
import { blockOf, bytes, readPartition, readRecords } from './log-records.ts';
import { hasCode, openBench, type LogSetup } from './log-under-test.ts';

export function appendContract(setup: LogSetup): void {
  const { features } = setup;
  describe('appending', () => {
    test('gives one range for every partition touched, in order of partition', async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(4);
      const partitions = [3, 1, 3, 1, 3];
      const records = partitions.map((partition, index) => ({
        key: null,
        value: bytes(`v${index}`),
        partition,
      }));
      const ranges = await log.append(name, records);
      assert.deepEqual(
        ranges.map(({ partition, count }) => ({ partition, count })),
        [
          { partition: 1, count: 2 },
          { partition: 3, count: 3 },
        ],
      );
      for (const { partition, baseOffset, count } of ranges) {
        const range = { topic: name, partition, start: baseOffset, end: baseOffset + count };
        const values = (await readRecords(log, range)).map(({ value }) => value);
        assert.deepEqual(values, partition === 1 ? ['v1', 'v3'] : ['v0', 'v2', 'v4']);
      }
    });

    test('goes on where the last append ended', { skip: !features.contiguousOffsets }, async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(1);
      const two = [bytes('a'), bytes('b')].map((value) => ({ key: null, value }));
      const bases = [];
      for (let round = 0; round < 3; round += 1) bases.push((await log.append(name, two))[0]?.baseOffset);
      assert.deepEqual(bases, [0, 2, 4]);
    });

    test('takes the rows of a block as it takes records, where it takes blocks', async (t) => {
      const { log, topic } = await openBench(t, setup);
      if (log.appendBlock === undefined) return t.skip('this log takes records only');
      const records = Array.from({ length: 3_000 }, (_, index) => ({
        key: index % 7 === 0 ? null : bytes(`customer_${index % 50}`),
        value: index % 11 === 0 ? null : bytes(`${index} `.repeat(index % 400)),
      }));
      const [asRecords, asBlock] = [await topic(3), await topic(3)];
      // One call each: the first of a log starts its turn of partitions for records without a key.
      const ranges = await log.append(asRecords, records);
      const blockRanges = await log.appendBlock(asBlock, blockOf(records));
      const counts = (all: typeof ranges) => all.reduce((sum, { count }) => sum + count, 0);
      assert.deepEqual([counts(ranges), counts(blockRanges)], [3_000, 3_000]);
      const keyed = async (name: string, partition: number) =>
        (await readPartition(log, name, partition))
          .filter(({ key }) => key !== null)
          .map(({ key, value, headers }) => ({ key, value, headers }));
      const keyless: unknown[] = [];
      for (let partition = 0; partition < 3; partition += 1) {
        assert.deepEqual(await keyed(asBlock, partition), await keyed(asRecords, partition));
        const others = await readPartition(log, asBlock, partition);
        keyless.push(...others.filter(({ key }) => key === null).map(({ value }) => value));
      }
      const expected = records.filter(({ key }) => key === null).map(({ value }) => value);
      assert.deepEqual(
        keyless,
        expected.map((value) => value && Buffer.from(value).toString()),
      );
      assert.deepEqual(await log.appendBlock(asBlock, blockOf([])), []);
    });

    test('nothing gives no range', async (t) => {
      const { log, topic } = await openBench(t, setup);
      assert.deepEqual(await log.append(await topic(1), []), []);
    });

    test('puts a key where Kafka puts it, and a partition given by name before that', async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(5);
      const keys = Array.from({ length: 40 }, (_, index) => `customer_${index}`);
      await log.append(
        name,
        keys.map((key) => ({ key: bytes(key), value: bytes('by key') })),
      );
      await log.append(name, [{ key: bytes('customer_0'), value: bytes('by name'), partition: 4 }]);
      for (let partition = 0; partition < 5; partition += 1) {
        const records = await readPartition(log, name, partition);
        const byKey = records.filter(({ value }) => value === 'by key').map(({ key }) => key);
        assert.deepEqual(
          byKey,
          keys.filter((key) => partitionOfKey(bytes(key), 5) === partition),
        );
        assert.equal(records.length - byKey.length, partition === 4 ? 1 : 0);
      }
    });

    test('spreads records without a key over the partitions', async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(3);
      const touched = new Set<number>();
      let count = 0;
      for (let call = 0; call < 30; call += 1) {
        for (const range of await log.append(name, [{ key: null, value: bytes('x') }])) {
          touched.add(range.partition);
          count += range.count;
        }
      }
      assert.equal(count, 30);
      assert.equal(touched.size, 3);
    });

    test('stamps a record that brings no time with the clock, and keeps a time that is given', async (t) => {
      const { log, topic, clock } = await openBench(t, setup);
      const name = await topic(1);
      const fromMs = Math.floor(clock.nowMs());
      await log.append(name, [
        { key: null, value: bytes('now') },
        { key: null, value: bytes('then'), timestampMs: 1_234 },
      ]);
      const [now, then] = await readPartition(log, name, 0);
      assert.ok(now !== undefined && now.timestampMs >= fromMs && now.timestampMs <= clock.nowMs());
      assert.equal(then?.timestampMs, 1_234);
    });

    test('refuses a value above the limit, with its size and the limit, and writes nothing of the call', async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(2);
      const large = new Uint8Array(RECORD_VALUE_BYTES_MAX + 1);
      const call = log.append(name, [
        { key: null, value: bytes('small'), partition: 0 },
        { key: null, value: large, partition: 1 },
      ]);
      await assert.rejects(call, hasCode('RECORD_TOO_LARGE', '16777217', '16777216'));
      if (!features.atomicAppend) return;
      for (const { earliest, latest } of await log.offsets(name)) assert.equal(latest, earliest);
    });

    test('takes a value of exactly the limit', { skip: !features.largestValue }, async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(1);
      await log.append(name, [
        { key: bytes('before'), value: bytes('1') },
        { key: bytes('large'), value: new Uint8Array(RECORD_VALUE_BYTES_MAX).fill(65) },
        { key: bytes('after'), value: bytes('3') },
      ]);
      const records = await readPartition(log, name, 0);
      assert.deepEqual(
        records.map(({ key, value }) => [key, value?.length]),
        [
          ['before', 1],
          ['large', RECORD_VALUE_BYTES_MAX],
          ['after', 1],
        ],
      );
    });

    test('to a missing topic or partition is TOPIC_NOT_FOUND', async (t) => {
      const { log, topic, topicName } = await openBench(t, setup);
      const record = { key: null, value: bytes('x') };
      await assert.rejects(log.append(topicName(), [record]), hasCode('TOPIC_NOT_FOUND'));
      const name = await topic(2);
      await assert.rejects(log.append(name, [{ ...record, partition: 2 }]), hasCode('TOPIC_NOT_FOUND', '2'));
    });

    test(
      'from two connections at once loses and doubles nothing',
      { skip: !features.manyProcesses },
      async (t) => {
        const { log, topic, second } = await openBench(t, setup);
        assert.ok(second);
        const other = await second();
        const name = await topic(1);
        const calls = Array.from({ length: 40 }, (_, index) =>
          (index % 2 === 0 ? log : other).append(name, [{ key: null, value: bytes(`${index}`) }]),
        );
        const bases = (await Promise.all(calls)).map(([range]) => range?.baseOffset);
        const records = await readPartition(other, name, 0);
        assert.equal(records.length, 40);
        for (const [index, base] of bases.entries()) {
          assert.equal(records.find(({ offset }) => offset === base)?.value, `${index}`);
        }
      },
    );
  });
}
