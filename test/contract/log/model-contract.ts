/** Any series of appends, reads, retention and re-openings, against plain arrays. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Log, RecordInput } from '../../../src/contracts/log.ts';
import { partitionOfKey } from '../../../src/log/shared/partition.ts';
import { latin1, plainHeaders, readRecords, type PlainRecord } from './log-records.ts';
import { openBench, type Bench, type LogSetup } from './log-under-test.ts';

const PARTITIONS = 3;
const RETENTION_MS = 3_600_000;
const RETENTION_BYTES = 40_000;

type Step =
  | { readonly kind: 'append'; readonly records: readonly RecordInput[] }
  | { readonly kind: 'read'; readonly partition: number; readonly from: number; readonly to: number }
  | { readonly kind: 'retain' }
  | { readonly kind: 'reopen' };

interface ModelPartition {
  earliest: number;
  readonly records: PlainRecord[];
}

const cell = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1_000, max: 9_000 }).map((size) => new Uint8Array(size).fill(97)),
  },
);

function steps(nowMs: number): fc.Arbitrary<Step[]> {
  const partition = fc.nat({ max: PARTITIONS - 1 });
  const headers = fc.array(fc.record({ name: fc.string(), value: fc.uint8Array({ maxLength: 5 }) }), {
    maxLength: 2,
  });
  const timestampMs = fc.nat({ max: 2 * RETENTION_MS }).map((ageMs) => nowMs - ageMs);
  const record = fc.oneof(
    fc.record({ key: cell, value: cell, timestampMs, headers, partition }),
    fc.record({ key: fc.uint8Array({ maxLength: 12 }), value: cell, timestampMs }),
  );
  // Of whole numbers: most doubles between 0 and 1 are next to 0, and would make most ranges empty.
  const share = fc.nat({ max: 100 }).map((percent) => percent / 100);
  return fc.array(
    fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({ kind: fc.constant('append' as const), records: fc.array(record) }),
      },
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constant('read' as const), partition, from: share, to: share }),
      },
      { weight: 1, arbitrary: fc.constant({ kind: 'retain' as const }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const }) },
    ),
    { maxLength: 25 },
  );
}

export function modelContract(setup: LogSetup): void {
  const skip =
    !setup.features.contiguousOffsets || !setup.features.retentionByAge || !setup.features.retentionBySize;
  describe('the model', () => {
    test('agrees with the log after any series of calls', { skip }, async (t) => {
      const bench = await openBench(t, setup);
      const seed = randomInt(2 ** 31);
      t.diagnostic(`fast-check seed ${seed}`);
      let log = bench.log;
      const property = fc.asyncProperty(steps(bench.clock.nowMs()), async (series) => {
        log = await follow(bench, log, series);
      });
      await fc.assert(property, { seed, numRuns: 100 });
    });
  });
}

/** Takes the steps on a topic of its own and compares offsets after each. */
async function follow(bench: Bench, opened: Log, series: readonly Step[]): Promise<Log> {
  let log = opened;
  const name = bench.topicName();
  await log.createTopic(name, {
    partitions: PARTITIONS,
    retentionMs: RETENTION_MS,
    retentionBytes: RETENTION_BYTES,
  });
  const model = Array.from({ length: PARTITIONS }, (): ModelPartition => ({ earliest: 0, records: [] }));
  for (const step of series) {
    if (step.kind === 'append') await append(log, name, model, step.records);
    else if (step.kind === 'read') await read(log, name, model, step);
    else if (step.kind === 'retain') await retain(log, model, bench.clock.nowMs());
    else if (bench.reopen) log = await bench.reopen();
    assert.deepEqual(
      await log.offsets(name),
      model.map(({ earliest, records }, partition) => ({ partition, earliest, latest: records.length })),
    );
  }
  for (const partition of model.keys())
    await read(log, name, model, { kind: 'read', partition, from: 0, to: 1 });
  await log.deleteTopic(name);
  return log;
}

async function append(log: Log, topic: string, model: ModelPartition[], records: readonly RecordInput[]) {
  const before = model.map(({ records: stored }) => stored.length);
  for (const { key, value, timestampMs = 0, headers = [], partition } of records) {
    const chosen = partition ?? partitionOfKey(key as Uint8Array, PARTITIONS);
    const stored = (model[chosen] as ModelPartition).records;
    stored.push({
      offset: stored.length,
      key: key && latin1(key),
      value: value && latin1(value),
      timestampMs,
      headers: plainHeaders(headers),
    });
  }
  const grown = model.map(({ records: stored }, partition) => {
    const baseOffset = before[partition] as number;
    return { partition, baseOffset, count: stored.length - baseOffset };
  });
  assert.deepEqual(
    await log.append(topic, records),
    grown.filter(({ count }) => count > 0),
  );
}

async function read(log: Log, topic: string, model: ModelPartition[], step: Step & { kind: 'read' }) {
  const { earliest, records } = model[step.partition] as ModelPartition;
  const offsetAt = (share: number) => earliest + Math.round(share * (records.length - earliest));
  const start = Math.min(offsetAt(step.from), offsetAt(step.to));
  const end = Math.max(offsetAt(step.from), offsetAt(step.to));
  const range = { topic, partition: step.partition, start, end };
  assert.deepEqual(await readRecords(log, range), records.slice(start, end));
}

/** Which batches go is the log's choice; the model checks that it was allowed, and that what must go went. */
async function retain(log: Log, model: ModelPartition[], nowMs: number) {
  for (const { partition, start, end, reason, bytes } of await log.enforceRetention()) {
    const of = model[partition] as ModelPartition;
    assert.equal(start, of.earliest);
    assert.ok(end > start && end <= of.records.length && bytes > 0);
    const removed = of.records.slice(start, end);
    if (reason === 'age')
      for (const { timestampMs } of removed) assert.ok(timestampMs < nowMs - RETENTION_MS + 60_000);
    of.earliest = end;
  }
  for (const { earliest, records } of model) {
    const kept = records.slice(earliest);
    const payloadBytes = kept.reduce(
      (sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0),
      0,
    );
    assert.ok(payloadBytes <= RETENTION_BYTES, `${payloadBytes} bytes are left`);
  }
}
