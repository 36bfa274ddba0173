import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_ACCOUNTING } from '../../src/contracts/batch.ts';
import type { BatchResult } from '../../src/contracts/batch-result.ts';
import type { Log, RecordInput, RecordRefusal, TransactionalWriter } from '../../src/contracts/log.ts';
import type { TopicOutput } from '../../src/contracts/sink.ts';
import { createMemoryLog } from '../../src/log/memory/log.ts';
import { systemClock } from '../../src/observe/system-clock.ts';
import { newestMarker } from '../../src/sinks/marker.ts';
import { createTopicSink } from '../../src/sinks/topics.ts';
import { readPartition } from '../contract/log/log-records.ts';

const CONTROL = 'control';

function batchOf(batchId: number): BatchResult {
  return {
    plan: {
      batchId,
      topicId: 't',
      ranges: [],
      lost: [],
      clockMs: 0,
      watermarkMicros: null,
      idlePartitions: [],
    },
    accounting: NO_ACCOUNTING,
    aggregates: [],
    sample: [],
    lost: [],
    deadLetters: () => [],
    outputs: () => [],
    allGroups: () => [],
  };
}

const record = (text: string): RecordInput => ({ key: Buffer.from(text), value: Buffer.from(text) });

function outputOf(records: TopicOutput['records'], more: Partial<TopicOutput> = {}): TopicOutput {
  return { topic: 'out', options: { partitions: 1 }, records, ...more };
}

/** The memory log, whose writer fails where it is told to. */
function failingLog(
  fail: (call: 'append' | 'commit' | 'abort', topic: string, records: number) => void,
): Log {
  const log = createMemoryLog({ clock: systemClock });
  const openTransactions = log.openTransactions?.bind(log);
  log.openTransactions = async (name) => {
    const writer = (await openTransactions?.(name)) as TransactionalWriter;
    return {
      append: async (topic, records, inPlaceOf) => {
        fail('append', topic, records.length);
        await writer.append(topic, records, inPlaceOf);
      },
      commit: async () => {
        fail('commit', '', 0);
        await writer.commit();
      },
      abort: () => {
        fail('abort', '', 0);
        return writer.abort();
      },
      close: () => writer.close(),
    };
  };
  return log;
}

test('a log without transactions is refused in words', () => {
  const log = { ...createMemoryLog({ clock: systemClock }), format: 'embedded' } as Log;
  assert.throws(() => createTopicSink({ log, outputs: [], controlTopic: CONTROL }), {
    code: 'CONFIG_INVALID',
    message: /transactions, which the embedded log does not have/,
  });
});

test('a batch that fails on its way leaves nothing for readers, and the next runner writes it once', async () => {
  let failures = 1;
  const log = failingLog((call) => {
    if (call === 'commit' && (failures -= 1) >= 0) throw new Error('no answer');
  });
  const outputs = [outputOf(() => [record('a'), record('b')])];
  const first = createTopicSink({ log, outputs, controlTopic: CONTROL });
  assert.equal(await first.open?.({ queryId: 'q', epoch: 1 }, undefined), undefined);
  await assert.rejects(first.write(batchOf(0), { queryId: 'q', batchId: 0, epoch: 1 }), /no answer/);
  assert.deepEqual(await readPartition(log, 'out', 0), []);
  const second = createTopicSink({ log, outputs, controlTopic: CONTROL });
  assert.equal(await second.open?.({ queryId: 'q', epoch: 2 }, undefined), undefined);
  await second.write(batchOf(0), { queryId: 'q', batchId: 0, epoch: 2 });
  const values = (await readPartition(log, 'out', 0)).map(({ value }) => value);
  assert.deepEqual(values, ['a', 'b']);
  assert.equal((await newestMarker(log, CONTROL, 'q'))?.batchId, 0);
});

