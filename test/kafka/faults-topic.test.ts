/** Topics that are not what they were: made anew, emptied from below, compacted, full of transactions and of large records. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTopicsV7, deleteRecordsV2, Producer, stringSerializers } from '@platformatic/kafka';
import type { Log, RecordInput } from '../../src/contracts/log.ts';
import { createPurchaseGenerator } from '../../src/app/purchases/generator/generator.ts';
import { readPartition } from '../contract/log/log-records.ts';
import { logLines, type Place, type RunningCli } from '../e2e/run-cli.ts';
import { startBroker, withoutKafka, type TestBroker } from './broker.ts';
import {
  assertExact,
  AT_ONCE,
  connect,
  groupOffsets,
  openLog,
  placeOn,
  startOn,
  type Totals,
} from './purchases.ts';
import { untilSettled } from './settled.ts';

const MEBIBYTE = 1024 * 1024;
const PARTITIONS = 4;

interface Reading {
  readonly place: Place;
  readonly words: readonly string[];
  readonly log: Log;
  readonly topic: string;
}

describe('a topic on Kafka', { skip: withoutKafka(), timeout: 600_000 }, () => {
  let broker: TestBroker;
  before(async () => {
    broker = await startBroker({ properties: { 'log.cleaner.backoff.ms': '100' } });
  });
  after(() => broker.stop());

  for (const [how, count] of [
    ['fewer', 20],
    ['more', 300],
  ] as const) {
    test(`that was made anew with ${how} records than were read is refused at the start, and while the query runs`, async (t) => {
      const topic = `anew-${how}`;
      const { place, words } = placeOn(t, broker.bootstrap, topic);
      const log = await openLog(t, broker.bootstrap);
      await place.ok(['produce', ...words, '--events', '100', '--rate', 'max']);
      await place.ok(['run', ...words, '--available-now']);
      const before = await place.json<Totals>(['totals', ...words]);
      const query = startOn(t, place, ['run', ...words], AT_ONCE);
      await untilReady(query);
      // It sleeps meanwhile: a topic that is missing for a moment would be TOPIC_NOT_FOUND.
      query.kill('SIGSTOP');
      await log.deleteTopic(topic);
      await place.ok(['produce', ...words, '--events', String(count), '--rate', 'max']);
      query.kill('SIGCONT');
      const refusals = [await query.end(), await place.run(['run', ...words, '--available-now'])];
      for (const { code, stderr } of refusals) {
        assert.equal(code, 5, stderr);
        assert.match(stderr, new RegExp(`Topic ${topic} .*deleted and created again`));
        assert.match(stderr, /hint: +Restore the old (?:log|topic), or start .*\n.*\(TOPIC_RECREATED\)/);
      }
      assert.deepEqual(await place.json<Totals>(['totals', ...words]), before);
    });
  }

  test('that lost unread records is refused with the offsets of each partition, at the start and while the query runs', async (t) => {
    const topic = 'emptied';
    const { place, words } = placeOn(t, broker.bootstrap, topic);
    const log = await openLog(t, broker.bootstrap);
    await log.createTopic(topic, { partitions: PARTITIONS });
    await appendEverywhere(log, topic, [10, 10, 10, 10]);
    await place.ok(['run', ...words, '--available-now']);
    const query = startOn(t, place, ['run', ...words], AT_ONCE);
    await untilReady(query);
    query.kill('SIGSTOP');
    await appendEverywhere(log, topic, [20, 5, 0, 30]);
    // Of partition 1 all of what is unread; of partition 2 what was read alone.
    await deleteBelow(t, topic, [13, 15, 4, 39]);
    query.kill('SIGCONT');
    const refusals = [await query.end(), await place.run(['run', ...words, '--available-now'])];
    for (const { code, stderr } of refusals) {
      assert.equal(code, 5, stderr);
      assert.match(stderr, new RegExp(`lost records of topic ${topic}`));
      const [, gone] = /removed before it read them: (.*)\.\n/.exec(stderr) ?? [];
      assert.equal(
        gone,
        'partition 0 offsets 10 to 12 (3), partition 1 offsets 10 to 14 (5), partition 3 offsets 10 to 38 (29)',
      );
      assert.match(stderr, /\(DATA_LOSS\)/);
    }
    assert.equal((await place.json<Totals>(['totals', ...words])).accounting.read, 40);
  });

  test('of transactions is read to its end, whatever the last record of a partition is', async (t) => {
    const topic = 'transactions';
    const { place, words } = placeOn(t, broker.bootstrap, topic);
    const log = await openLog(t, broker.bootstrap);
    const reading = { place, words, log, topic };
    await log.createTopic(topic, { partitions: PARTITIONS });
    const producer = transactionalProducer(t);
    const purchases = createPurchaseGenerator({ seed: topic });
    const send = async (partition: number, count: number) => {
      const transaction = await producer.beginTransaction();
      const messages = Array.from({ length: count }, () => {
        return { topic, partition, value: Buffer.from(purchases.next(Date.now()).value).toString() };
      });
      await transaction.send({ messages });
      return transaction;
    };
    const commit = async (partition: number, count: number) => (await send(partition, count)).commit();
    const abort = async (partition: number, count: number) => (await send(partition, count)).abort();
    // Aborted in the middle; at the end; nothing but aborted; nothing at all.
    await commit(0, 5);
    await abort(0, 7);
    await commit(0, 3);
    await commit(1, 4);
    await abort(1, 2);
    await abort(2, 6);
    await untilSettled(t, broker.port, topic);
    await assertCaughtUp(t, reading, { events: 12, batches: 1 });
    await assertCaughtUp(t, reading, { events: 12, batches: 0 });

    // What is open is not there yet; once it is aborted, there is something to pass over, and no event.
    const open = await send(3, 9);
    await assertCaughtUp(t, reading, { events: 12, batches: 0 });
    await open.abort();
    await untilSettled(t, broker.port, topic);
    await assertCaughtUp(t, reading, { events: 12, batches: 1 });
    await commit(2, 1);
    await untilSettled(t, broker.port, topic);
    await assertCaughtUp(t, reading, { events: 13, batches: 1 });
    await assertExact(place, words, log, topic);
  });

  test('that was compacted is read over its gaps to its end', async (t) => {
    const topic = 'compacted';
    const { place, words } = placeOn(t, broker.bootstrap, topic);
    const log = await openLog(t, broker.bootstrap);
    const reading = { place, words, log, topic };
    await createTopic(t, topic, {
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '0.001',
      'segment.ms': '100',
      'delete.retention.ms': '0',
    });
    const purchases = createPurchaseGenerator({ seed: topic });
    const append = async (count: number) => {
      const records = Array.from({ length: count }, (_, index) => {
        return { ...purchases.next(Date.now()), key: Buffer.from(`key ${index % 5}`), partition: 0 };
      });
      await log.append(topic, records);
    };
    await append(200);
    const endMs = performance.now() + 180_000;
    // The newest segment is never compacted; a record now and then makes it roll.
    for (let left = Infinity; left > 60; left = (await readPartition(log, topic, 0)).length) {
      assert.ok(performance.now() < endMs, 'the broker did not compact');
      await sleep(300);
      await append(5);
    }
    const steady = await untilSteady(() => readPartition(log, topic, 0));
    await assertCaughtUp(t, reading, { events: steady.length, batches: 1 });
    await assertCaughtUp(t, reading, { events: steady.length, batches: 0 });
    await append(3);
    await assertCaughtUp(t, reading, { events: steady.length + 3, batches: 1 });
  });

  test('with records of 10 MiB has them as dead letters, in bounded memory', async (t) => {
    const topic = 'large';
    const { place, words } = placeOn(t, broker.bootstrap, topic);
    const log = await openLog(t, broker.bootstrap);
    await createTopic(t, topic, { 'max.message.bytes': String(20 * MEBIBYTE) });
    const count = 24;
    const purchases = createPurchaseGenerator({ seed: topic });
    const value = new Uint8Array(10 * MEBIBYTE).fill(0x20);
    for (let index = 0; index < count; index += 1) {
      await log.append(topic, [
        { key: null, value, partition: 0 },
        { ...purchases.next(Date.now()), partition: 0 },
      ]);
    }
    const query = startOn(t, place, ['run', ...words, '--available-now']);
    const peak = watchMemory(query);
    const { code, stderr } = await query.end();
    assert.equal(code, 0, stderr);
    const { accounting } = await place.json<Totals>(['totals', ...words]);
    assert.deepEqual([accounting.read, accounting.accepted, accounting.invalid], [2 * count, count, count]);
    const letters = await place.run(['dead-letters', 'list', ...words]);
    assert.equal(letters.stdout.match(/TOO_LARGE/g)?.length, count, letters.stdout);
    assert.ok(peak.mebibytes() < 350, `${peak.mebibytes()} MiB at most`);
  });

  test('that takes no record so large refuses a line of produce by its size and its setting', async (t) => {
    const topic = 'narrow';
    const { place, words } = placeOn(t, broker.bootstrap, topic);
    await createTopic(t, topic, { 'max.message.bytes': '10000' });
    const purchases = createPurchaseGenerator({ seed: topic });
    const line = () => Buffer.from(purchases.next(Date.now()).value).toString();
    const wide = `{"event_id":"wide","note":"${'x'.repeat(20_000)}"}`;
    writeFileSync(join(place.folder, 'lines'), `${[line(), line(), wide, line()].join('\n')}\n`);
    const refused = await place.run(['produce', ...words, '--from', 'lines']);
    assert.equal(refused.code, 1, refused.stderr);
    assert.match(refused.stderr, /20029 bytes, is larger than the broker allows for topic narrow/);
    assert.match(refused.stderr, /hint: .*max\.message\.bytes[^]*\(RECORD_TOO_LARGE\)/);
    await place.ok(['run', ...words, '--available-now']);
    assert.equal((await place.json<Totals>(['totals', ...words])).accounting.invalid, 0);
  });

  /** `run --available-now` ends, with so many batches and these events in all, and nothing is left of the log. */
  async function assertCaughtUp(
    t: TestContext,
    { place, words, log, topic }: Reading,
    is: { readonly events: number; readonly batches: number },
  ): Promise<void> {
    const { stderr } = await place.ok(['run', ...words, '--available-now']);
    const batches = logLines(stderr).filter(({ operation }) => operation === 'batch');
    assert.equal(batches.length, is.batches, stderr);
    for (const { lagEvents } of batches) assert.equal(lagEvents, 0);
    const { accounting } = await place.json<Totals>(['totals', ...words]);
    assert.deepEqual([accounting.read, accounting.accepted], [is.events, is.events]);
    const ends = (await log.offsets(topic)).map(({ latest }) => latest);
    assert.deepEqual(await groupOffsets(t, broker.port, topic, ends.length), ends);
  }

  function transactionalProducer(t: TestContext) {
    const producer = new Producer({
      clientId: 'transactions',
      bootstrapBrokers: [broker.bootstrap],
      transactionalId: 'faults',
      idempotent: true,
      serializers: stringSerializers,
    });
    t.after(() => producer.close(true));
    return producer;
  }

  async function createTopic(t: TestContext, name: string, config: Readonly<Record<string, string>>) {
    const configs = Object.entries(config).map(([setting, value]) => ({ name: setting, value }));
    const request = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs };
    await createTopicsV7.api.async(await connect(t, broker.port), [request], 10_000, false);
    const log = await openLog(t, broker.bootstrap);
    // The controller has it; the broker hears of it a little later.
    while ((await log.describeTopic(name)) === undefined) await sleep(20);
  }

  async function deleteBelow(t: TestContext, name: string, offsets: readonly number[]) {
    const partitions = offsets.map((offset, partitionIndex) => ({ partitionIndex, offset: BigInt(offset) }));
    await deleteRecordsV2.api.async(await connect(t, broker.port), [{ name, partitions }], 10_000);
  }
});

