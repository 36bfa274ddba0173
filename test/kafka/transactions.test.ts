/** Transactions on a real broker: what readers see, over kills, and who may still write. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeConfigsV4 } from '@platformatic/kafka';
import type { Log, RecordInput, TransactionalWriter } from '../../src/contracts/log.ts';
import { TallystreamError } from '../../src/errors.ts';
import { bytes, readPartition } from '../contract/log/log-records.ts';
import { hasCode } from '../contract/log/log-under-test.ts';
import { kafkaBench, record } from '../log/kafka/kafka-bench.ts';
import { withoutKafka } from './broker.ts';

const PARTITIONS = 4;
/** A writer that gives up soon, so that a test can look at what it left behind. */
const SHORT = { requestTimeoutMs: 3_000, retryTimeoutMs: 6_000 };
/** A broker that starts on a busy machine takes longer than the usual time of a transaction. */
const LONG = { transactionTimeoutMs: 600_000 };

/** Longer than a broker keeps a name that nobody uses, where the tests make that short. */
const FORGOTTEN_MS = 7_000;

let named = 0;

describe('transactions on Kafka', { skip: withoutKafka(), timeout: 600_000 }, () => {
  const bench = kafkaBench({
    properties: { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '300' },
  });

  for (const compression of ['none', 'zstd'] as const) {
    test(`of thousands of records over two topics come whole and in order (${compression})`, async (t) => {
      const { open, topic } = bench();
      const log = await open(t, { compression });
      const reader = await open(t);
      const topics = [await topic(t, PARTITIONS), await topic(t, PARTITIONS)] as const;
      const writer = await openWriter(log, writerName());
      // More than a batch for every partition, in more than one call, among transactions that are taken back.
      for (const kept of [true, false, true]) {
        for (const name of topics) {
          for (const half of [0, 1]) await writer.append(name, numbered(`${kept} ${half}`, 4_000, 800));
        }
        if (kept) await writer.commit();
        else await writer.abort();
      }
      for (const name of topics) {
        for (let partition = 0; partition < PARTITIONS; partition += 1) {
          const found = await readPartition(reader, name, partition);
          const ofOne = [0, 1].flatMap((half) => numbered(`true ${half}`, 4_000, 800));
          const expected = [...ofOne, ...ofOne].filter((each) => each.partition === partition);
          assert.equal(found.length, expected.length);
          assert.deepEqual(
            found.map(({ value }) => value),
            expected.map(textOf),
          );
          for (const [index, { headers, key }] of found.entries()) {
            assert.deepEqual(
              headers,
              index % 10 === 0 ? [{ name: 'source', value: 'ünï'.normalize() }].map(latin) : [],
            );
            assert.equal(key, `key ${partition}`);
          }
          // Markers and what was taken back have offsets, and are no records.
          const [first, last] = [found[0]?.offset ?? -1, found.at(-1)?.offset ?? -1];
          assert.equal(last - first + 1, found.length + expected.length / 2 + 2);
        }
      }
    });
  }

  test('are shown over all partitions or not at all, at every moment', async (t) => {
    const { open, topic } = bench();
    const [log, reader] = [await open(t), await open(t)];
    const topics = [await topic(t, PARTITIONS), await topic(t, PARTITIONS)] as const;
    const writer = await openWriter(log, writerName());
    let isDone = false;
    const writing = (async () => {
      for (let round = 0; round < 20; round += 1) {
        for (const name of topics) await writer.append(name, numbered(`${round}`, 40));
        if (round % 3 === 2) await writer.abort();
        else await writer.commit();
      }
      isDone = true;
    })();
    while (!isDone) {
      const seen = new Map<string, number>();
      for (const value of (await valuesOf(reader, topics[0])).flat()) count(seen, value.split(' ')[0] ?? '');
      for (const [round, records] of seen) {
        assert.equal(Number(round) % 3 === 2, false, `round ${round} was taken back`);
        // A partition is shown when its marker is there; within one a transaction is whole.
        assert.equal(records % (40 / PARTITIONS), 0, `round ${round} is torn within a partition`);
      }
    }
    await writing;
    for (const name of topics) {
      const rounds = (await valuesOf(reader, name)).flat();
      assert.equal(rounds.length, 14 * 40);
    }
  });

  test('are over for a process that was stopped while another opened its name', async (t) => {
    const { open, topic, broker } = bench();
    const log = await open(t);
    const name = await topic(t, 1);
    const writerOf = writerName();
    const zombie = spawn(
      process.execPath,
      ['test/kafka/children/zombie.ts', broker.bootstrap, writerOf, name],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    t.after(() => zombie.kill('SIGKILL'));
    const lines = createInterface({ input: zombie.stdout })[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value, 'appended');
    zombie.kill('SIGSTOP');
    const writer = await openWriter(log, writerOf);
    await writer.append(name, [record('living')]);
    zombie.stdin.end();
    zombie.kill('SIGCONT');
    assert.equal((await lines.next()).value, 'WRITER_FENCED WRITER_FENCED');
    await once(zombie, 'close');
    await writer.commit();
    assert.deepEqual(await valuesOf(log, name), [['living']]);
  });

  test('that stay open too long are taken back, and their writer is told', async (t) => {
    const { open, topic } = bench();
    const log = await open(t, { transactionTimeoutMs: 4_000 });
    const name = await topic(t, 1);
    const writerOf = writerName();
    const writer = await openWriter(log, writerOf);
    await writer.append(name, [record('slow')]);
    const signal = new AbortController().signal;
    const known = await log.offsets(name);
    assert.equal(await log.waitForRecords(name, known, 120_000, signal), true);
    await assert.rejects(writer.commit(), hasCode('WRITER_FENCED', writerOf, 'more than 4 s', 'aborted it'));
    const again = await openWriter(await open(t), writerOf);
    await again.append(name, [record('quick')]);
    await again.commit();
    assert.deepEqual(await valuesOf(log, name), [['quick']]);
  });

  test('may be open for as long as the broker allows, if that is less than was asked for', async (t) => {
    const { open, topic } = bench();
    const name = await topic(t, 1);
    // The broker's own bound is 15 minutes.
    const writer = await openWriter(await open(t, { transactionTimeoutMs: 2 ** 31 - 1 }), writerName());
    await writer.append(name, [record('in time')]);
    await writer.commit();
    assert.deepEqual(await valuesOf(await open(t), name), [['in time']]);
  });

  test('stay open over a call of which one record is too large', async (t) => {
    const { open, topic } = bench();
    const log = await open(t);
    const name = await topic(t, 2, { 'max.message.bytes': '20000' });
    const writer = await openWriter(log, writerName());
    const small = numbered('small', 400, 500).map((each) => ({ ...each, partition: 0 }));
    await writer.append(name, small);
    const mixed = [
      record('fits', { partition: 0 }),
      record('y'.repeat(30_000), { partition: 1 }),
      record('behind', { partition: 1 }),
    ];
    await assert.rejects(writer.append(name, mixed), hasCode('RECORD_TOO_LARGE', 'Record 1', '30000', name));
    await writer.append(name, [record('next', { partition: 1 })]);
    await writer.commit();
    await writer.append(name, [record('later', { partition: 1 })]);
    await writer.commit();
    assert.deepEqual(await valuesOf(log, name), [
      [...small.map(textOf), 'fits'],
      ['next', 'later'],
    ]);
  });

  test('have topics with the settings that compaction and large records need', async (t) => {
    const { open, connect } = bench();
    const log = await open(t);
    const settings = async (name: string) => {
      const resource = { resourceType: 2, resourceName: name } as const;
      const answer = await describeConfigsV4.api.async(await connect(t), [resource], false, false);
      return new Map(answer.results[0]?.configs.map((config) => [config.name, config.value]));
    };
    await log.createTopic('control', { partitions: 1, compacted: true, recordBytesMax: 5_000 });
    const control = await settings('control');
    assert.equal(control.get('cleanup.policy'), 'compact');
    assert.equal(control.get('segment.ms'), '3600000');
    assert.equal(control.get('min.cleanable.dirty.ratio'), '0.1');
    assert.equal(control.get('max.message.bytes'), '6024');
    await log.createTopic('plain', { partitions: 1 });
    assert.equal((await settings('plain')).get('cleanup.policy'), 'delete');
    // The largest record there is fits into a segment of a compacted topic.
    await log.createTopic('large', { partitions: 1, compacted: true });
    await log.append('large', [{ key: bytes('k'), value: new Uint8Array(16 * 1024 * 1024) }]);
  });

  describe('and a broker that is killed', () => {
    test('between append and commit: one copy', async (t) => {
      const { open, topic, broker } = bench();
      const log = await open(t, { ...LONG, requestTimeoutMs: 2_000 });
      const topics = [await topic(t, PARTITIONS), await topic(t, 1)] as const;
      const writer = await openWriter(log, writerName());
      await writer.append(topics[0], numbered('before', 100));
      await broker.kill('SIGKILL');
      const appending = writer.append(topics[1], [record('after')]);
      await broker.restart();
      await appending;
      await broker.kill('SIGKILL');
      const committing = writer.commit();
      await broker.restart();
      await committing;
      await sees(log, topics[0], 100);
      await sees(log, topics[1], 1);
    });

    test('while it commits: one copy, or none where the one who opens the name next says so', async (t) => {
      const { open, topic, broker } = bench();
      const names = [await topic(t, PARTITIONS), await topic(t, PARTITIONS)] as const;
      const writerOf = writerName();
      const patient = await open(t, { ...LONG, requestTimeoutMs: 2_000 });
      let writer = await openWriter(patient, writerOf, names);
      let expected = 0;
      for (const [round, delayMs] of [0, 5].entries()) {
        for (const name of names) await writer.append(name, numbered(`${round}`, 40));
        const committing = writer.commit();
        await sleep(delayMs);
        await broker.kill('SIGKILL');
        await broker.restart();
        await committing;
        expected += 40;
        for (const name of names) await sees(patient, name, expected);
      }
      for (const [round, delayMs] of [0, 5].entries()) {
        const log = await open(t, { ...LONG, ...SHORT });
        writer = await openWriter(log, writerOf, names);
        for (const name of names) await writer.append(name, numbered(`again ${round}`, 40));
        const committing = outcomeOf(writer.commit());
        await sleep(delayMs);
        await broker.kill('SIGKILL');
        const outcome = await committing;
        await broker.restart();
        writer = await openWriter(patient, writerOf, names);
        const seen = (await valuesOf(patient, names[0])).flat().length;
        assert.ok(seen === expected + 40 || (seen === expected && outcome !== 'done'), `${outcome}: ${seen}`);
        expected = seen;
        for (const name of names) await sees(patient, name, expected);
      }
    });

    test('and is away for longer than a call waits: aborted, and nothing of it is seen', async (t) => {
      const { open, topic, broker } = bench();
      const log = await open(t, { ...LONG, ...SHORT });
      const name = await topic(t, 1);
      const writer = await openWriter(log, writerName());
      await writer.append(name, [record('lost')]);
      await broker.kill('SIGSTOP');
      await assert.rejects(writer.append(name, [record('lost too')]), hasCode('LOG_UNAVAILABLE'));
      await assert.rejects(writer.abort(), hasCode('LOG_UNAVAILABLE'));
      // What was sent meanwhile is read by the broker now, and must not become part of what comes next.
      await broker.kill('SIGCONT');
      for (;;) if ((await outcomeOf(writer.abort())) === 'done') break;
      await writer.append(name, [record('kept')]);
      await writer.commit();
      assert.deepEqual(await valuesOf(log, name), [['kept']]);
    });

    test('or stopped while it commits: one copy, and the next transaction is its own', async (t) => {
      const { open, topic, broker } = bench();
      const log = await open(t, { requestTimeoutMs: 2_000 });
      const name = await topic(t, 1);
      const writer = await openWriter(log, writerName());
      for (const round of ['first', 'second']) {
        await writer.append(name, [record(round)]);
        await broker.kill('SIGSTOP');
        const committing = writer.commit();
        await sleep(4_500);
        await broker.kill('SIGCONT');
        await committing;
      }
      await writer.append(name, [record('not committed')]);
      await writer.abort();
      assert.deepEqual(await valuesOf(log, name), [['first', 'second']]);
    });
  });
});

describe('names of transactions that Kafka forgets', { skip: withoutKafka(), timeout: 300_000 }, () => {
  const bench = kafkaBench({
    properties: {
      'transactional.id.expiration.ms': '3000',
      'transaction.remove.expired.transaction.cleanup.interval.ms': '200',
    },
  });

  test('go on with the next transaction', async (t) => {
    const { open, topic } = bench();
    const log = await open(t);
    const name = await topic(t, 1);
    const writer = await openWriter(log, writerName());
    for (const value of ['a', 'b']) {
      await writer.append(name, [record(value)]);
      await writer.commit();
      await sleep(FORGOTTEN_MS);
    }
    assert.deepEqual(await valuesOf(log, name), [['a', 'b']]);
  });

  test('belong to the one who opened them since', async (t) => {
    const { open, topic } = bench();
    const log = await open(t);
    const name = await topic(t, 1);
    const writerOf = writerName();
    const older = await openWriter(log, writerOf);
    await older.append(name, [record('a')]);
    await older.commit();
    await sleep(FORGOTTEN_MS);
    const newer = await openWriter(log, writerOf);
    await assert.rejects(older.append(name, [record('x')]), hasCode('WRITER_FENCED'));
    await newer.append(name, [record('b')]);
    await newer.commit();
    assert.deepEqual(await valuesOf(log, name), [['a', 'b']]);
  });
});

async function openWriter(log: Log, name: string, topics?: readonly string[]): Promise<TransactionalWriter> {
  assert.ok(log.openTransactions !== undefined);
  return log.openTransactions(name, topics);
}

function writerName(): string {
  return `writer ${(named += 1)}`;
}

/** Records over the partitions in turn, every tenth of a partition with a header. */
function numbered(label: string, total: number, fillerBytes = 0): RecordInput[] {
  return Array.from({ length: total }, (_, index) => ({
    key: bytes(`key ${index % PARTITIONS}`),
    value: bytes(`${label} ${index} ${'.'.repeat(fillerBytes)}`),
    partition: index % PARTITIONS,
    headers:
      Math.floor(index / PARTITIONS) % 10 === 0 ? [{ name: 'source', value: bytes('ünï'.normalize()) }] : [],
  }));
}

function textOf({ value }: RecordInput): string {
  return Buffer.from(value ?? []).toString();
}

function latin({ name, value }: { name: string; value: string }) {
  return { name, value: Buffer.from(value).toString('latin1') };
}

function count(into: Map<string, number>, what: string): void {
  into.set(what, (into.get(what) ?? 0) + 1);
}

async function sees(log: Log, topic: string, records: number): Promise<void> {
  const all = (await valuesOf(log, topic)).flat();
  assert.equal(all.length, records);
  assert.equal(new Set(all).size, records);
}

async function valuesOf(log: Log, topic: string): Promise<string[][]> {
  const found: string[][] = [];
  for (const { partition } of await log.offsets(topic)) {
    found.push((await readPartition(log, topic, partition)).map(({ value }) => value ?? 'null'));
  }
  return found;
}

/** 'done', or the code of the error. */
async function outcomeOf(call: Promise<void>): Promise<string> {
  try {
    await call;
    return 'done';
  } catch (error) {
    if (!(error instanceof TallystreamError)) throw error;
    return error.code;
  }
}
