/**
 * Executes one planned batch: read, decode, validate, dedupe, judge lateness, aggregate. It reads no clock and has no
 * effect outside the operators and the staging area, so a batch that fails can be thrown away and executed again.
 */
import type { Problem } from '../columns/decode/problem.ts';
import type { Accounting, BatchPlan, PartitionState, PlannedRange } from '../contracts/batch.ts';
import type { BatchResult } from '../contracts/batch-result.ts';
import type { Checkpoint } from '../contracts/checkpoint.ts';
import type { Log, RecordChunk } from '../contracts/log.ts';
import { InvariantError } from '../errors.ts';
import { isRemembered, PartitionWatermark, timeToRemember } from '../operators/watermark.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import type { Execution, PartitionProgress } from './execution.ts';
import { finalProblem, lateProblem } from './dead-letters/late.ts';
import { readAhead } from './read-ahead.ts';
import { ReadMarks } from './history/read-marks.ts';
import { readPlanned } from './read-planned.ts';
import type { DeadLetterPolicy } from './dead-letters/policy.ts';
import { QueryOperators } from './query-state.ts';
import { Preparation, type PreparedChunk } from './decode-workers/prepare.ts';
import { letterOf } from './dead-letters/letter.ts';
import { RedrivenRecords, redriveOf } from './dead-letters/redrive.ts';
import { RecordTimes } from './clock/record-times.ts';
import { Rejections } from './progress/rejections.ts';
import { Sample } from './sample.ts';
import type { StateMemory } from './state-memory.ts';
import type { Workers } from './decode-workers/workers.ts';
import { ROW } from './decode-workers/row-preparer.ts';
import { HELD } from '../operators/expression/steps.ts';

/** Rows between two turns of the event loop, so that signals and a producer in the same process are served. */
const ROWS_PER_TURN = 4096;

type Counts = { -readonly [Name in keyof Accounting]: number };

export interface ExecutorOptions {
  readonly query: QueryPlan;
  readonly checkpoint: Checkpoint;
  readonly deadLetters: DeadLetterPolicy;
  /** Whether records that were removed unread end the query. */
  readonly failOnDataLoss: boolean;
  /** Ids in one segment of the dedupe state; tests make it small. */
  readonly segmentEntries: number | undefined;
  readonly stateMemory: StateMemory;
  readonly workers: Workers;
  /** How far the log timestamp of a record may be ahead of the clock unnoticed; null notes none. */
  readonly clockSkewMaxMs: number | null;
}

export class BatchExecutor {
  private readonly query: QueryPlan;
  private readonly checkpoint: Checkpoint;
  private readonly deadLetters: DeadLetterPolicy;
  private readonly failOnDataLoss: boolean;
  private readonly preparation: Preparation;
  private readonly operators: QueryOperators;

  // The batch in hand.
  private counts: Counts = emptyCounts();
  private readonly sample = new Sample();
  private readonly recordTimes: RecordTimes;
  private readonly redriven: RedrivenRecords;
  private readonly rejections = new Rejections();
  private lost: PlannedRange[] = [];
  /** Of the current chunk, for the aggregates. */
  private acceptedRows = new Int32Array(0);
  private acceptedCount = 0;
  /** Over all partitions, since a batch may read a little of very many. */
  private rowsOfTurn = 0;

  constructor(options: ExecutorOptions) {
    this.query = options.query;
    this.checkpoint = options.checkpoint;
    this.deadLetters = options.deadLetters;
    this.failOnDataLoss = options.failOnDataLoss;
    this.recordTimes = new RecordTimes(options.clockSkewMaxMs);
    const { query, checkpoint } = options;
    this.redriven = new RedrivenRecords(checkpoint);
    this.preparation = new Preparation(query, checkpoint.hashKey, options.workers);
    const { batch } = this.preparation;
    this.operators = new QueryOperators(query, batch, checkpoint, options);
  }