test('a batch that fails before its end is taken back at once, so that readers are not held up by it', async () => {
  const calls: string[] = [];
  const log = failingLog((call, topic) => {
    calls.push(call);
    if (call === 'append' && topic === CONTROL) throw new Error('no answer');
  });
  const sink = createTopicSink({ log, outputs: [outputOf(() => [record('a')])], controlTopic: CONTROL });
  await sink.open?.({ queryId: 'q', epoch: 1 }, undefined);
  await assert.rejects(sink.write(batchOf(0), { queryId: 'q', batchId: 0, epoch: 1 }), /no answer/);
  assert.deepEqual(calls, ['append', 'append', 'abort']);
});

test('all topics of a batch are written together, and its markers are waited for where somebody asks', async () => {
  const log = createMemoryLog({ clock: systemClock });
  const calls: string[] = [];
  const openTransactions = log.openTransactions?.bind(log);
  log.openTransactions = async (name) => {
    const writer = (await openTransactions?.(name)) as TransactionalWriter;
    return {
      ...writer,
      append: async (topic, records) => {
        calls.push(`append to ${topic}`);
        await writer.append(topic, records);
        await new Promise((resolve) => setImmediate(resolve));
        calls.push('appended');
      },
      commit: async (until = 'shown') => {
        calls.push(until);
        await writer.commit(until);
      },
    };
  };
  const outputs = [outputOf(() => [record('a')]), outputOf(() => [record('b')], { topic: 'other' })];
  const sink = createTopicSink({ log, outputs, controlTopic: CONTROL });
  await sink.open?.({ queryId: 'q', epoch: 1 }, undefined);
  await sink.write(batchOf(0), { queryId: 'q', batchId: 0, epoch: 1 });
  const appends = ['append to out', 'append to other', `append to ${CONTROL}`];
  assert.deepEqual(calls, [...appends, 'appended', 'appended', 'appended', 'decided']);
  await sink.settle?.();
  assert.equal(calls.at(-1), 'shown');
});

test('the runner before is shut out', async () => {
  const log = createMemoryLog({ clock: systemClock });
  const outputs = [outputOf(() => [record('a')])];
  const zombie = createTopicSink({ log, outputs, controlTopic: CONTROL });
  await zombie.open?.({ queryId: 'q', epoch: 1 }, undefined);
  const newer = createTopicSink({ log, outputs, controlTopic: CONTROL });
  await newer.open?.({ queryId: 'q', epoch: 2 }, undefined);
  await assert.rejects(zombie.write(batchOf(0), { queryId: 'q', batchId: 0, epoch: 1 }), {
    code: 'WRITER_FENCED',
  });
  await newer.write(batchOf(0), { queryId: 'q', batchId: 0, epoch: 2 });
  assert.equal((await readPartition(log, 'out', 0)).length, 1);
});

test('missed batches make the next one whole, and only that', async () => {
  const log = createMemoryLog({ clock: systemClock });
  const seen: boolean[] = [];
  const outputs = [
    outputOf((_batch, whole) => {
      seen.push(whole);
      return [];
    }),
  ];
  const sink = createTopicSink({ log, outputs, controlTopic: CONTROL });
  await sink.open?.({ queryId: 'q', epoch: 1 }, 6);
  for (const batchId of [7, 8]) await sink.write(batchOf(batchId), { queryId: 'q', batchId, epoch: 1 });
  const again = createTopicSink({ log, outputs, controlTopic: CONTROL });
  assert.equal(await again.open?.({ queryId: 'q', epoch: 2 }, 8), 8);
  await again.write(batchOf(9), { queryId: 'q', batchId: 9, epoch: 2 });
  assert.deepEqual(seen, [true, false, false]);
});

