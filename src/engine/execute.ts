/**
 * Executes one planned batch: read, decode, validate, dedupe, judge lateness, aggregate. It reads no clock and has no
 * effect outside the operators and the staging area, so a batch that fails can be thrown away and executed again.
 */
import type { Problem } from '../columns/problem.ts';
import { rowOf } from '../columns/rows.ts';
import type {
  Accounting,
  BatchPlan,
  DedupeChange,
  PartitionState,
  PlannedRange,
  RecordIdentity,
} from '../contracts/batch.ts';
import type { BatchResult, EventRow } from '../contracts/batch-result.ts';
import type { Checkpoint } from '../contracts/checkpoint.ts';
import type { Log, RecordChunk } from '../contracts/log.ts';
import { isRemembered, PartitionWatermark } from '../operators/watermark.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { finalProblem, lateProblem } from './late.ts';
import { readAhead } from './read-ahead.ts';
import { readPlanned } from './read-planned.ts';
import type { DeadLetterPolicy } from './dead-letter-policy.ts';
import { QueryOperators } from './operators.ts';
import { redriveOf } from './redrive.ts';

/** A report shows this many accepted events of a batch. */
const SAMPLE_ROWS = 5;
/** Rows between two turns of the event loop, so that signals and a producer in the same process are served. */
const ROWS_PER_TURN = 4096;

export interface Execution {
  readonly result: BatchResult;
  readonly dedupe: DedupeChange;
  readonly redriven: readonly RecordIdentity[];
  readonly progressed: ReadonlyMap<number, PartitionProgress>;
}

export interface PartitionProgress {
  readonly nextOffset: number;
  readonly maxEventMicros: number | null;
  /** The log timestamp of the last record that was read, epoch milliseconds; undefined where none was. */
  readonly lastTimestampMs: number | undefined;
}

type Counts = { -readonly [Name in keyof Accounting]: number };

export interface ExecutorOptions {
  readonly query: QueryPlan;
  readonly checkpoint: Checkpoint;
  readonly deadLetters: DeadLetterPolicy;
  /** Whether records that were removed unread end the query. */
  readonly failOnDataLoss: boolean;
  /** Ids in one segment of the dedupe state; tests make it small. */
  readonly segmentEntries: number | undefined;
}

export class BatchExecutor {
  private readonly query: QueryPlan;
  private readonly checkpoint: Checkpoint;
  private readonly deadLetters: DeadLetterPolicy;
  private readonly failOnDataLoss: boolean;
  private readonly operators: QueryOperators;

  // The batch in hand.
  private counts: Counts = emptyCounts();
  private sample: EventRow[] = [];
  private redriven: RecordIdentity[] = [];
  private redrivenKeys = new Set<string>();
  private lost: PlannedRange[] = [];
  /** Over all partitions, since a batch may read a little of very many. */
  private rowsOfTurn = 0;

  constructor(options: ExecutorOptions) {
    this.query = options.query;
    this.checkpoint = options.checkpoint;
    this.deadLetters = options.deadLetters;
    this.failOnDataLoss = options.failOnDataLoss;
    this.operators = new QueryOperators(options.query, options.checkpoint, options.segmentEntries);
  }

  /** @throws DATA_LOSS, LOG_CORRUPT, LOG_UNAVAILABLE, DEAD_LETTERS_FULL, SUM_OVERFLOW */
  async execute(plan: BatchPlan, partitions: readonly PartitionState[], log: Log): Promise<Execution> {
    this.counts = emptyCounts();
    this.sample = [];
    this.redriven = [];
    this.redrivenKeys.clear();
    this.lost = [...plan.lost];
    this.checkpoint.discardStaged();
    this.operators.rows?.clear();
    const evicted = this.operators.evict(plan);
    const progressed = new Map<number, PartitionProgress>();
    const stateOf = (partition: number) => partitions.find((state) => state.partition === partition);
    for (const { partition, end } of plan.lost) {
      const maxEventMicros = stateOf(partition)?.maxEventMicros ?? null;
      progressed.set(partition, { nextOffset: end, maxEventMicros, lastTimestampMs: undefined });
    }
    let index = 0;
    for await (const chunks of readAhead(plan.ranges.map((range) => () => this.chunksOf(log, range)))) {
      const range = plan.ranges[index] as PlannedRange;
      const progress = await this.executeRange(plan, range, stateOf(range.partition), chunks);
      progressed.set(range.partition, progress);
      index += 1;
    }
    const { appended, sealed } = this.operators.ids.takeChange();
    return {
      result: this.resultOf(plan),
      dedupe: { appended, sealed, evicted },
      redriven: this.redriven,
      progressed,
    };
  }