  /** @throws DATA_LOSS, LOG_CORRUPT, LOG_UNAVAILABLE, DEAD_LETTERS_FULL, SUM_OVERFLOW, STATE_TOO_LARGE */
  async execute(plan: BatchPlan, partitions: readonly PartitionState[], log: Log): Promise<Execution> {
    this.counts = emptyCounts();
    this.sample.clear();
    this.recordTimes.clear();
    this.redriven.clear();
    this.rejections.clear();
    this.lost = [...plan.lost];
    this.checkpoint.discardStaged();
    this.operators.rows?.clear();
    const evicted = this.operators.evict(plan);
    const progressed = new Map<number, PartitionProgress>();
    const stateOf = (partition: number) => partitions.find((state) => state.partition === partition);
    for (const { partition, end } of plan.lost) {
      const { maxEventMicros = null, mark = null } = stateOf(partition) ?? {};
      progressed.set(partition, { nextOffset: end, maxEventMicros, lastTimestampMs: undefined, mark });
    }
    const watermarks = plan.ranges.map(
      ({ partition }) =>
        new PartitionWatermark(stateOf(partition), this.query.watermark.delayMs, plan.watermarkMicros),
    );
    const lastTimestampsMs = new Map<number, number>();
    const marks = plan.ranges.map(() => new ReadMarks());
    const read = readAhead(plan.ranges.map((range) => () => this.chunksOf(log, range)));
    for await (const prepared of this.preparation.chunksOf(read, plan)) {
      const { range, chunk } = prepared;
      this.executeChunk(plan, prepared, watermarks[range] as PartitionWatermark);
      this.recordTimes.look(chunk, plan.clockMs);
      lastTimestampsMs.set(range, chunk.timestampsMs[chunk.count - 1] as number);
      if (chunk.mark !== undefined) marks[range]?.add(chunk.mark);
      if (this.preparation.boundDictionaries()) this.operators.forgetCodes();
      this.rowsOfTurn += chunk.count;
      if (this.rowsOfTurn < ROWS_PER_TURN) continue;
      this.rowsOfTurn = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const [index, { partition, end }] of plan.ranges.entries()) {
      const max = (watermarks[index] as PartitionWatermark).maxEventMicros;
      const maxEventMicros = max === -Infinity ? null : max;
      progressed.set(partition, {
        nextOffset: end,
        maxEventMicros,
        lastTimestampMs: lastTimestampsMs.get(index),
        mark: marks[index]?.newest ?? stateOf(partition)?.mark ?? null,
      });
    }
    const result = this.resultOf(plan);
    const stateOperators = this.operators.heldState();
    const { appended, sealed } = this.operators.ids.takeChange();
    return {
      result,
      stateOperators,
      dedupe: { appended, sealed, evicted },
      redriven: this.redriven.added,
      rejected: this.rejections.summary(result.accounting),
      marks: plan.ranges.flatMap(({ partition }, index) => marks[index]?.of(partition) ?? []),
      progressed,
      recordTimes: this.recordTimes.found(),
    };
  }

  /** The batch is committed: what it added now counts. */
  committed(): void {
    this.operators.committed();
  }

  /** When the first open window ends, epoch microseconds; Infinity if there is none. */
  firstEndMicros(): number {
    return this.operators.firstEndMicros();
  }

  /** Ends what was started for large batches. */
  close(): Promise<void> {
    return this.preparation.close();
  }

  private chunksOf(log: Log, range: PlannedRange): AsyncIterable<RecordChunk> {
    const planned = { topic: this.query.topic, ...range };
    return readPlanned(log, planned, {
      mayPass: (lost) => !this.failOnDataLoss || this.isAccepted(lost),
      onLost: (lost) => this.lost.push(lost),
    });
  }

  /** If a person accepted the loss of these records, which lie behind others that are still there and are read first. */
  private isAccepted({ partition, start, end }: PlannedRange): boolean {
    return this.checkpoint
      .acceptedLosses()
      .some(
        (loss) =>
          loss.kind === 'unread' && loss.partition === partition && loss.start <= start && end <= loss.end,
      );
  }

  private executeChunk(plan: BatchPlan, prepared: PreparedChunk, watermark: PartitionWatermark): void {
    const { count } = prepared.chunk;
    if (count > this.acceptedRows.length) this.acceptedRows = new Int32Array(count);
    this.acceptedCount = 0;
    if (this.query.dedupe !== null) this.operators.ids.prefetch(prepared.ids, 0, count);
    for (let row = 0; row < count; row += 1) this.executeRow(plan, prepared, row, watermark);
    this.counts.read += count;
    this.counts.accepted += this.acceptedCount;
    this.sample.add(prepared, this.acceptedRows, this.acceptedCount);
    this.operators.addRows(this.acceptedRows, this.acceptedCount);
  }

