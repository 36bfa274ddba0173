/** Runs a case on a memory log and a real checkpoint, with its crashes, and keeps all that came out. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { openCheckpoint } from '../../../src/checkpoint/open.ts';
import { openCheckpointView } from '../../../src/checkpoint/view.ts';
import type { BatchPlan } from '../../../src/contracts/batch.ts';
import type { BatchResult } from '../../../src/contracts/batch-result.ts';
import type { CheckpointView } from '../../../src/contracts/checkpoint.ts';
import type { Sink } from '../../../src/contracts/sink.ts';
import { deadLetterPolicy } from '../../../src/engine/dead-letter-policy.ts';
import { trigger } from '../../../src/engine/trigger.ts';
import { createMemoryLog } from '../../../src/log/memory.ts';
import { silentLogger } from '../../../src/observe/silent-logger.ts';
import { valueReader } from '../../../src/operators/value-reader.ts';
import { StreamingQuery } from '../../../src/stream/query.ts';
import { createManualClock, type ManualClock } from '../../../src/testing/manual-clock.ts';
import {
  MINUTE_MS,
  planOfCase,
  recordsOf,
  SETTINGS,
  type Setting,
  type StepDraw,
  type TypedCase,
} from './case.ts';
import type { Cell, LogRecord } from './oracle.ts';

const TOPIC = 'events';
/** Memory where there is one: no machine dies here, so what a flush costs proves nothing. */
const FOLDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** By output: the rows that a batch emitted. */
export type Emitted = Readonly<Record<string, readonly (readonly Cell[])[]>>;

export interface Ran {
  readonly log: readonly (readonly LogRecord[])[];
  /** The plans that were committed, in order. */
  readonly plans: readonly BatchPlan[];
  /** By batch: what sinks were given. */
  readonly emitted: ReadonlyMap<number, Emitted>;
  readonly lastLookMs: number;
  view<T>(read: (view: CheckpointView) => T): T;
  close(): void;
}

const NO_CRASH = { crash: 'no', crashAt: 0 } as const;