  /** The batch is committed: what it added now counts. */
  committed(): void {
    this.operators.committed();
  }

  /** When the first open window ends, epoch microseconds; Infinity where there is none. */
  firstEndMicros(): number {
    return this.operators.firstEndMicros();
  }

  private chunksOf(log: Log, range: PlannedRange): AsyncIterable<RecordChunk> {
    const planned = { topic: this.query.topic, ...range };
    return readPlanned(log, planned, this.failOnDataLoss ? undefined : (lost) => this.lost.push(lost));
  }

  private async executeRange(
    plan: BatchPlan,
    range: PlannedRange,
    state: PartitionState | undefined,
    chunks: AsyncIterable<RecordChunk>,
  ): Promise<PartitionProgress> {
    const watermark = new PartitionWatermark(state, this.query.watermark.delayMs, plan.watermarkMicros);
    let lastTimestampMs: number | undefined;
    for await (const chunk of chunks) {
      this.operators.batch.reset(chunk.bytes, chunk.count);
      for (let row = 0; row < chunk.count; row += 1) this.executeRow(plan, chunk, row, watermark);
      lastTimestampMs = chunk.timestampsMs[chunk.count - 1];
      this.operators.boundDictionaries();
      this.rowsOfTurn += chunk.count;
      if (this.rowsOfTurn >= ROWS_PER_TURN) {
        this.rowsOfTurn = 0;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    const max = watermark.maxEventMicros;
    return { nextOffset: range.end, maxEventMicros: max === -Infinity ? null : max, lastTimestampMs };
  }

  /** One record, one verdict, in the order: invalid → known id → late → accepted. */
  private executeRow(plan: BatchPlan, chunk: RecordChunk, row: number, watermark: PartitionWatermark): void {
    this.counts.read += 1;
    const redrive = chunk.headers.size === 0 ? undefined : redriveOf(chunk.headers.get(row));
    if (redrive !== undefined && this.isRepeatedRedrive(redrive.identity)) {
      this.duplicate(chunk, row);
      return;
    }
    const problem = this.problemOf(plan, chunk, row);
    if (problem !== undefined) {
      this.counts.invalid += 1;
      this.deadLetter(plan, chunk, row, problem);
      return;
    }
    // What a filter holds back is accepted, and is compared with nothing.
    if (!this.operators.steps(row)) {
      this.counts.accepted += 1;
      return;
    }
    const eventMicros = this.operators.times?.values[row] ?? NaN;
    const lateBelowMicros = watermark.lateBelowMicros;
    this.operators.hash(row);
    if (this.isKnown(plan, chunk, row, lateBelowMicros)) return;
    if (eventMicros < lateBelowMicros) {
      const event = { row, column: this.query.watermark.column, eventMicros, lateBelowMicros };
      const problemOf = redrive?.acceptLate === true ? finalProblem : lateProblem;
      const late = problemOf(event, this.operators.aggregates, this.query.outputMode);
      if (late !== undefined) {
        this.counts.late += 1;
        this.deadLetter(plan, chunk, row, late);
        return;
      }
    }
    this.accept(row, eventMicros, lateBelowMicros, watermark);
  }

  private problemOf(plan: BatchPlan, chunk: RecordChunk, row: number): Problem | undefined {
    const { batch, decoder, checkRules } = this.operators;
    const start = chunk.valueStart[row] as number;
    const undecoded = decoder.decode(batch, start, chunk.valueEnd[row] as number, row);
    return undecoded ?? checkRules(row, Math.min(chunk.timestampsMs[row] as number, plan.clockMs));
  }

  /** Counts a record whose id is remembered, as a duplicate or as a conflict. */
  private isKnown(plan: BatchPlan, chunk: RecordChunk, row: number, lateBelowMicros: number): boolean {
    const { ids, idHash, contentHash } = this.operators;
    const known = idHash === undefined ? -1 : ids.find(idHash);
    if (known < 0) return false;
    if (!isRemembered(ids.eventMicros(known), lateBelowMicros, this.query.watermark.delayMs)) return false;
    if (ids.sameContent(known, contentHash)) this.duplicate(chunk, row);
    else {
      this.counts.invalid += 1;
      this.deadLetter(plan, chunk, row, this.conflictProblem(row));
    }
    return true;
  }

  private accept(
    row: number,
    eventMicros: number,
    lateBelowMicros: number,
    watermark: PartitionWatermark,
  ): void {
    const { ids, idHash, contentHash, aggregates, batch, rows } = this.operators;
    this.counts.accepted += 1;
    // An event redriven though late is remembered as if it were just in time: by its own time it would be forgotten at
    // once, and the next redriven copy of it would count again.
    if (idHash !== undefined) ids.insert(idHash, contentHash, timeToRemember(eventMicros, lateBelowMicros));
    watermark.accept(eventMicros);
    rows?.add(row);
    for (const aggregate of aggregates) aggregate.add(row);
    if (this.sample.length < SAMPLE_ROWS) this.sample.push(rowOf(batch, row));
  }

  private duplicate(chunk: RecordChunk, row: number): void {
    this.counts.duplicate += 1;
    this.checkpoint.stageDuplicate(chunk.partition, chunk.offsets[row] as number);
  }

  private isRepeatedRedrive(identity: RecordIdentity): boolean {
    const key = `${identity.topicId}/${identity.partition}/${identity.offset}`;
    if (this.redrivenKeys.has(key) || this.checkpoint.isRedriven(identity)) return true;
    this.redrivenKeys.add(key);
    this.redriven.push(identity);
    return false;
  }

  private deadLetter(plan: BatchPlan, chunk: RecordChunk, row: number, problem: Problem): void {
    const letter = {
      ...problem,
      topic: this.query.topic,
      partition: chunk.partition,
      offset: chunk.offsets[row] as number,
      batchId: plan.batchId,
      timestampMs: chunk.timestampsMs[row] as number,
      key: bytesAt(chunk, chunk.keyStart[row] as number, chunk.keyEnd[row] as number),
      value: bytesAt(chunk, chunk.valueStart[row] as number, chunk.valueEnd[row] as number),
      headers: chunk.headers.get(row) ?? [],
    };
    this.checkpoint.stageDeadLetter(this.deadLetters.admit(letter, this.checkpoint.deadLetterBytes()));
  }

  private conflictProblem(row: number): Problem {
    return {
      reason: 'CONFLICTING_DUPLICATE',
      field: this.query.dedupe?.columns.join(', ') ?? null,
      expected: 'the content first seen with this id, or another id',
      actual: this.operators.idText(row),
    };
  }

  private resultOf(plan: BatchPlan): BatchResult {
    const aggregates = this.operators.aggregates.map((aggregate) => aggregate.change());
    return {
      plan,
      accounting: { ...this.counts },
      aggregates,
      sample: this.sample,
      outputs: () => this.operators.outputs(aggregates),
      lost: this.lost,
      deadLetters: () => this.checkpoint.stagedDeadLetters(),
      allGroups: (name) => this.operators.allGroups(name),
    };
  }
}

/** Without an event time an event is never late, so no watermark may make its id forgotten. */
function timeToRemember(eventMicros: number, lateBelowMicros: number): number {
  return Number.isNaN(eventMicros) ? Infinity : Math.max(eventMicros, lateBelowMicros);
}

function emptyCounts(): Counts {
  return { read: 0, accepted: 0, invalid: 0, duplicate: 0, late: 0 };
}

/** A copy of its own: the chunk's block is given back when the next one is read. */
function bytesAt(chunk: RecordChunk, start: number, end: number): Uint8Array | null {
  return start < 0 ? null : chunk.bytes.slice(start, end);
}
