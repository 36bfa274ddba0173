import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RecordInput } from '../../../src/contracts/log.ts';
import { bytes, plainHeaders, plainRecords, readChunks, readPartition, readRecords } from './log-records.ts';
import { hasCode, openBench, type LogSetup } from './log-under-test.ts';

export function readContract(setup: LogSetup): void {
  const { features } = setup;
  describe('reading', () => {
    test('gives back bytes, keys, times and headers as they were, and tells null from empty', async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(1);
      const anyByte = Uint8Array.from({ length: 256 }, (_, index) => index);
      const headers = [
        { name: 'origin', value: anyByte },
        { name: 'origin', value: bytes('') },
        { name: '\uFEFFé€😀', value: bytes('second name') },
      ];
      await log.append(name, [
        { key: anyByte, value: anyByte, timestampMs: 1 },
        { key: null, value: bytes('no key'), timestampMs: 2 },
        { key: bytes('no value'), value: null, timestampMs: 3 },
        { key: bytes(''), value: bytes(''), timestampMs: 4, headers: [] },
        { key: null, value: null, timestampMs: 5, headers },
        { key: bytes('k'), value: bytes('last'), timestampMs: 6, headers: headers.slice(1) },
      ]);
      const all = String.fromCharCode(...anyByte);
      const read = await readPartition(log, name, 0);
      assert.deepEqual(
        read.map((record) => ({ ...record, offset: 0 })),
        [
          { offset: 0, key: all, value: all, timestampMs: 1, headers: [] },
          { offset: 0, key: null, value: 'no key', timestampMs: 2, headers: [] },
          { offset: 0, key: 'no value', value: null, timestampMs: 3, headers: [] },
          { offset: 0, key: '', value: '', timestampMs: 4, headers: [] },
          { offset: 0, key: null, value: null, timestampMs: 5, headers: plainHeaders(headers) },
          { offset: 0, key: 'k', value: 'last', timestampMs: 6, headers: plainHeaders(headers.slice(1)) },
        ],
      );
    });

    test('any range gives exactly its records, with the headers of their rows', async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(1);
      for (const count of [1, 4, 2, 3]) {
        await log.append(
          name,
          Array.from({ length: count }, (_, index) => ({
            key: bytes(`key ${index}`),
            value: bytes(`${count}.${index}`),
            headers: index % 2 === 0 ? [] : [{ name: 'h', value: bytes(`${count}.${index}`) }],
          })),
        );
      }
      const whole = await readPartition(log, name, 0);
      assert.equal(whole.length, 10);
      for (let from = 0; from < 10; from += 1) {
        for (let to = from + 1; to <= 10; to += 1) {
          const start = whole[from]?.offset as number;
          const end = (whole[to - 1]?.offset as number) + 1;
          assert.deepEqual(
            await readRecords(log, { topic: name, partition: 0, start, end }),
            whole.slice(from, to),
          );
        }
      }
    });

    test('the same range twice gives the same records', async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(1);
      await log.append(name, numbered(100));
      const range = { topic: name, partition: 0, start: 10, end: 60 };
      const first = await readRecords(log, range);
      await log.append(name, numbered(100));
      assert.deepEqual(await readRecords(log, range), first);
    });

    test('an empty range gives nothing', async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(1);
      const [at] = await log.offsets(name);
      const start = at?.latest as number;
      assert.deepEqual(await readChunks(log, { topic: name, partition: 0, start, end: start }), []);
    });

    test('comes in chunks of bounded size whose columns agree', async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(1);
      const value = new Uint8Array(1_000).fill(66);
      await log.append(name, [
        ...Array.from({ length: 20_000 }, () => ({ key: null, value: bytes('small') })),
        ...Array.from({ length: 4_000 }, () => ({ key: null, value })),
      ]);
      // Appends that are small each, which a log may join, but only up to the bounds.
      const tenth = new Uint8Array(100_000).fill(67);
      for (let round = 0; round < 30; round += 1) await log.append(name, [{ key: null, value: tenth }]);
      for (let round = 0; round < 4; round += 1) await log.append(name, numbered(3_000));
      const latest = (await log.offsets(name))[0]?.latest as number;
      const chunks = await readChunks(log, { topic: name, partition: 0, start: 0, end: latest });
      assert.equal(
        chunks.reduce((sum, { count }) => sum + count, 0),
        24_000 + 30 + 12_000,
      );
      let lastOffset = -1;
      for (const chunk of chunks) {
        assert.equal(chunk.partition, 0);
        assert.ok(chunk.count > 0 && chunk.count <= 8_192, `a chunk of ${chunk.count} records`);
        assert.ok(chunk.bytes.length <= 1024 * 1024, `a chunk of ${chunk.bytes.length} bytes`);
        const columns = [chunk.valueStart, chunk.valueEnd, chunk.keyStart, chunk.keyEnd];
        for (const column of [...columns, chunk.offsets, chunk.timestampsMs])
          assert.equal(column.length, chunk.count);
        for (const offset of chunk.offsets) {
          assert.ok(offset > lastOffset);
          lastOffset = offset;
        }
      }
    });

    test('joins what was appended a record at a time', async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(1);
      for (const record of numbered(50)) await log.append(name, [record]);
      const latest = (await log.offsets(name))[0]?.latest as number;
      const values = (await readRecords(log, { topic: name, partition: 0, start: 7, end: latest })).map(
        ({ value }) => value,
      );
      assert.deepEqual(
        values,
        Array.from({ length: 43 }, (_, index) => `${index + 7}`),
      );
    });

    test('goes on while records are appended behind the range', async (t) => {
      const { log, topic, second } = await openBench(t, setup);
      const writer = features.manyProcesses && second ? await second() : log;
      const name = await topic(1);
      const value = new Uint8Array(300_000).fill(67);
      for (let round = 0; round < 10; round += 1) await log.append(name, [{ key: bytes(`${round}`), value }]);
      const end = (await log.offsets(name))[0]?.latest as number;
      const keys = [];
      for await (const chunk of log.read({ topic: name, partition: 0, start: 0, end })) {
        keys.push(...plainRecords(chunk).map(({ key }) => key));
        await writer.append(name, [{ key: bytes('behind'), value }]);
      }
      assert.deepEqual(
        keys,
        Array.from({ length: 10 }, (_, index) => `${index}`),
      );
    });

    test('past the end is LOG_CORRUPT, with where the log ends', async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(1);
      await log.append(name, numbered(3));
      const latest = (await log.offsets(name))[0]?.latest as number;
      const range = { topic: name, partition: 0, start: 0, end: latest + 2 };
      await assert.rejects(readRecords(log, range), hasCode('LOG_CORRUPT', name, `offset ${latest}`));
    });

    test('a missing topic or partition is TOPIC_NOT_FOUND', async (t) => {
      const { log, topic, topicName } = await openBench(t, setup);
      const missing = { topic: topicName(), partition: 0, start: 0, end: 1 };
      await assert.rejects(readRecords(log, missing), hasCode('TOPIC_NOT_FOUND'));
      const name = await topic(1);
      await assert.rejects(
        readRecords(log, { ...missing, topic: name, partition: 1 }),
        hasCode('TOPIC_NOT_FOUND'),
      );
    });
  });
}

export function numbered(count: number): RecordInput[] {
  return Array.from({ length: count }, (_, index) => ({ key: null, value: bytes(`${index}`), partition: 0 }));
}