export async function runCase(drawn: TypedCase): Promise<Ran> {
  const { startMs } = SETTINGS[drawn.setting] as Setting;
  const clock = createManualClock(startMs);
  const log = createMemoryLog({ clock });
  await log.createTopic(TOPIC, { partitions: drawn.partitions });
  const location = mkdtempSync(join(FOLDER, 'tallystream-typed-'));
  const committed = new Map<number, BatchPlan>();
  const emitted = new Map<number, Emitted>();
  const records = Array.from({ length: drawn.partitions }, (_, partition) => recordsOf(drawn, partition));
  const appended: LogRecord[][] = records.map(() => []);

  const run = async (
    step: Pick<StepDraw, 'offsetsMax' | 'crash' | 'crashAt'>,
    takeOver = false,
  ): Promise<void> => {
    const checkpoint = await openCheckpoint({ location, plan, logFormat: log.format, clock, takeOver });
    let batches = 0;
    const meets = (crash: StepDraw['crash']): boolean => step.crash === crash && batches === step.crashAt;
    const sink: Sink = {
      name: 'remembering',
      async write(result, { batchId }) {
        batches += 1;
        if (meets('before sink')) throw new Error('crash');
        remember(emitted, drawn, batchId, result);
        if (meets('after sink')) throw new Error('crash');
        if (meets('taken over')) await run({ offsetsMax: step.offsetsMax, ...NO_CRASH }, true);
      },
      ...(drawn.sink === 'remembering' ? { open: async () => heldBy(emitted) } : {}),
    };
    try {
      const query = new StreamingQuery({
        query: plan,
        runId: 'run',
        log,
        newTopic: { partitions: 1 },
        checkpoint,
        clock,
        logger: silentLogger,
        trigger: trigger.availableNow(),
        offsetsMax: step.offsetsMax,
        batchesMax: Infinity,
        failOnDataLoss: true,
        deadLetters: deadLetterPolicy({ bytesMax: 2 ** 30, whenFull: 'stop' }),
        sinks: drawn.sink === 'none' ? [] : [sink],
        dedupeSegmentEntries: drawn.segmentEntries,
        buildReport(result) {
          if (drawn.sink === 'none') {
            batches += 1;
            // What is emitted can be asked for without a sink too.
            emitted.set(result.plan.batchId, emittedBy(result));
          }
          if (meets('before commit')) throw new Error('crash');
          return { plan: result.plan } as never;
        },
        printer: {
          async print(report) {
            const { plan: done } = report as { plan: BatchPlan };
            committed.set(done.batchId, done);
            if (meets('after commit')) throw new Error('crash');
          },
        },
      });
      await query.awaitTermination();
    } finally {
      checkpoint.close();
    }
  };

  const plan = planOfCase(drawn, TOPIC);
  const rest: StepDraw = { append: [99, 99, 99], offsetsMax: 7, ...NO_CRASH, advanceMinutes: 0 };
  try {
    for (const step of [...drawn.steps, rest]) {
      // No append and no plan are of one millisecond: the oracle tells by it what a plan could see.
      clock.advance(1);
      await appendSome(step);
      clock.advance(1);
      await run(step).catch((error: Error) => expectEnd(step, error));
      clock.advance(step.advanceMinutes * MINUTE_MS);
    }
  } catch (error) {
    rmSync(location, { recursive: true, force: true });
    throw error;
  }

  async function appendSome({ append }: StepDraw): Promise<void> {
    const inputs = appended.flatMap((done, partition) => {
      const next = (records[partition] ?? []).slice(done.length, done.length + (append[partition] as number));
      for (const { event } of next) done.push({ event, appendedMs: clock.nowMs() });
      return next.map(({ value }) => ({ key: null, value, partition }));
    });
    if (inputs.length > 0) await log.append(TOPIC, inputs);
  }

  return {
    log: appended,
    plans: [...committed].toSorted(([a], [b]) => a - b).map(([, done]) => done),
    emitted,
    lastLookMs: lastLook(clock, rest),
    view(read) {
      const view = openCheckpointView({ location });
      try {
        return read(view);
      } finally {
        view.close();
      }
    },
    close: () => rmSync(location, { recursive: true, force: true }),
  };
}

function lastLook(clock: ManualClock, { advanceMinutes }: StepDraw): number {
  return clock.nowMs() - advanceMinutes * MINUTE_MS;
}

function expectEnd({ crash }: StepDraw, error: Error): void {
  const isFenced = 'code' in error && error.code === 'CHECKPOINT_FENCED';
  const isExpected = crash === 'taken over' ? isFenced : crash !== 'no' && error.message === 'crash';
  if (!isExpected) throw error;
}

/** A batch that is given again is the same; one that a sink said it held is not given again. */
function remember(
  emitted: Map<number, Emitted>,
  drawn: TypedCase,
  batchId: number,
  result: BatchResult,
): void {
  const before = emitted.get(batchId);
  const now = emittedBy(result);
  if (before !== undefined) {
    assert.notEqual(drawn.sink, 'remembering', `batch ${batchId} was given to a sink that held it`);
    assert.deepEqual(now, before, `batch ${batchId} was given again with other rows`);
  }
  emitted.set(batchId, now);
}

function heldBy(emitted: ReadonlyMap<number, Emitted>): number | undefined {
  return emitted.size === 0 ? undefined : Math.max(...emitted.keys());
}

function emittedBy(result: BatchResult): Emitted {
  return Object.fromEntries(
    result.outputs().map(({ name, table }) => {
      const { batch, count } = table;
      const readers = batch.columns.map((column) => valueReader(column, batch.space));
      const rows = Array.from({ length: count }, (_, row) =>
        readers.map((reader) => reader.cell(reader.at(row))),
      );
      return [name, rows];
    }),
  );
}