test('a topic that was deleted gets every group again, also where somebody else has made it', async () => {
  const log = createMemoryLog({ clock: systemClock });
  const seen: boolean[] = [];
  const outputs = [
    outputOf((_batch, whole) => {
      seen.push(whole);
      return [record('a')];
    }),
  ];
  const writeOne = async (batchId: number) => {
    const sink = createTopicSink({ log, outputs, controlTopic: CONTROL });
    await sink.open?.({ queryId: 'q', epoch: batchId }, batchId === 0 ? undefined : batchId - 1);
    await sink.write(batchOf(batchId), { queryId: 'q', batchId, epoch: batchId });
  };
  await writeOne(0);
  await writeOne(1);
  await log.deleteTopic('out');
  await writeOne(2);
  await writeOne(3);
  await log.deleteTopic('out');
  await log.createTopic('out', { partitions: 1 });
  await writeOne(4);
  await writeOne(5);
  assert.deepEqual(seen, [false, false, true, false, true, false]);
});

test('a record that the topic does not take is replaced until one is taken; others are not held up by it', async () => {
  const log = createMemoryLog({ clock: systemClock });
  const inPlaceOf = ({ value }: RecordInput, refusal: RecordRefusal) => {
    assert.equal(refusal, 'too large');
    const length = (value?.length ?? 0) >> 1;
    return length === 0 ? undefined : record('x'.repeat(length));
  };
  const large = record('x'.repeat(400));
  const outputs = [
    outputOf(() => [record('a'), large, record('b')], {
      options: { partitions: 1, recordBytesMax: 200 },
      inPlaceOf,
    }),
  ];
  const sink = createTopicSink({ log, outputs, controlTopic: CONTROL });
  await sink.open?.({ queryId: 'q', epoch: 1 }, undefined);
  await sink.write(batchOf(0), { queryId: 'q', batchId: 0, epoch: 1 });
  const values = (await readPartition(log, 'out', 0)).map(({ value }) => value);
  assert.deepEqual(values, ['a', 'x'.repeat(100), 'b']);
  // A record that nothing can replace fails by its own size.
  const hopeless = [outputOf(() => [large], { options: { partitions: 1 }, inPlaceOf: () => undefined })];
  const other = createTopicSink({ log, outputs: hopeless, controlTopic: CONTROL });
  await other.open?.({ queryId: 'q', epoch: 2 }, 0);
  await assert.rejects(other.write(batchOf(1), { queryId: 'q', batchId: 1, epoch: 2 }), {
    code: 'RECORD_TOO_LARGE',
  });
});

test('a batch of many records goes in bounded appends', async () => {
  const sizes: number[] = [];
  const log = failingLog((call, topic, records) => {
    if (call === 'append' && topic === 'out') sizes.push(records);
  });
  const many = Array.from({ length: 2_500 }, (_, index) => record(`r${index}`));
  const sink = createTopicSink({ log, outputs: [outputOf(() => many)], controlTopic: CONTROL });
  await sink.open?.({ queryId: 'q', epoch: 1 }, undefined);
  await sink.write(batchOf(0), { queryId: 'q', batchId: 0, epoch: 1 });
  assert.deepEqual(sizes, [1_000, 1_000, 500]);
  assert.equal((await readPartition(log, 'out', 0)).length, 2_500);
});

test('the newest marker of a query is found behind many of others, and behind what is no marker', async () => {
  const log = createMemoryLog({ clock: systemClock });
  await log.createTopic(CONTROL, { partitions: 1 });
  const marker = (queryId: string, batchId: number): RecordInput => {
    return { key: Buffer.from(queryId), value: Buffer.from(JSON.stringify({ queryId, batchId })) };
  };
  await log.append(CONTROL, [marker('q', 3), marker('q', 4)]);
  await log.append(
    CONTROL,
    Array.from({ length: 3_000 }, (_, index) => marker('other', index)),
  );
  const strange = ['', 'null', '{', '{"batchId":"7"}', '[]'];
  await log.append(
    CONTROL,
    strange.map((text) => ({ key: Buffer.from('q'), value: Buffer.from(text) })),
  );
  await log.append(CONTROL, [{ key: Buffer.from('q'), value: null }]);
  assert.equal((await newestMarker(log, CONTROL, 'q'))?.batchId, 4);
  assert.equal((await newestMarker(log, CONTROL, 'other'))?.batchId, 2_999);
  assert.equal(await newestMarker(log, CONTROL, 'nobody'), undefined);
});
