/** A Kafka topic from the middle of which records are missing: a loss with its offsets, unless compaction may take them. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createAclsV3 } from '@platformatic/kafka';
import type { Log, LostRecords, ReadRange, RecordInput } from '../../../../src/contracts/log.ts';
import { readPlanned } from '../../../../src/engine/read-planned.ts';
import { pathsOf } from '../../../../scripts/kafka/folder.js';
import { bytes, readRecords } from '../../../contract/log/log-records.ts';
import { hasCode } from '../../../contract/log/log-under-test.ts';
import { withoutKafka, type TestBroker } from '../../../kafka/broker.ts';
import { kafkaBench } from '../kafka-bench.ts';

const MEBIBYTE = 1024 * 1024;
/** Larger segments would need more records. */
const SEGMENTS = { 'segment.bytes': String(MEBIBYTE) };
const RECORD_BYTES = 30_000;
/** Of the protocol: resource types, pattern types, operations and permissions of access control lists. */
const [TOPIC, LITERAL, ALL, DESCRIBE_CONFIGS, DENY, ALLOW] = [2, 3, 2, 10, 2, 3] as const;

describe('a topic on Kafka with a missing segment', { skip: withoutKafka(), timeout: 600_000 }, () => {
  const bench = kafkaBench({
    properties: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'allow.everyone.if.no.acl.found': 'true',
    },
  });

  for (const compression of ['none', 'zstd'] as const) {
    test(`is read up to the gap, which is DATA_LOSS with its offsets (${compression})`, async (t) => {
      const { open, topic, broker } = bench();
      const log = await open(t, { compression });
      const name = await topic(t, 1, SEGMENTS);
      await appendRounds(log, name, 24, 10);
      const gap = await removeMiddleSegment(broker, name);
      const whole = { topic: name, partition: 0, start: 0, end: 240 };
      const { offsets, error } = await readUntilError(log, whole);
      assert.deepEqual(offsets, from(0, gap.start));
      const words = `Offsets ${gap.start} to ${gap.end - 1} (${gap.end - gap.start}) of topic ${name}`;
      assert.ok(hasCode('DATA_LOSS', words, 'partition 0')(error), String(error));
      assert.deepEqual(await log.findLost?.(whole), { partition: 0, ...gap });
    });
  }

  test('is lost as far as a range reaches into the gap, and sound beside it', async (t) => {
    const { open, topic, broker } = bench();
    const log = await open(t);
    const name = await topic(t, 1, SEGMENTS);
    await appendRounds(log, name, 24, 10);
    const gap = await removeMiddleSegment(broker, name);
    const range = (start: number, end: number) => ({ topic: name, partition: 0, start, end });
    const within = range(gap.start + 3, gap.end - 3);
    const words = `Offsets ${within.start} to ${within.end - 1} (${within.end - within.start})`;
    await assert.rejects(readRecords(log, within), hasCode('DATA_LOSS', words));
    assert.deepEqual(await log.findLost?.(within), { partition: 0, start: within.start, end: within.end });
    for (const { start, end } of [
      range(0, gap.start),
      range(gap.start - 1, gap.start),
      range(gap.end, 240),
    ]) {
      const read = await readRecords(log, range(start, end));
      assert.deepEqual(
        read.map(({ offset }) => offset),
        from(start, end),
      );
      assert.equal(await log.findLost?.(range(start, end)), undefined);
    }
  });

  test('is read on after the gap by a query that may, also if a transaction’s marker comes before it', async (t) => {
    const { open, topic, broker } = bench();
    const log = await open(t);
    const name = await topic(t, 1, SEGMENTS);
    const writer = await log.openTransactions?.('gaps', [name]);
    assert.ok(writer !== undefined);
    // Nine records and a marker fill a segment.
    for (let round = 0; round < 5; round += 1) {
      await writer.append(name, recordsOf(`${name} ${round}`, 9, 100_000));
      await (round === 1 ? writer.abort() : writer.commit());
    }
    await writer.close();
    const gap = await removeMiddleSegment(broker, name);
    assert.deepEqual(gap, { start: 20, end: 30 });
    const lost: LostRecords[] = [];
    const offsets: number[] = [];
    const range = { topic: name, partition: 0, start: 0, end: 50 };
    for await (const chunk of readPlanned(log, range, {
      mayPass: () => true,
      onLost: (each) => lost.push(each),
    }))
      offsets.push(...chunk.offsets);
    assert.deepEqual(offsets, [...from(0, 9), ...from(30, 39), ...from(40, 49)]);
    assert.deepEqual(lost, [{ partition: 0, ...gap }]);
  });

  test('is no loss if the topic is compacted, or the broker does not tell, which is said once', async (t) => {
    const { open, topic, broker, connect } = bench();
    const said: string[] = [];
    const log = await open(t, { onWarning: (words) => said.push(words) });
    const compacted = await topic(t, 1, { ...SEGMENTS, 'cleanup.policy': 'compact,delete' });
    const untold = await topic(t, 1, SEGMENTS);
    const acl = { resourceType: TOPIC, resourceName: untold, resourcePatternType: LITERAL } as const;
    const everyone = { ...acl, principal: 'User:ANONYMOUS', host: '*' } as const;
    await createAclsV3.api.async(await connect(t), [
      { ...everyone, operation: ALL, permissionType: ALLOW },
      { ...everyone, operation: DESCRIBE_CONFIGS, permissionType: DENY },
    ]);
    for (const name of [compacted, untold]) {
      await appendRounds(log, name, 24, 10);
      const gap = await removeMiddleSegment(broker, name);
      const range = { topic: name, partition: 0, start: 0, end: 240 };
      for (let round = 0; round < 2; round += 1) {
        const read = await readRecords(log, range);
        assert.deepEqual(
          read.map(({ offset }) => offset),
          [...from(0, gap.start), ...from(gap.end, 240)],
        );
      }
      assert.equal(await log.findLost?.(range), undefined);
    }
    assert.equal(said.length, 1, said.join('\n'));
    assert.match(said[0] ?? '', new RegExp(`Topic ${untold} has offsets without records, .*DescribeConfigs`));
  });

  test('is not seen where nothing is missing: aborted transactions, markers, codecs, deleted beginnings', async (t) => {
    const { open, topic } = bench();
    for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const log = await open(t, { compression });
      const name = await topic(t, 1, SEGMENTS);
      const writer = await log.openTransactions?.(`sound ${compression}`, [name]);
      assert.ok(writer !== undefined);
      const expected: number[] = [];
      let next = 0;
      for (let round = 0; round < 12; round += 1) {
        const isKept = round % 3 !== 1;
        await writer.append(name, recordsOf(`${name} ${round}`, 5, RECORD_BYTES));
        if (isKept) expected.push(...from(next, next + 5));
        await (isKept ? writer.commit() : writer.abort());
        next += 6;
        await log.append(name, recordsOf(`${name} plain ${round}`, 2, RECORD_BYTES));
        expected.push(...from(next, next + 2));
        next += 2;
      }
      await writer.close();
      for (let start = 0; start < next; start += 7) {
        const range = { topic: name, partition: 0, start, end: next };
        const read = await readRecords(log, range);
        assert.deepEqual(
          read.map(({ offset }) => offset),
          expected.filter((offset) => offset >= start),
        );
        assert.equal(await log.findLost?.(range), undefined);
      }
    }
  });
});

