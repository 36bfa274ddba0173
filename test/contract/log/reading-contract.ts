/**
 * Reading, whoever makes the records: run by logs that take records and by those that only read. A log that only reads
 * brings a way to make its records, `LogUnderTest.source`.
 */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../../src/contracts/log.ts';
import { bytes, readChunks, readPartition, readRecords } from './log-records.ts';
import { hasCode, openBench, type Bench, type LogSetup } from './log-under-test.ts';

const LONG_MS = 600_000;
const never = () => new AbortController().signal;

export interface Readable extends Bench {
  readonly name: string;
  /** Makes records, some of them in partition 0. */
  readonly more: () => Promise<void>;
}

export async function openReadable(t: TestContext, setup: LogSetup): Promise<Readable> {
  const bench = await openBench(t, setup);
  const { source, log } = bench;
  if (source !== undefined) return { ...bench, name: source.topic, more: source.more };
  const name = await bench.topic(2);
  let made = 0;
  const more = async () => {
    const records = Array.from({ length: 12 }, (_, index) => {
      return { key: null, value: bytes(`record ${(made += 1)}`), partition: index % 3 === 0 ? 1 : 0 };
    });
    await log.append(name, records);
  };
  return { ...bench, name, more };
}

async function everything(log: Log, name: string) {
  const offsets = await log.offsets(name);
  return Promise.all(offsets.map(({ partition }) => readPartition(log, name, partition)));
}