/** A query that has nothing to do: it has looked at the log, and waits. */
async function untilReady(query: RunningCli): Promise<void> {
  await query.until(({ stdout }) => stdout.includes('STARTED'));
  await sleep(1_500);
}

let appended = 0;

async function appendEverywhere(log: Log, topic: string, counts: readonly number[]): Promise<void> {
  const purchases = createPurchaseGenerator({ seed: `${topic} ${(appended += 1)}` });
  const records = counts.flatMap((count, partition) =>
    Array.from({ length: count }, (): RecordInput => ({ ...purchases.next(Date.now()), partition })),
  );
  await log.append(topic, records);
}

/** What it gives when it gives the same for a while. */
async function untilSteady<T>(look: () => Promise<readonly T[]>): Promise<readonly T[]> {
  const endMs = performance.now() + 120_000;
  let before = await look();
  for (let same = 0; same < 5;) {
    assert.ok(performance.now() < endMs, 'the broker does not stop compacting');
    await sleep(300);
    const now = await look();
    same = now.length === before.length ? same + 1 : 0;
    before = now;
  }
  return before;
}

/** The largest resident set of a command, by what Linux says about it now and then; 0 elsewhere. */
function watchMemory(cli: RunningCli): { readonly mebibytes: () => number } {
  let kibibytes = 0;
  const timer = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${cli.pid}/status`, 'utf8');
      kibibytes = Math.max(kibibytes, Number(/^VmHWM:\s*(\d+) kB/m.exec(status)?.[1] ?? 0));
    } catch {
      clearInterval(timer);
    }
  }, 50);
  timer.unref();
  return { mebibytes: () => kibibytes / 1024 };
}
