/** A query over a memory log and a real checkpoint, run step by step: append, run, crash, run again. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { optional, required, schema, types } from '../../src/columns/schema/schema.ts';
import { openCheckpoint } from '../../src/checkpoint/open/open.ts';
import { openCheckpointView } from '../../src/checkpoint/view.ts';
import type { GroupCell } from '../../src/contracts/batch.ts';
import type { BatchResult } from '../../src/contracts/batch-result.ts';
import type { CheckpointView } from '../../src/contracts/checkpoint.ts';
import type { Clock } from '../../src/contracts/clock.ts';
import type { Logger } from '../../src/contracts/logger.ts';
import type { Log, RecordInput } from '../../src/contracts/log.ts';
import type { Sink } from '../../src/contracts/sink.ts';
import { deadLetterPolicy } from '../../src/engine/dead-letters/policy.ts';
import { stateMemoryOf } from '../../src/engine/state-memory.ts';
import { trigger } from '../../src/engine/trigger.ts';
import type { Workers } from '../../src/engine/decode-workers/workers.ts';
import { createMemoryLog } from '../../src/log/memory/log.ts';
import { silentLogger } from '../../src/observe/silent-logger.ts';
import type { QueryPlan } from '../../src/plan/query-plan.ts';
import { StreamingQuery } from '../../src/stream/query.ts';
import { createManualClock, type ManualClock } from '../../src/testing/manual-clock.ts';

export const TOPIC = 'events';
export const START_MS = Date.UTC(2025, 5, 26, 12);

/** A small event, so that the engine is seen to know nothing of purchases. */
const EVENT_SCHEMA = schema([
  required('id', types.string(), 'identity'),
  required('at', types.timestamp(), 'event time'),
  required('kind', types.string({ dictionary: true }), 'group'),
  required('amount', types.decimal(18, 2), 'summed'),
  optional('note', types.string(), 'anything'),
]);

export function testPlan(over: Partial<QueryPlan> = {}): QueryPlan {
  return {
    name: 'test-query',
    topic: TOPIC,
    schema: EVENT_SCHEMA,
    valueBytesMax: 1024 * 1024,
    assumeTimeZone: null,
    rules: [{ kind: 'notAhead', field: 'at', toleranceMs: 60_000 }],
    watermark: { column: 'at', delayMs: 3_600_000, idleTimeoutMs: 60_000 },
    steps: [],
    dedupe: { columns: ['id'] },
    timeZone: 'UTC',
    aggregates: [
      {
        name: 'kinds',
        keys: [
          { kind: 'date', name: 'date', column: 'at' },
          { kind: 'column', name: 'kind', column: 'kind' },
        ],
        measures: [
          { kind: 'sum', name: 'total', column: 'amount' },
          { kind: 'count', name: 'events' },
        ],
      },
    ],
    rows: null,
    outputMode: 'update',
    ...over,
  };
}

export interface RunOptions {
  readonly offsetsMax?: number;
  readonly sinks?: readonly Sink[];
  readonly takeOver?: boolean;
  /** Throws instead of printing, as a crash between a commit and its report does. */
  readonly printerFails?: boolean;
  readonly failOnDataLoss?: boolean;
  readonly deadLetterBytesMax?: number;
  readonly stateBytesMax?: number;
  readonly deadLettersWhenFull?: 'stop' | 'positions';
  readonly workers?: Workers;
  /** Ends when `processAllAvailable` does, and tells so, in place of by itself. */
  readonly onDrained?: () => void;
  /** What happens while it runs, as fast as possible; it is stopped when this resolves. */
  readonly during?: (query: StreamingQuery) => Promise<void>;
  readonly logger?: Logger;
  readonly clockSkewMaxMs?: number | null;
}

export interface Harness {
  readonly clock: ManualClock;
  readonly log: Log;
  /** Folder of the checkpoint. */
  readonly location: string;
  readonly printed: unknown[];
  append(records: readonly RecordInput[]): Promise<void>;
  /** Runs until everything is committed, or rejects with what ended it. */
  run(options?: RunOptions): Promise<void>;
  view<T>(read: (view: CheckpointView) => T): T;
  close(): Promise<void>;
}