export function readingContract(setup: LogSetup): void {
  const { features } = setup;
  describe('reading what is there', () => {
    test('describes the topic, and gives it to a query that asks for it to be made', async (t) => {
      const { log, name } = await openReadable(t, setup);
      const topic = await log.describeTopic(name);
      assert.ok(topic !== undefined && topic.id.length > 0);
      assert.equal((await log.offsets(name)).length, topic.partitions);
      assert.deepEqual(await log.createTopic(name, { partitions: topic.partitions + 1 }), topic);
      assert.ok((await log.listTopics()).some(({ id }) => id === topic.id));
      assert.equal(await log.describeTopic('no-such-topic'), undefined);
    });

    test('offsets are in order of partition, and move when records come, never back', async (t) => {
      const { log, name, more } = await openReadable(t, setup);
      let before = await log.offsets(name);
      for (let round = 0; round < 3; round += 1) {
        await more();
        const after = await log.offsets(name);
        for (const [partition, at] of after.entries()) {
          assert.equal(at.partition, partition);
          assert.equal(at.earliest, before[partition]?.earliest);
          assert.ok(at.latest >= (before[partition]?.latest as number));
        }
        assert.ok((after[0]?.latest as number) > (before[0]?.latest as number));
        before = after;
      }
    });

    test('any range gives exactly its records, in order of offset', async (t) => {
      const { log, name, more } = await openReadable(t, setup);
      for (let round = 0; round < 3; round += 1) await more();
      for (const [partition, whole] of (await everything(log, name)).entries()) {
        for (let from = 0; from < whole.length; from += 1) {
          for (let to = from; to <= whole.length; to += 1) {
            const start = whole[from]?.offset as number;
            const end = to === from ? start : (whole[to - 1]?.offset as number) + 1;
            const records = await readRecords(log, { topic: name, partition, start, end });
            assert.deepEqual(records, whole.slice(from, to));
          }
        }
      }
    });

    test('a range stays as it was when more comes', async (t) => {
      const { log, name, more } = await openReadable(t, setup);
      await more();
      const first = await everything(log, name);
      await more();
      const second = await everything(log, name);
      assert.ok((second[0]?.length as number) > (first[0]?.length as number));
      for (const [partition, records] of first.entries())
        assert.deepEqual(second[partition]?.slice(0, records.length), records);
    });

    test('columns agree, and a chunk holds until the next one is asked for', async (t) => {
      const { log, name, more } = await openReadable(t, setup);
      for (let round = 0; round < 5; round += 1) await more();
      const end = (await log.offsets(name))[0]?.latest as number;
      let next = 0;
      for (const chunk of await readChunks(log, { topic: name, partition: 0, start: 0, end })) {
        assert.equal(chunk.partition, 0);
        assert.ok(chunk.count > 0 && chunk.count <= 8_192);
        const columns = [chunk.valueStart, chunk.valueEnd, chunk.keyStart, chunk.keyEnd];
        for (const column of [...columns, chunk.offsets, chunk.timestampsMs])
          assert.equal(column.length, chunk.count);
        for (const offset of chunk.offsets) {
          assert.ok(offset >= next);
          next = offset + 1;
        }
      }
      assert.equal(next, end);
    });

    test('past the end is LOG_CORRUPT, with where it ends', async (t) => {
      const { log, name, more } = await openReadable(t, setup);
      await more();
      const latest = (await log.offsets(name))[0]?.latest as number;
      const range = { topic: name, partition: 0, start: 0, end: latest + 2 };
      await assert.rejects(readRecords(log, range), hasCode('LOG_CORRUPT', name, `offset ${latest}`));
    });

    test('a missing topic or partition is TOPIC_NOT_FOUND', async (t) => {
      const { log, name, more } = await openReadable(t, setup);
      await more();
      const range = { topic: 'no-such-topic', partition: 0, start: 0, end: 1 };
      await assert.rejects(log.offsets('no-such-topic'), hasCode('TOPIC_NOT_FOUND', 'no-such-topic'));
      await assert.rejects(readRecords(log, range), hasCode('TOPIC_NOT_FOUND', 'no-such-topic'));
      const missing = { ...range, topic: name, partition: 1_000 };
      await assert.rejects(readRecords(log, missing), hasCode('TOPIC_NOT_FOUND', '1000'));
    });

    test('opened again, and from another process, it is the same', async (t) => {
      const { log, name, more, second, reopen } = await openReadable(t, setup);
      await more();
      const before = { topic: await log.describeTopic(name), records: await everything(log, name) };
      const now = async (other: Log) => {
        return { topic: await other.describeTopic(name), records: await everything(other, name) };
      };
      if (features.manyProcesses && second !== undefined) assert.deepEqual(await now(await second()), before);
      if (features.persistent && reopen !== undefined) assert.deepEqual(await now(await reopen()), before);
    });
  });

  describe('waiting for what comes', { timeout: 240_000 }, () => {
    test('ends at once where there is more than is known', async (t) => {
      const { log, name, more } = await openReadable(t, setup);
      const known = await log.offsets(name);
      await more();
      assert.equal(await log.waitForRecords(name, known, LONG_MS, never()), true);
      assert.notDeepEqual(await log.offsets(name), known);
    });

    test('ends when records come', async (t) => {
      const { log, name, more } = await openReadable(t, setup);
      await more();
      const waiting = log.waitForRecords(name, await log.offsets(name), LONG_MS, never());
      await delay(20);
      await more();
      assert.equal(await waiting, true);
    });

    test('gives false after the timeout, when it is aborted, and when the log is closed', async (t) => {
      const { log, name, more } = await openReadable(t, setup);
      await more();
      const known = await log.offsets(name);
      assert.equal(await log.waitForRecords(name, known, 20, never()), false);
      assert.equal(await log.waitForRecords(name, known, LONG_MS, AbortSignal.abort()), false);
      const aborter = new AbortController();
      const aborted = log.waitForRecords(name, known, LONG_MS, aborter.signal);
      await delay(5);
      aborter.abort();
      assert.equal(await aborted, false);
      const closed = log.waitForRecords(name, known, LONG_MS, never());
      await delay(5);
      await log.close();
      assert.equal(await closed, false);
      await log.close();
    });
  });
}

/** What a log that only reads answers to those who would change it. */
export function readOnlyContract(setup: LogSetup): void {
  describe('a log that only reads', () => {
    test('refuses what would change it, in words, and nothing is changed', async (t) => {
      const { log, name, more } = await openReadable(t, setup);
      await more();
      const before = await log.offsets(name);
      const record = { key: null, value: bytes('x') };
      for (const call of [
        () => log.append(name, [record]),
        () => log.createTopic('another', { partitions: 1 }),
        () => log.deleteTopic(name),
        () => log.setRetention(name, { retentionMs: 1 }),
      ]) {
        await assert.rejects(call(), hasCode('CONFIG_INVALID', `The ${log.format} source is read-only`));
      }
      await assert.rejects(log.append('another', [record]), hasCode('TOPIC_NOT_FOUND', 'another'));
      await log.deleteTopic('another');
      await log.setRetention(name, {});
      assert.deepEqual(await log.enforceRetention(), []);
      assert.deepEqual(await log.offsets(name), before);
    });
  });
}