function from(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, index) => start + index);
}

/** Values that no codec makes small. */
function recordsOf(seed: string, count: number, valueBytes: number): RecordInput[] {
  return Array.from({ length: count }, (_, index) => {
    const value = createHash('shake256', { outputLength: valueBytes }).update(`${seed} ${index}`).digest();
    // A compacted topic takes no record without a key.
    return { key: bytes(`${seed} ${index}`), value, partition: 0 };
  });
}

async function appendRounds(log: Log, topic: string, rounds: number, count: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await log.append(topic, recordsOf(`${topic} ${round}`, count, RECORD_BYTES));
  }
}

/** Stops the broker, removes the files of a segment that is neither the first nor the last, and starts it again. */
async function removeMiddleSegment(
  broker: TestBroker,
  topic: string,
): Promise<{ start: number; end: number }> {
  await broker.kill('SIGTERM');
  const folder = join(pathsOf(broker.folder).data, `${topic}-0`);
  const starts = readdirSync(folder)
    .filter((file) => file.endsWith('.log'))
    .map((file) => Number(file.slice(0, -'.log'.length)))
    .toSorted((a, b) => a - b);
  const middle = Math.floor(starts.length / 2);
  assert.ok(middle > 0 && middle + 1 < starts.length, starts.join());
  const [start, end] = [starts[middle] as number, starts[middle + 1] as number];
  for (const file of readdirSync(folder)) {
    if (file.startsWith(String(start).padStart(20, '0'))) rmSync(join(folder, file));
  }
  await broker.restart();
  return { start, end };
}

async function readUntilError(log: Log, range: ReadRange) {
  const offsets: number[] = [];
  try {
    for await (const chunk of log.read(range)) offsets.push(...chunk.offsets);
  } catch (error) {
    return { offsets, error };
  }
  return { offsets, error: undefined };
}