export async function createHarness(
  over: {
    plan?: QueryPlan;
    partitions?: number;
    segmentEntries?: number;
    /** What the query reads, instead of the log itself. */
    wrapLog?: (log: Log) => Log;
    /** A log that each run opens for itself and closes, as another process does; its one topic has the plan's name. */
    openLog?: (clock: Clock) => Promise<Log>;
  } = {},
): Promise<Harness> {
  const plan = over.plan ?? testPlan();
  const clock = createManualClock(START_MS);
  const log = createMemoryLog({ clock });
  await log.createTopic(TOPIC, { partitions: over.partitions ?? 1 });
  const location = mkdtempSync(join(tmpdir(), 'tallystream-engine-'));
  const printed: unknown[] = [];
  return {
    clock,
    log,
    location,
    printed,
    append: async (records) => void (await log.append(TOPIC, records)),
    async run(options = {}) {
      const own = await over.openLog?.(clock);
      const checkpoint = await openCheckpoint({
        location,
        plan,
        logFormat: (own ?? log).format,
        clock,
        takeOver: options.takeOver ?? false,
      });
      try {
        const query = new StreamingQuery({
          query: plan,
          runId: 'run',
          log: over.wrapLog?.(log) ?? own ?? log,
          newTopic: { partitions: 1 },
          checkpoint,
          clock,
          logger: options.logger ?? silentLogger,
          trigger:
            options.onDrained === undefined && options.during === undefined
              ? trigger.availableNow()
              : trigger.processingTime(0),
          offsetsMax: options.offsetsMax ?? 1_000_000,
          batchesMax: Infinity,
          failOnDataLoss: options.failOnDataLoss ?? true,
          deadLetters: deadLetterPolicy({
            bytesMax: options.deadLetterBytesMax ?? 2 ** 30,
            whenFull: options.deadLettersWhenFull ?? 'stop',
          }),
          sinks: options.sinks ?? [],
          ...(options.stateBytesMax !== undefined && { stateMemory: stateMemoryOf(options.stateBytesMax) }),
          ...(options.clockSkewMaxMs !== undefined && { clockSkewMaxMs: options.clockSkewMaxMs }),
          ...(options.workers !== undefined && { workers: options.workers }),
          dedupeSegmentEntries: over.segmentEntries ?? 4,
          buildReport: reportOf,
          printer: {
            print: async (report) => {
              if (options.printerFails === true) throw new Error('the printer crashed');
              printed.push(report);
            },
          },
        });
        if (options.onDrained !== undefined) {
          await query.processAllAvailable();
          options.onDrained();
          await query.stop();
        }
        if (options.during !== undefined) {
          await options.during(query);
          await query.stop();
        }
        await query.awaitTermination();
      } finally {
        checkpoint.close();
        await own?.close();
      }
    },
    view(read) {
      const view = openCheckpointView({ location });
      try {
        return read(view);
      } finally {
        view.close();
      }
    },
    async close() {
      await log.close();
      rmSync(location, { recursive: true, force: true });
    },
  };
}

function reportOf(result: BatchResult): { batchId: number; accepted: number } {
  return { batchId: result.plan.batchId, accepted: result.accounting.accepted };
}

export interface TestEvent {
  readonly id: string;
  readonly atMs: number;
  readonly kind?: string;
  readonly amountCents?: number;
}

export function recordOf(event: TestEvent, partition = 0): RecordInput {
  const { id, atMs, kind = 'a', amountCents = 100 } = event;
  const amount = `${Math.trunc(amountCents / 100)}.${String(amountCents % 100).padStart(2, '0')}`;
  const text = `{"id":"${id}","at":"${new Date(atMs).toISOString()}","kind":"${kind}","amount":${amount}}`;
  return { key: null, value: new TextEncoder().encode(text), partition };
}

/** Every record that was not accepted, as `partition:offset reason`, in order. */
export function verdictsOf(view: CheckpointView): string[] {
  const letters = [...view.deadLetters({}), ...view.deadLetters({ reason: 'DUPLICATE' })];
  return letters
    .toSorted((a, b) => a.partition - b.partition || a.offset - b.offset)
    .map(({ partition, offset, reason }) => `${partition}:${offset} ${reason}`);
}

export function groupsOf(view: CheckpointView): Record<string, readonly GroupCell[]> {
  return Object.fromEntries(
    [...view.groups('kinds')]
      .map(({ key, measures }) => [key.join(' '), measures] as const)
      .toSorted((a, b) => (a[0] < b[0] ? -1 : 1)),
  );
}
