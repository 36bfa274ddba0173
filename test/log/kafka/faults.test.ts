/** Brokers that are killed, stopped and started again while records go in and out. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppendedRange, Log, RecordInput, TopicDescription } from '../../../src/contracts/log.ts';
import { TallystreamError } from '../../../src/errors.ts';
import { plainRecords, readPartition, type PlainRecord } from '../../contract/log/log-records.ts';
import { hasCode } from '../../contract/log/log-under-test.ts';
import { withoutKafka } from '../../kafka/broker.ts';
import { kafkaBench, record } from './kafka-bench.ts';

/** Short, so that an append gives up while the broker is away and its repeat is what is tested. */
const SHORT = { requestTimeoutMs: 2_000, appendTimeoutMs: 300 };

describe('the Kafka log and a broker that goes away', { skip: withoutKafka(), timeout: 600_000 }, () => {
  const bench = kafkaBench();

  for (const fault of ['SIGKILL', 'SIGSTOP'] as const) {
    test(`appends every record once, in order, over ${fault}`, async (t) => {
      const { open, topic, broker } = bench();
      const log = await open(t, SHORT);
      const name = await topic(t, 3);
      const writer = new RepeatingWriter(log, name);
      const writing = writer.writeUntilStopped();
      for (let round = 0; round < 2; round += 1) {
        await writer.acknowledgedAfter(writer.batches + 20);
        await broker.kill(fault);
        await writer.failedAfter(writer.failures + 1);
        if (fault === 'SIGKILL') await broker.restart();
        else await broker.kill('SIGCONT');
        await writer.acknowledgedAfter(writer.batches + 20);
      }
      writer.stop();
      await writing;
      assert.ok(writer.failures > 0, 'no append met the fault');
      const reader = await open(t);
      for (let partition = 0; partition < 3; partition += 1) {
        const values = (await readPartition(reader, name, partition)).map(({ value }) => value);
        assert.deepEqual(values, writer.valuesOf(partition));
      }
      for (const { partition, baseOffset, count } of writer.ranges) {
        assert.ok(baseOffset + count <= writer.valuesOf(partition).length);
      }
    });
  }

  test('goes on reading where it was when the broker is killed and comes back', async (t) => {
    const { open, topic, broker } = bench();
    const said: string[] = [];
    const log = await open(t, { onWaiting: (words) => said.push(words) });
    const name = await topic(t, 1);
    const filler = 'x'.repeat(100_000);
    for (let round = 0; round < 10; round += 1) {
      await log.append(
        name,
        Array.from({ length: 10 }, (_, index) => record(`${round * 10 + index} ${filler}`)),
      );
    }
    const expected = await readPartition(log, name, 0);
    assert.equal(expected.length, 100);
    const records: PlainRecord[] = [];
    let isBack: Promise<void> | undefined;
    for await (const chunk of log.read({ topic: name, partition: 0, start: 0, end: 100 })) {
      records.push(...plainRecords(chunk));
      if (isBack !== undefined) continue;
      await broker.kill('SIGKILL');
      isBack = sleep(1_500).then(() => broker.restart());
    }
    await isBack;
    assert.deepEqual(records, expected);
    assert.match(said[0] ?? '', /Apache Kafka has been unavailable for \d+ s/);
  });

  test('waits for records through a restart, and sees the first that comes after', async (t) => {
    const { open, topic, broker } = bench();
    const log = await open(t);
    const name = await topic(t, 1);
    const waiting = log.waitForRecords(name, await log.offsets(name), 120_000, new AbortController().signal);
    await sleep(200);
    await broker.kill('SIGKILL');
    await sleep(300);
    await broker.restart();
    const other = await open(t);
    await other.append(name, [record('after')]);
    assert.equal(await waiting, true);
  });

  test('is LOG_UNAVAILABLE in every call after the bound while the broker is away, and closes at once', async (t) => {
    const { open, topic, broker } = bench();
    const name = await topic(t, 1);
    const log = await open(t, { retryTimeoutMs: 600, appendTimeoutMs: 600 });
    const patient = await open(t);
    const known = await log.offsets(name);
    await broker.kill('SIGKILL');
    try {
      const calls = [
        () => log.describeTopic(name),
        () => log.offsets(name),
        () => log.listTopics(),
        () => log.append(name, [record('x')]),
        () => log.createTopic('another', { partitions: 1 }),
        () => log.publishOffsets?.('group', name, [{ partition: 0, nextOffset: 0 }]) ?? Promise.resolve(),
      ];
      for (const call of calls) await assert.rejects(call(), hasCode('LOG_UNAVAILABLE'));
      const signal = new AbortController().signal;
      assert.equal(await log.waitForRecords(name, known, 300, signal), false);
      const endless = patient.describeTopic(name);
      const ended = assert.rejects(endless, hasCode('LOG_UNAVAILABLE', 'closed'));
      await patient.close();
      await ended;
    } finally {
      await broker.restart();
    }
    // It has less patience than a broker that has just started may need.
    for (;;) {
      const found = await log.describeTopic(name).catch((error: unknown) => error);
      if (hasCode('LOG_UNAVAILABLE')(found)) continue;
      assert.equal((found as TopicDescription).partitions, 1);
      break;
    }
  });
});

/** Appends numbered records and, as the producer does, repeats the very same array after LOG_UNAVAILABLE. */
class RepeatingWriter {
  batches = 0;
  failures = 0;
  readonly ranges: AppendedRange[] = [];
  private readonly log: Log;
  private readonly topic: string;
  private readonly written: RecordInput[] = [];
  private isStopped = false;

  constructor(log: Log, topic: string) {
    this.log = log;
    this.topic = topic;
  }

  async writeUntilStopped(): Promise<void> {
    while (!this.isStopped) {
      const first = this.written.length;
      const batch = Array.from({ length: 30 }, (_, index) =>
        record(`${first + index}`, { partition: index % 3 }),
      );
      this.ranges.push(...(await this.repeat(batch)));
      this.written.push(...batch);
      this.batches += 1;
    }
  }

  stop(): void {
    this.isStopped = true;
  }

  async acknowledgedAfter(batches: number): Promise<void> {
    while (this.batches < batches) await sleep(20);
  }

  async failedAfter(failures: number): Promise<void> {
    while (this.failures < failures) await sleep(20);
  }

  valuesOf(partition: number): string[] {
    return this.written
      .filter((each) => each.partition === partition)
      .map(({ value }) => Buffer.from(value ?? []).toString());
  }

  private async repeat(batch: readonly RecordInput[]): Promise<readonly AppendedRange[]> {
    for (;;) {
      try {
        return await this.log.append(this.topic, batch);
      } catch (error) {
        if (!(error instanceof TallystreamError) || error.code !== 'LOG_UNAVAILABLE') throw error;
        this.failures += 1;
      }
    }
  }
}
