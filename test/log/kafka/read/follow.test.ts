import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPartitionsV3 } from '@platformatic/kafka';
import type { Log, PartitionOffsets, TopicDescription } from '../../../../src/contracts/log.ts';
import { readRecords } from '../../../contract/log/log-records.ts';
import { withoutKafka } from '../../../kafka/broker.ts';
import { kafkaBench, record } from '../kafka-bench.ts';

/** Longer than any test takes: a wait that is not woken fails by the test's own time limit. */
const LONG_MS = 600_000;
const never = new AbortController().signal;

describe('following a topic on Kafka', { skip: withoutKafka(), timeout: 120_000 }, () => {
  const bench = kafkaBench();

  async function looked(log: Log, name: string) {
    const topic = (await log.describeTopic(name)) as TopicDescription;
    return { topic, known: await log.offsets(name) };
  }

  /** As a query does it. */
  async function followUntilMore(log: Log, topic: TopicDescription, known: readonly PartitionOffsets[]) {
    while (!(await log.waitForRecords(topic.name, known, LONG_MS, never)));
    const found = await log.follow?.(topic, known);
    assert.ok(found !== undefined);
    return found;
  }

  test('gives what offsets gives, and reads what came with it, in any part of it', async (t) => {
    const { open, topic: make } = bench();
    const [log, other] = [await open(t), await open(t)];
    const name = await make(t, 3);
    const { topic, known } = await looked(log, name);
    assert.deepEqual(await log.follow?.(topic, known), known);
    const values = ['a', 'b', 'c', 'd', 'e'];
    await other.append(
      name,
      values.map((value) => record(value, { partition: 1 })),
    );
    await other.append(name, [record('z', { partition: 2 })]);
    for (const [start, end] of [
      [0, 5],
      [0, 2],
      [3, 5],
    ] as const) {
      const found = await log.follow?.(topic, known);
      assert.deepEqual(found, await other.offsets(name));
      const read = await readRecords(log, { topic: name, partition: 1, start, end });
      assert.deepEqual(
        read.map(({ offset, value }) => [offset, value]),
        values.map((value, offset) => [offset, value]).slice(start, end),
      );
    }
    assert.equal((await readRecords(log, { topic: name, partition: 2, start: 0, end: 1 })).length, 1);
  });

  test('ends its wait with the first record, and goes on from there', async (t) => {
    const { open, topic: make } = bench();
    const [log, other] = [await open(t), await open(t)];
    const name = await make(t, 4);
    const { topic, known: first } = await looked(log, name);
    let known = first;
    for (let round = 0; round < 12; round += 1) {
      const partition = round % 4;
      const waiting = followUntilMore(log, topic, known);
      await other.append(name, [record(String(round), { partition })]);
      const found = await waiting;
      const range = { topic: name, partition, start: known[partition]?.latest as number };
      const read = await readRecords(log, { ...range, end: found[partition]?.latest as number });
      assert.deepEqual(
        read.map(({ value }) => value),
        [String(round)],
      );
      known = found;
    }
    assert.deepEqual(known, await other.offsets(name));
  });

  test('does not show what an open transaction holds, and reads none of an aborted one', async (t) => {
    const { open, topic: make } = bench();
    const log = await open(t);
    const name = await make(t, 1);
    const { topic, known } = await looked(log, name);
    const writer = await log.openTransactions?.('follower');
    assert.ok(writer !== undefined);
    await writer.append(name, [record('aborted')]);
    const held = known.map((at) => ({ ...at, end: at.latest + 1 }));
    assert.deepEqual(await log.follow?.(topic, known), held);
    await writer.abort();
    const afterAbort = await followUntilMore(log, topic, known);
    const end = afterAbort[0]?.latest as number;
    assert.deepEqual(await readRecords(log, { topic: name, partition: 0, start: 0, end }), []);
    await writer.append(name, [record('committed')]);
    await writer.commit();
    const afterCommit = await followUntilMore(log, topic, afterAbort);
    const range = { topic: name, partition: 0, start: end, end: afterCommit[0]?.latest as number };
    assert.deepEqual(
      (await readRecords(log, range)).map(({ value }) => value),
      ['committed'],
    );
    await writer.close();
  });

  test('leaves a topic that was made anew, one that grew, and what is known wrongly, to a look', async (t) => {
    const { open, topic: make, connect } = bench();
    const log = await open(t);
    const name = await make(t, 1);
    await log.append(name, [record('x')]);
    const { topic, known } = await looked(log, name);
    const beyond = known.map((at) => ({ ...at, latest: at.latest + 5 }));
    assert.equal(await log.follow?.(topic, beyond), undefined);
    // Null leaves the choice of brokers to the cluster, which the client's type does not know.
    const assignments = null as unknown as [];
    await createPartitionsV3.api.async(await connect(t), [{ name, count: 2, assignments }], 5_000, false);
    while ((await log.describeTopic(name))?.partitions !== 2);
    assert.equal(await log.follow?.(topic, known), undefined);
    await log.deleteTopic(name);
    await log.createTopic(name, { partitions: 1 });
    await log.append(name, [record('y'), record('z')]);
    assert.equal(await log.follow?.(topic, known), undefined);
  });
});
