/** Runs a case on a memory log and a real checkpoint, with its crashes, and keeps all that came out. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { openCheckpoint } from '../../../src/checkpoint/open/open.ts';
import { openCheckpointView } from '../../../src/checkpoint/view.ts';
import type { BatchPlan } from '../../../src/contracts/batch.ts';
import type { BatchResult } from '../../../src/contracts/batch-result.ts';
import type { CheckpointView } from '../../../src/contracts/checkpoint.ts';
import type { Sink } from '../../../src/contracts/sink.ts';
import { deadLetterPolicy } from '../../../src/engine/dead-letters/policy.ts';
import { trigger } from '../../../src/engine/trigger.ts';
import { createMemoryLog } from '../../../src/log/memory/log.ts';
import { silentLogger } from '../../../src/observe/silent-logger.ts';
import type { Column, ColumnBatch } from '../../../src/columns/column-chunk.ts';
import { cellOf, type Scalar } from '../../../src/columns/rows.ts';
import type { Log, ReadRange, RecordChunk, RecordInput } from '../../../src/contracts/log.ts';
import { redriveHeaders } from '../../../src/engine/dead-letters/redrive.ts';
import { valueReader } from '../../../src/operators/aggregate/value-reader.ts';
import { StreamingQuery } from '../../../src/stream/query.ts';
import { createManualClock, type ManualClock } from '../../../src/testing/manual-clock.ts';
import {
  MINUTE_MS,
  planOfCase,
  recordsOf,
  SETTINGS,
  type Setting,
  type RedriveDraw,
  type StepDraw,
  type TypedCase,
} from './case.ts';
import type { Cell, LogRecord } from './oracle.ts';

const TOPIC = 'events';
/** Memory where there is one: no machine dies here, so what a flush costs proves nothing. */
const FOLDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** By output: the rows that a batch emitted. */
export type Emitted = Readonly<Record<string, readonly (readonly EmittedCell[])[]>>;

/** Arrays are among the columns of the events themselves. */
export type EmittedCell = Cell | readonly Scalar[];

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
  const memory = createMemoryLog({ clock });
  let chunksMax = Infinity;
  const log: Log = Object.create(memory, {
    read: { value: (range: ReadRange) => cutShort(memory.read(range), () => (chunksMax -= 1) >= 0) },
  });
  await log.createTopic(TOPIC, { partitions: drawn.partitions });
  const location = mkdtempSync(join(FOLDER, 'tallystream-typed-'));
  const committed = new Map<number, BatchPlan>();
  const emitted = new Map<number, Emitted>();
  const records = Array.from({ length: drawn.partitions }, (_, partition) => recordsOf(drawn, partition));
  const appended: LogRecord[][] = records.map(() => []);
  const values: Uint8Array[][] = records.map(() => []);
  const taken = records.map(() => 0);
  const { id: topicId } = (await log.describeTopic(TOPIC)) as { id: string };

  const run = async (
    step: Pick<StepDraw, 'offsetsMax' | 'crash' | 'crashAt'>,
    takeOver = false,
  ): Promise<void> => {
    chunksMax = step.crash === 'reading' ? step.crashAt : Infinity;
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
  const rest: StepDraw = {
    append: [99, 99, 99],
    redrives: [],
    offsetsMax: 7,
    ...NO_CRASH,
    advanceMinutes: 0,
  };
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

  async function appendSome({ append, redrives }: StepDraw): Promise<void> {
    const again = redrives.flatMap((each) => redriven(each) ?? []);
    const inputs: RecordInput[] = appended.flatMap((done, partition) => {
      const from = taken[partition] as number;
      const next = (records[partition] ?? []).slice(from, from + (append[partition] as number));
      taken[partition] = from + next.length;
      for (const { event, value } of next) {
        done.push({ event, appendedMs: clock.nowMs() });
        (values[partition] as Uint8Array[]).push(value);
      }
      return next.map(({ value }) => ({ key: null, value, partition }));
    });
    for (const { record, input } of again) {
      (appended[input.partition] as LogRecord[]).push(record);
      (values[input.partition] as Uint8Array[]).push(input.value);
      inputs.push(input);
    }
    if (inputs.length > 0) await log.append(TOPIC, inputs);
  }

  /** A record that was there before this step, in the words of a redrive; undefined where there is none. */
  function redriven({ nth, acceptLate }: RedriveDraw) {
    const positions = appended.flatMap((done, partition) => done.map((_, offset) => ({ partition, offset })));
    const position = positions[nth % positions.length];
    if (position === undefined) return undefined;
    const { partition, offset } = position;
    const { event } = (appended[partition] as LogRecord[])[offset] as LogRecord;
    const value = (values[partition] as Uint8Array[])[offset] as Uint8Array;
    const headers = redriveHeaders({ identity: { topicId, partition, offset }, acceptLate });
    return {
      record: { event, appendedMs: clock.nowMs(), redrives: `${partition}:${offset}`, acceptLate },
      input: { key: null, value, partition, headers },
    };
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

/** The chunks for as long as they may be read. */
async function* cutShort(
  chunks: AsyncIterable<RecordChunk>,
  mayGoOn: () => boolean,
): AsyncGenerator<RecordChunk> {
  for await (const chunk of chunks) {
    if (!mayGoOn()) throw new Error('crash');
    yield chunk;
  }
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
      const readers = batch.columns.map((column) => cellReader(column, batch));
      const rows = Array.from({ length: count }, (_, row) => readers.map((cellAt) => cellAt(row)));
      return [name, rows];
    }),
  );
}

function cellReader(column: Column, batch: ColumnBatch): (row: number) => EmittedCell {
  if (column.kind === 'array') return (row) => cellOf(batch, column, row) as EmittedCell;
  const reader = valueReader(column, batch.space);
  return (row) => reader.cell(reader.at(row));
}