  /** One record, one verdict, in the order: invalid → known id → late → accepted. */
  private executeRow(
    plan: BatchPlan,
    prepared: PreparedChunk,
    row: number,
    watermark: PartitionWatermark,
  ): void {
    const { chunk } = prepared;
    const redrive = chunk.headers.size === 0 ? undefined : redriveOf(chunk.headers.get(row));
    if (redrive !== undefined && this.redriven.isRepeated(redrive.identity)) {
      this.duplicate(chunk, row);
      return;
    }
    const state = prepared.states[row] as number;
    if (state !== ROW.passed && (state & ROW.heldBack) === 0) {
      this.rejectByItself(plan, prepared, row, state);
      return;
    }
    const eventMicros = this.operators.times?.values[row] ?? NaN;
    const lateBelowMicros = watermark.lateBelowMicros;
    if (state !== ROW.passed && (state & HELD.behindDedupe) === 0) {
      this.holdBack(state, eventMicros, watermark);
      return;
    }
    if (this.isKnown(plan, prepared, row, lateBelowMicros)) return;
    if (eventMicros < lateBelowMicros) {
      const event = { row, column: this.query.watermark.column, eventMicros, lateBelowMicros };
      const problemOf = redrive?.acceptLate === true ? finalProblem : lateProblem;
      // What a filter holds back is in no window.
      const aggregates = state === ROW.passed ? this.operators.aggregates : [];
      const late = problemOf(event, aggregates, this.query.outputMode);
      if (late !== undefined) {
        this.counts.late += 1;
        this.deadLetter(plan, chunk, row, late);
        return;
      }
    }
    // An event redriven though late is remembered as if it were just in time: by its own time it would be forgotten at
    // once, and the next redriven copy of it would count again.
    if (this.query.dedupe !== null) {
      const remembered = timeToRemember(eventMicros, lateBelowMicros);
      this.operators.remember(prepared, remembered, row);
    }
    if (state === ROW.passed) this.accept(row, eventMicros, watermark);
    else this.holdBack(state, eventMicros, watermark);
  }

  /** A filter's row is accepted and goes no further. A watermark that is written before the filter has seen its time. */
  private holdBack(state: number, eventMicros: number, watermark: PartitionWatermark): void {
    this.counts.accepted += 1;
    if ((state & HELD.behindWatermark) !== 0) watermark.accept(eventMicros);
  }

  /** A row that is invalid in itself, independent of earlier rows. */
  private rejectByItself(plan: BatchPlan, prepared: PreparedChunk, row: number, state: number): void {
    if (state === ROW.failed) {
      const { preparer, at } = prepared.whole(row);
      preparer.failAgain(at);
    }
    const problem = prepared.problems.get(row);
    if (problem === undefined) throw new InvariantError(`row ${row} is invalid without a reason`);
    this.counts.invalid += 1;
    this.deadLetter(plan, prepared.chunk, row, problem);
  }

  /** Counts a record whose id is remembered, as a duplicate or as a conflict. */
  private isKnown(plan: BatchPlan, prepared: PreparedChunk, row: number, lateBelowMicros: number): boolean {
    if (this.query.dedupe === null) return false;
    const { ids } = this.operators;
    const known = ids.find(prepared.ids, row);
    if (known < 0) return false;
    if (!isRemembered(ids.eventMicros(known), lateBelowMicros, this.query.watermark.delayMs)) return false;
    if (ids.sameContent(known, prepared.contents, row)) this.duplicate(prepared.chunk, row);
    else {
      this.counts.invalid += 1;
      this.deadLetter(plan, prepared.chunk, row, this.conflictProblem(prepared, row));
    }
    return true;
  }

  private accept(row: number, eventMicros: number, watermark: PartitionWatermark): void {
    watermark.accept(eventMicros);
    this.operators.rows?.add(row);
    this.acceptedRows[this.acceptedCount++] = row;
  }

  private duplicate(chunk: RecordChunk, row: number): void {
    this.counts.duplicate += 1;
    this.checkpoint.stageDuplicate(chunk.partition, chunk.offsets[row] as number);
  }

  private deadLetter(plan: BatchPlan, chunk: RecordChunk, row: number, problem: Problem): void {
    const of = { topic: this.query.topic, batchId: plan.batchId, problem };
    this.rejections.add(problem, chunk.partition, chunk.offsets[row] as number);
    const letter = letterOf(chunk, row, of);
    this.checkpoint.stageDeadLetter(this.deadLetters.admit(letter, this.checkpoint.deadLetterBytes()));
  }

  private conflictProblem(prepared: PreparedChunk, row: number): Problem {
    const { preparer, at } = prepared.whole(row);
    return {
      reason: 'CONFLICTING_DUPLICATE',
      field: this.query.dedupe?.columns.join(', ') ?? null,
      expected: 'the content first seen with this id, or another id',
      actual: preparer.idText(at),
    };
  }

  private resultOf(plan: BatchPlan): BatchResult {
    const aggregates = this.operators.changes();
    return {
      plan,
      accounting: { ...this.counts },
      aggregates,
      sample: this.sample.rows,
      outputs: (whole = false) => this.operators.outputs(aggregates, whole),
      lost: this.lost,
      deadLetters: () => this.checkpoint.stagedDeadLetters(),
      allGroups: (name) => this.operators.allGroups(name),
    };
  }
}

function emptyCounts(): Counts {
  return { read: 0, accepted: 0, invalid: 0, duplicate: 0, late: 0 };
}
