import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log, RecordInput, TransactionalWriter } from '../../../src/contracts/log.ts';
import { InvariantError } from '../../../src/errors.ts';
import { bytes, readPartition } from './log-records.ts';
import { hasCode, openBench, type LogSetup } from './log-under-test.ts';

const PARTITIONS = 3;

let named = 0;

export function transactionContract(setup: LogSetup): void {
  const { features } = setup;
  const skip = !features.transactions;

  describe('transactions', () => {
    test('are there, or not at all', async (t) => {
      const { log } = await openBench(t, setup);
      assert.equal(log.openTransactions !== undefined, features.transactions);
    });

    test('show what two topics got together, and nothing before the commit', { skip }, async (t) => {
      const { log, topic } = await openBench(t, setup);
      const topics = [await topic(PARTITIONS), await topic(1)] as const;
      const writer = await open(log, writerName());
      await writer.append(topics[0], values(0, 30));
      await writer.append(topics[1], [record('one', { partition: 0 })]);
      await writer.append(topics[0], values(30, 60));
      for (const name of topics) assert.deepEqual(await contents(log, name), noneOf(await log.offsets(name)));
      await writer.commit();
      const expected = Array.from({ length: PARTITIONS }, (_, partition) =>
        values(0, 60)
          .filter((each) => each.partition === partition)
          .map(textOf),
      );
      assert.deepEqual(await contents(log, topics[0]), expected);
      assert.deepEqual(await contents(log, topics[1]), [['one']]);
    });

    test('take appends to several topics together, and one to a topic', { skip }, async (t) => {
      const { log, topic } = await openBench(t, setup);
      const topics = [await topic(PARTITIONS), await topic(1), await topic(2)];
      const writer = await open(log, writerName());
      for (let round = 0; round < 3; round += 1) {
        const appends = topics.map((name) => writer.append(name, [record(`${round}`, { partition: 0 })]));
        await assert.rejects(writer.append(topics[1] as string, [record('x')]), InvariantError);
        await Promise.all(appends);
        if (round === 1) await writer.abort();
        else await writer.commit('decided');
      }
      // Nothing is written by this one; it waits until readers see the one before.
      await writer.commit();
      for (const name of topics) assert.deepEqual((await contents(log, name))[0], ['0', '2']);
    });

    test('are taken back whole where one of several appends together fails', { skip }, async (t) => {
      const { log, topic, topicName } = await openBench(t, setup);
      const name = await topic(1);
      const writer = await open(log, writerName());
      const [there, missing] = await Promise.allSettled([
        writer.append(name, [record('lost')]),
        writer.append(topicName(), [record('x')]),
      ]);
      assert.deepEqual([there.status, missing.status], ['fulfilled', 'rejected']);
      await assert.rejects(writer.commit('decided'), InvariantError);
      await writer.abort();
      await writer.append(name, [record('kept')]);
      await writer.commit('decided');
      await writer.close();
      assert.deepEqual(await contents(log, name), [['kept']]);
    });

    test(
      'keep keys, nulls, timestamps and headers, and put a key where an append puts it',
      { skip },
      async (t) => {
        const { log, topic } = await openBench(t, setup);
        const [within, alone] = [await topic(PARTITIONS), await topic(PARTITIONS)];
        const records = Array.from({ length: 50 }, (_, index) => ({
          key: bytes(`customer ${index}`),
          value: index % 7 === 0 ? null : bytes(`v${index}`),
          timestampMs: 1_000 + index,
          headers: index % 2 === 0 ? [{ name: 'n', value: bytes(`${index}`) }] : [],
        }));
        const writer = await open(log, writerName());
        await writer.append(within, records);
        await writer.commit();
        await log.append(alone, records);
        for (let partition = 0; partition < PARTITIONS; partition += 1) {
          const [ours, theirs] = [
            await readPartition(log, within, partition),
            await readPartition(log, alone, partition),
          ];
          assert.ok(theirs.length > 0);
          assert.deepEqual(ours, theirs);
        }
      },
    );

    test('that are aborted leave nothing, and others go on after them', { skip }, async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(1);
      const writer = await open(log, writerName());
      for (const [value, isKept] of [
        ['a', true],
        ['b', false],
        ['c', false],
        ['d', true],
      ] as const) {
        await writer.append(name, [record(value), record(value)]);
        await (isKept ? writer.commit() : writer.abort());
      }
      assert.deepEqual(await contents(log, name), [['a', 'a', 'd', 'd']]);
    });

    test('of nothing are committed and aborted without a trace', { skip }, async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(1);
      const writer = await open(log, writerName());
      await writer.commit();
      await writer.abort();
      await writer.append(name, []);
      await writer.commit();
      assert.deepEqual(await contents(log, name), [[]]);
      await writer.append(name, [record('x')]);
      await writer.commit();
      await writer.commit();
      assert.deepEqual(await contents(log, name), [['x']]);
    });

    test('wake who waits for records when they are committed', { skip }, async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(1);
      const known = await log.offsets(name);
      const writer = await open(log, writerName());
      await writer.append(name, [record('x')]);
      const signal = new AbortController().signal;
      assert.equal(await log.waitForRecords(name, known, 50, signal), false);
      const waiting = log.waitForRecords(name, known, 240_000, signal);
      await writer.commit();
      // Without being woken it would look again after its whole time only.
      assert.equal(await Promise.race([waiting, sleep(60_000, 'not woken', { ref: false })]), true);
    });

    test('of an earlier writer of the name are taken back and refused from then on', { skip }, async (t) => {
      const { log, topic, second } = await openBench(t, setup);
      const other = second === undefined ? log : await second();
      const name = await topic(PARTITIONS);
      const writerOf = writerName();
      const older = await open(log, writerOf);
      await older.append(name, values(0, 9));
      await older.commit();
      await older.append(name, values(9, 18));
      const newer = await open(other, writerOf);
      assert.deepEqual((await contents(log, name)).flat().length, 9);
      const fenced = hasCode('WRITER_FENCED', writerOf, 'was opened', 'one process');
      await assert.rejects(older.commit(), fenced);
      for (const call of [
        () => older.commit(),
        () => older.append(name, [record('x')]),
        () => older.abort(),
      ]) {
        await assert.rejects(call(), fenced);
      }
      await older.close();
      await newer.append(name, values(18, 27));
      await newer.commit();
      const all = (await contents(log, name)).flat().toSorted();
      assert.deepEqual(all, [...values(0, 9), ...values(18, 27)].map(textOf).toSorted());
    });

    test('are refused to an earlier writer of the name that had none open', { skip }, async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(1);
      const writerOf = writerName();
      const older = await open(log, writerOf);
      await older.append(name, [record('older')]);
      await older.commit();
      const newer = await open(log, writerOf);
      await assert.rejects(older.append(name, [record('x')]), hasCode('WRITER_FENCED', writerOf));
      await newer.append(name, [record('newer')]);
      await newer.commit();
      assert.deepEqual(await contents(log, name), [['older', 'newer']]);
    });

    test('of two names do not disturb each other', { skip }, async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(2);
      const [kept, dropped] = [await open(log, writerName()), await open(log, writerName())];
      await Promise.all([
        kept.append(name, [record('kept', { partition: 0 }), record('kept', { partition: 1 })]),
        dropped.append(name, [record('dropped', { partition: 0 }), record('dropped', { partition: 1 })]),
      ]);
      await dropped.abort();
      await kept.commit();
      assert.deepEqual(await contents(log, name), [['kept'], ['kept']]);
    });

    test('stay open when a record is too large, without it', { skip }, async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(1, { recordBytesMax: 10_000 });
      const key = bytes('0123456789');
      const largest = { key, value: new Uint8Array(10_000 - key.length).fill(65) };
      const writer = await open(log, writerName());
      await writer.append(name, [record('before'), largest]);
      const large = { key, value: new Uint8Array(30_000).fill(66) };
      for (let round = 0; round < 2; round += 1) {
        await assert.rejects(writer.append(name, [large]), hasCode('RECORD_TOO_LARGE', 'Record 0', name));
        await writer.append(name, [record(`after ${round}`)]);
      }
      await writer.commit();
      await assert.rejects(log.append(name, [large]), hasCode('RECORD_TOO_LARGE', 'Record 0', name));
      const [found = []] = await contents(log, name);
      assert.deepEqual(
        found.map((value) => value.slice(0, 10)),
        ['before', 'AAAAAAAAAA', 'after 0', 'after 1'],
      );
    });

    test('can only be aborted after another error', { skip }, async (t) => {
      const { log, topic, topicName } = await openBench(t, setup);
      const name = await topic(1);
      const writer = await open(log, writerName());
      await writer.append(name, [record('lost')]);
      await assert.rejects(writer.append(topicName(), [record('x')]), hasCode('TOPIC_NOT_FOUND'));
      await assert.rejects(writer.commit(), InvariantError);
      await assert.rejects(writer.append(name, [record('x')]), InvariantError);
      await writer.abort();
      await writer.append(name, [record('kept')]);
      await writer.commit();
      assert.deepEqual(await contents(log, name), [['kept']]);
    });

    test('take one call at a time, and none after the close', { skip }, async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(1);
      const writer = await open(log, writerName());
      const appending = writer.append(name, [record('x')]);
      await assert.rejects(writer.commit(), InvariantError);
      await appending;
      await writer.commit();
      await writer.close();
      await writer.close();
      for (const call of [
        () => writer.append(name, [record('y')]),
        () => writer.commit(),
        () => writer.abort(),
      ]) {
        await assert.rejects(call(), InvariantError);
      }
      assert.deepEqual(await contents(log, name), [['x']]);
    });

    test('need a name that can be one', { skip }, async (t) => {
      const { log } = await openBench(t, setup);
      for (const name of ['', 'x'.repeat(250), 'é'.repeat(125)]) {
        await assert.rejects(open(log, name), hasCode('CONFIG_INVALID', '249'));
      }
      await (await open(log, `${writerName()} with a blank, é and ${'x'.repeat(200)}`)).close();
    });

    test('agree with a model over many steps', { skip }, async (t) => {
      const { log, topic } = await openBench(t, setup);
      const topics = [await topic(PARTITIONS), await topic(2)];
      const random = seeded(7);
      const names = [writerName(), writerName()];
      const writers = await Promise.all(names.map((name) => open(log, name)));
      const opened: Step[][] = [[], []];
      const committed: Step[] = [];
      for (let step = 0; step < 150; step += 1) {
        const who = random(2);
        const writer = writers[who] as TransactionalWriter;
        const action = random(10);
        if (action < 6) {
          const on = random(2);
          const partitions = on === 0 ? PARTITIONS : 2;
          const records = Array.from({ length: 1 + random(4) }, (_, index) =>
            record(`${step}.${index}`, { partition: random(partitions) }),
          );
          await writer.append(topics[on] as string, records);
          opened[who]?.push(...records.map((each) => ({ on, record: each })));
        } else if (action < 8) {
          await writer.commit();
          committed.push(...(opened[who] ?? []));
          opened[who] = [];
        } else {
          if (action === 8) await writer.abort();
          else writers[who] = await open(log, names[who] as string);
          opened[who] = [];
        }
      }
      for (const writer of writers) await writer.abort();
      for (const [on, name] of topics.entries()) {
        for (const [partition, found] of (await contents(log, name)).entries()) {
          const expected = committed.filter((each) => each.on === on && each.record.partition === partition);
          // Two writers' records of one partition lie in order of append on Kafka, and of commit elsewhere.
          assert.deepEqual(found.toSorted(), expected.map((each) => textOf(each.record)).toSorted());
          assert.ok(found.length > 0);
        }
      }
    });
  });

  describe('topics with a shape of their own', () => {
    test('are refused where the log cannot keep them', { skip: features.shapedTopics }, async (t) => {
      const { log, topicName } = await openBench(t, setup);
      for (const shape of [{ compacted: true }, { recordBytesMax: 1_000 }]) {
        const name = topicName();
        const [setting = ''] = Object.keys(shape);
        await assert.rejects(
          log.createTopic(name, { partitions: 1, ...shape }),
          hasCode('CONFIG_INVALID', name, setting, 'Omit it'),
        );
        assert.equal(await log.describeTopic(name), undefined);
      }
      await log.createTopic(topicName(), { partitions: 1, compacted: false });
    });

    test('refuse a limit of records that cannot be', async (t) => {
      const { log, topicName } = await openBench(t, setup);
      for (const recordBytesMax of [0, -1, 1.5, Number.NaN, 2 ** 31]) {
        const made = log.createTopic(topicName(), { partitions: 1, recordBytesMax });
        await assert.rejects(made, hasCode('CONFIG_INVALID', 'recordBytesMax'));
      }
    });

    test(
      'take no record without a key where they are compacted',
      { skip: !features.shapedTopics },
      async (t) => {
        const { log, topic } = await openBench(t, setup);
        const name = await topic(1, { compacted: true });
        await assert.rejects(log.append(name, [record('x')]), hasCode('CONFIG_INVALID'));
        await log.append(name, [record('y', { key: bytes('k') })]);
        assert.deepEqual(await contents(log, name), [['y']]);
      },
    );

    test('take records up to their limit', { skip: !features.shapedTopics }, async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(1, { recordBytesMax: 1_500_000 });
      await log.append(name, [record('x'.repeat(1_500_000)), record('y'.repeat(1_000))]);
      const large = log.append(name, [record('z'.repeat(1_600_000))]);
      await assert.rejects(large, hasCode('RECORD_TOO_LARGE', 'Record 0'));
      const lengths = (await contents(log, name)).map((of) => of.map(({ length }) => length));
      assert.deepEqual(lengths, [[1_500_000, 1_000]]);
    });
  });
}

interface Step {
  readonly on: number;
  readonly record: RecordInput;
}

function open(log: Log, name: string): Promise<TransactionalWriter> {
  assert.ok(log.openTransactions !== undefined);
  return log.openTransactions(name);
}

function writerName(): string {
  return `writer-${process.pid}-${(named += 1)}`;
}

function record(value: string, rest: Partial<RecordInput> = {}): RecordInput {
  return { key: null, value: bytes(value), ...rest };
}

/** Numbered records, one after the other over the partitions. */
function values(from: number, to: number): RecordInput[] {
  return Array.from({ length: to - from }, (_, index) =>
    record(`${from + index}`, { partition: (from + index) % PARTITIONS }),
  );
}

function textOf({ value }: RecordInput): string {
  return Buffer.from(value ?? []).toString();
}

function noneOf(partitions: readonly unknown[]): string[][] {
  return partitions.map(() => []);
}

/** The values of every partition. */
async function contents(log: Log, topic: string): Promise<string[][]> {
  const found: string[][] = [];
  for (const { partition } of await log.offsets(topic)) {
    found.push((await readPartition(log, topic, partition)).map(({ value }) => value ?? 'null'));
  }
  return found;
}

function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
}
