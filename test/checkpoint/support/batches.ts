/** A small query, and batches of it that differ only where a test says so. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { optional, required, schema, types } from '../../../src/columns/schema/schema.ts';
import type { BatchCommit, BatchPlan, BatchProgress, DeadLetter } from '../../../src/contracts/batch.ts';
import type { Checkpoint } from '../../../src/contracts/checkpoint.ts';
import { openCheckpoint, type CheckpointOptions } from '../../../src/checkpoint/open/open.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';
import type { QueryPlan } from '../../../src/plan/query-plan.ts';

export const TOPIC_ID = 'topic-1';

export const QUERY: QueryPlan = {
  name: 'test-totals',
  topic: 'purchases',
  schema: schema([
    required('event_id', types.string(), 'Id.'),
    required('timestamp', types.timestamp(), 'When.'),
    required('category', types.string({ dictionary: true }), 'What.'),
    required('amount', types.decimal(18, 2), 'How much.'),
    optional('place', types.struct([optional('city', types.string(), 'Where.')]), 'Place.'),
  ]),
  valueBytesMax: 1_000_000,
  assumeTimeZone: null,
  rules: [],
  watermark: { column: 'timestamp', delayMs: 3_600_000, idleTimeoutMs: 60_000 },
  steps: [],
  dedupe: { columns: ['event_id'] },
  timeZone: 'UTC',
  aggregates: [
    {
      name: 'categories',
      keys: [
        { kind: 'date', name: 'date', column: 'timestamp' },
        { kind: 'column', name: 'category', column: 'category' },
      ],
      measures: [
        { kind: 'sum', name: 'total', column: 'amount' },
        { kind: 'count', name: 'transactions' },
      ],
    },
    { name: 'all', keys: [], measures: [{ kind: 'count', name: 'transactions' }] },
  ],
  rows: null,
  outputMode: 'update',
};

const opened = new Map<string, Checkpoint[]>();

/** A folder for one test that does not exist yet; what {@link open} opened there is closed with the test. */
export function freshLocation(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-checkpoint-'));
  const location = join(folder, 'data', 'test-totals');
  t.after(() => {
    for (const checkpoint of opened.get(location) ?? []) checkpoint.close();
    opened.delete(location);
    rmSync(folder, { recursive: true, force: true });
  });
  return location;
}

export async function open(location: string, changed: Partial<CheckpointOptions> = {}): Promise<Checkpoint> {
  const checkpoint = await openCheckpoint({
    location,
    plan: QUERY,
    logFormat: 'embedded',
    clock: systemClock,
    takeOver: false,
    lockTimeoutMs: 0,
    ...changed,
  });
  opened.set(location, [...(opened.get(location) ?? []), checkpoint]);
  return checkpoint;
}

export function planOf(batchId: number, changed: Partial<BatchPlan> = {}): BatchPlan {
  return {
    batchId,
    topicId: TOPIC_ID,
    ranges: [{ partition: 0, start: batchId * 2, end: batchId * 2 + 2 }],
    lost: [],
    clockMs: 1_750_000_000_000 + batchId,
    watermarkMicros: batchId === 0 ? null : 1_750_000_000_000_000 + batchId,
    idlePartitions: [],
    ...changed,
  };
}

export function commitOf(batchId: number, changed: Partial<BatchCommit> = {}): BatchCommit {
  return {
    plan: planOf(batchId),
    marks: [],
    partitions: [
      {
        partition: 0,
        nextOffset: batchId * 2 + 2,
        maxEventMicros: null,
        activeAtMs: 1_750_000_000_000,
        mark: null,
      },
    ],
    accounting: { read: 2, accepted: 2, invalid: 0, duplicate: 0, late: 0 },
    aggregates: [],
    dedupe: { appended: new Uint8Array(0), sealed: [], evicted: [] },
    redriven: [],
    lost: [],
    report: { batch: batchId },
    progress: progressOf(batchId),
    ...changed,
  };
}

export function progressOf(batchId: number): BatchProgress {
  return {
    id: 'id',
    runId: 'run',
    name: QUERY.name,
    batchId,
    epoch: 1,
    timestamp: '2025-06-26T00:00:00.000Z',
    numInputRows: 2,
    inputRowsPerSecond: 2,
    processedRowsPerSecond: 2,
    durationMs: { commit: 1 },
    watermark: null,
    accounting: { read: 2, accepted: 2, invalid: 0, duplicate: 0, late: 0 },
    lagEvents: 0,
    lag: [],
    stateOperators: [],
    eventTime: {},
    sources: [],
    sink: { description: 'checkpoint' },
  };
}

export function letterOf(batchId: number, changed: Partial<DeadLetter> = {}): DeadLetter {
  return {
    reason: 'MALFORMED_JSON',
    field: null,
    expected: 'JSON',
    actual: '{',
    topic: QUERY.topic,
    partition: 0,
    offset: batchId * 2,
    batchId,
    timestampMs: 1_750_000_000_000,
    key: new Uint8Array([1]),
    value: new Uint8Array([0x7b]),
    headers: [],
    ...changed,
  };
}

/** Groups, segments and parts as plain values, for comparisons. */
export function stateOf(checkpoint: Checkpoint) {
  return {
    plan: checkpoint.lastPlan(),
    commit: checkpoint.lastCommit(),
    categories: [...checkpoint.groups('categories')],
    all: [...checkpoint.groups('all')],
    segments: [...checkpoint.dedupeSegments()].map(({ segment, entries }) => [segment, [...entries]]),
    appended: [...checkpoint.dedupeAppended()].map((entries) => [...entries]),
    deadLetterBytes: checkpoint.deadLetterBytes(),
    unprinted: checkpoint.unprintedReport(),
  };
}

export function hasCode(code: string, ...texts: (string | RegExp)[]) {
  return (error: unknown): boolean => {
    const { code: found, message } = error as { code?: string; message: string };
    const missing = texts.filter((text) =>
      typeof text === 'string' ? !message.includes(text) : !text.test(message),
    );
    if (found === code && missing.length === 0) return true;
    throw new Error(`expected ${code} with ${missing.join(', ')}, got ${String(found)}: ${message}`, {
      cause: error,
    });
  };
}
