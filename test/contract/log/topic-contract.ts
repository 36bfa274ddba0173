import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bytes, readPartition } from './log-records.ts';
import { hasCode, openBench, type LogSetup } from './log-under-test.ts';

export function topicContract(setup: LogSetup): void {
  const { features } = setup;
  describe('topics', () => {
    test('creates a topic and describes it', async (t) => {
      const { log, topicName } = await openBench(t, setup);
      const name = topicName();
      assert.equal(await log.describeTopic(name), undefined);
      const created = await log.createTopic(name, { partitions: 3 });
      assert.equal(created.name, name);
      assert.equal(created.partitions, 3);
      assert.ok(created.id.length > 0);
      assert.deepEqual(await log.describeTopic(name), created);
    });

    test('returns an existing topic unchanged, with its own number of partitions', async (t) => {
      const { log, topicName } = await openBench(t, setup);
      const name = topicName();
      const first = await log.createTopic(name, { partitions: 2 });
      assert.deepEqual(await log.createTopic(name, { partitions: 5, retentionMs: 1 }), first);
      assert.equal((await log.offsets(name)).length, 2);
    });

    test('gives the same topic to all who create it at once', async (t) => {
      const { log, second, topicName } = await openBench(t, setup);
      const other = features.manyProcesses && second ? await second() : log;
      const name = topicName();
      const created = await Promise.all(
        [log, other, log, other].map((by) => by.createTopic(name, { partitions: 2 })),
      );
      for (const topic of created) assert.deepEqual(topic, created[0]);
    });

    test('lists the topics that there are', async (t) => {
      const { log, topic, topicName } = await openBench(t, setup);
      const kept = [await topic(1), await topic(2)];
      const removed = await topic(1);
      await log.deleteTopic(removed);
      const never = topicName();
      const names = (await log.listTopics()).map(({ name }) => name);
      for (const name of kept) assert.ok(names.includes(name), `${name} is missing`);
      for (const name of [removed, never]) assert.ok(!names.includes(name), `${name} is listed`);
    });

    test('refuses a name or a number of partitions that cannot be', async (t) => {
      const { log, topicName } = await openBench(t, setup);
      for (const name of ['', '..', 'a b', 'x'.repeat(250)]) {
        await assert.rejects(log.createTopic(name, { partitions: 1 }), hasCode('CONFIG_INVALID'));
      }
      for (const partitions of [0, -1, 1.5]) {
        await assert.rejects(log.createTopic(topicName(), { partitions }), hasCode('CONFIG_INVALID'));
      }
    });

    test('removes a topic with its records, and gives a later one of the name another id', async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(1);
      const before = await log.describeTopic(name);
      await log.append(name, [{ key: null, value: bytes('old') }]);
      await log.deleteTopic(name);
      assert.equal(await log.describeTopic(name), undefined);
      await assert.rejects(log.offsets(name), hasCode('TOPIC_NOT_FOUND', name));
      const after = await log.createTopic(name, { partitions: 1 });
      assert.notEqual(after.id, before?.id);
      assert.deepEqual(await readPartition(log, name, 0), []);
    });

    test('does nothing where the topic to remove is not there', async (t) => {
      const { log, topicName } = await openBench(t, setup);
      await log.deleteTopic(topicName());
    });
  });

  describe('offsets', () => {
    test('start equal in every partition of an empty topic, in order of partition', async (t) => {
      const { log, topic } = await openBench(t, setup);
      const offsets = await log.offsets(await topic(3));
      assert.deepEqual(
        offsets.map(({ partition }) => partition),
        [0, 1, 2],
      );
      for (const { earliest, latest } of offsets) assert.equal(earliest, latest);
    });

    test('move with what is appended', async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(2);
      const [range] = await log.append(name, [
        { key: null, value: bytes('a'), partition: 1 },
        { key: null, value: bytes('b'), partition: 1 },
      ]);
      const [empty, filled] = await log.offsets(name);
      assert.equal(empty?.latest, empty?.earliest);
      assert.ok(range !== undefined && filled !== undefined);
      assert.equal(filled.earliest, range.baseOffset);
      if (features.contiguousOffsets) assert.equal(filled.latest, range.baseOffset + 2);
      else assert.ok(filled.latest >= range.baseOffset + 2);
    });

    test('of a missing topic are TOPIC_NOT_FOUND with its name', async (t) => {
      const { log, topicName } = await openBench(t, setup);
      const name = topicName();
      await assert.rejects(log.offsets(name), hasCode('TOPIC_NOT_FOUND', name));
    });
  });

  describe('closing', () => {
    test('a log twice does nothing the second time', async (t) => {
      const { log } = await openBench(t, setup);
      await log.close();
      await log.close();
    });

    test('and opening again finds topics, offsets and records', { skip: !features.persistent }, async (t) => {
      const { log, topic, reopen } = await openBench(t, setup);
      assert.ok(reopen);
      const name = await topic(2);
      const described = await log.describeTopic(name);
      await log.append(name, [{ key: bytes('k'), value: bytes('kept'), partition: 1, timestampMs: 5 }]);
      const offsets = await log.offsets(name);
      const records = await readPartition(log, name, 1);
      const again = await reopen();
      assert.deepEqual(await again.describeTopic(name), described);
      assert.deepEqual(await again.offsets(name), offsets);
      assert.deepEqual(await readPartition(again, name, 1), records);
    });
  });
}
