/** The operators of one query that have state: restored from the checkpoint, and carried from batch to batch. */
import { invariant } from '../errors.ts';
import type { ColumnBatch, NumberColumn } from '../columns/column-chunk.ts';
import { TimeZone } from '../columns/values/timezone.ts';
import type {
  AggregateChange,
  BatchPlan,
  GroupCell,
  GroupRow,
  StateOperatorProgress,
} from '../contracts/batch.ts';
import type { ResultTable } from '../contracts/batch-result.ts';
import type { Checkpoint } from '../contracts/checkpoint.ts';
import { GroupedAggregate } from '../operators/aggregate/grouped.ts';
import type { RunningAggregate } from '../operators/aggregate/aggregate.ts';
import { IdTable } from '../operators/dedupe/id-table.ts';
import { SessionAggregate } from '../operators/aggregate/sessions.ts';
import { overflowIn } from '../operators/aggregate/overflow.ts';
import { MICROS_PER_MS } from '../operators/watermark.ts';
import { outputsOf } from './outputs.ts';
import { RowCollector } from './row-collector.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { checkStateMemory, type OperatorState, type StateMemory } from './state-memory.ts';

/** Groups between two looks at the memory that a restart has taken. */
const RESTORED_PER_CHECK = 1024;

export interface OperatorOptions {
  readonly segmentEntries: number | undefined;
  readonly stateMemory: StateMemory;
}

/** Rows with the hashes of their ids and contents. */
interface HashedRows {
  readonly ids: Int32Array;
  readonly contents: Int32Array;
}

export class QueryOperators {
  /** The column of event time, where the query has one. */
  readonly times: NumberColumn | undefined;
  readonly ids: IdTable;
  readonly aggregates: readonly RunningAggregate[];
  readonly rows: RowCollector | undefined;
  private readonly query: QueryPlan;
  private readonly batch: ColumnBatch;
  private readonly memory: StateMemory;
  // Of the current batch.
  private idsAdded = 0;
  private idsRemoved = 0;

  /** `batch` has the columns of the rows that are added, at the time when they are. @throws STATE_TOO_LARGE */
  constructor(
    query: QueryPlan,
    batch: ColumnBatch,
    checkpoint: Checkpoint,
    { segmentEntries, stateMemory }: OperatorOptions,
  ) {
    this.query = query;
    this.memory = stateMemory;
    this.batch = batch;
    const { hashKey } = checkpoint;
    const zone = TimeZone.of(query.timeZone);
    this.times = timesOf(query, batch);
    this.rows = query.rows === null ? undefined : new RowCollector(query.rows, batch);
    const around = {
      batch,
      zone,
      hashKey,
      committedGroup: (name: string, key: readonly GroupCell[]) => checkpoint.group(name, key),
    };
    this.aggregates = query.aggregates.map((aggregate) =>
      aggregate.keys.some(({ kind }) => kind === 'sessionWindow')
        ? new SessionAggregate(aggregate, around)
        : new GroupedAggregate(aggregate, around),
    );
    this.ids = new IdTable(segmentEntries);
    this.restore(checkpoint);
  }

  /** Drops state that no verdict of this batch or a later one can ask for; the numbers of the dropped segments. */
  evict(plan: BatchPlan): number[] {
    this.idsAdded = 0;
    this.idsRemoved = 0;
    this.closeWindows(plan);
    const { delayMs } = this.query.watermark;
    if (delayMs === null || plan.watermarkMicros === null) return [];
    const before = this.ids.size;
    const evicted = this.ids.evict(plan.watermarkMicros - delayMs * MICROS_PER_MS);
    this.idsRemoved = before - this.ids.size;
    return evicted;
  }

  /** Remembers the id of a row until the watermark has passed `eventMicros`. */
  remember({ ids, contents }: HashedRows, eventMicros: number, row: number): void {
    this.ids.insert(ids, contents, eventMicros, row);
    this.idsAdded += 1;
  }

  /** Adds the accepted rows `rows[0, count)`, whose ids are remembered. @throws SUM_OVERFLOW, STATE_TOO_LARGE */
  addRows(rows: Int32Array, count: number): void {
    for (const aggregate of this.aggregates) named(aggregate, () => aggregate.addRows(rows, count));
    checkStateMemory(this.memory, this.states());
  }

  /** What the current batch changes. @throws SUM_OVERFLOW */
  changes(): AggregateChange[] {
    return this.aggregates.map((aggregate) => named(aggregate, () => aggregate.change()));
  }

  /** What is held with the current batch, once its changes are known. @throws STATE_TOO_LARGE */
  heldState(): readonly StateOperatorProgress[] {
    const states = this.states();
    checkStateMemory(this.memory, states);
    return states.map(({ operatorName, numRowsTotal, numRowsUpdated, numRowsRemoved, memoryUsedBytes }) => ({
      operatorName,
      numRowsTotal,
      numRowsUpdated,
      numRowsRemoved,
      memoryUsedBytes,
    }));
  }

  /** Every group of an aggregate, with the current batch in it. */
  allGroups(name: string): GroupRow[] {
    const aggregate = this.aggregates.find((candidate) => candidate.name === name);
    invariant(aggregate !== undefined, `the plan has no aggregate ${name}`);
    return aggregate.all();
  }

  /** In complete mode all groups stay; a window over another time than the watermark's is never known to be over. */
  private closeWindows({ watermarkMicros, lowered }: BatchPlan): void {
    const { aggregates, outputMode, watermark } = this.query;
    if (outputMode === 'complete') return;
    aggregates.forEach(({ keys }, index) => {
      const isOver = keys.some(
        (key) => (key.kind === 'window' || key.kind === 'sessionWindow') && key.column === watermark.column,
      );
      if (isOver) this.aggregates[index]?.close(watermarkMicros, lowered?.fromMicros ?? undefined);
    });
  }

  /** What the current batch emits. */
  outputs(changes: readonly AggregateChange[], whole: boolean): readonly ResultTable[] {
    return outputsOf({
      whole,
      query: this.query,
      leaves: this.batch.leaves,
      changes,
      allGroups: (name) => this.allGroups(name),
      rows: this.rows?.table,
    });
  }

  /** When the first open window ends, epoch microseconds; Infinity if there is none. */
  firstEndMicros(): number {
    return Math.min(Infinity, ...this.aggregates.map((aggregate) => aggregate.firstEndMicros()));
  }

  /** The batch is committed: what it added now counts. */
  committed(): void {
    for (const aggregate of this.aggregates) aggregate.committed();
  }

  /** The dictionaries of the batch were emptied: what groups remember of their codes is forgotten with them. */
  forgetCodes(): void {
    for (const aggregate of this.aggregates) aggregate.forgetCodes();
  }

  private states(): OperatorState[] {
    const states = this.aggregates.map((aggregate): OperatorState => {
      const { groups, bytes, updated, removed } = aggregate.held();
      return {
        operatorName: `aggregate ${aggregate.name}`,
        numRowsTotal: groups,
        numRowsUpdated: updated,
        numRowsRemoved: removed,
        memoryUsedBytes: bytes,
        isInHeap: true,
      };
    });
    if (this.query.dedupe === null) return states;
    const ids: OperatorState = {
      operatorName: 'dropDuplicatesWithinWatermark',
      numRowsTotal: this.ids.size,
      numRowsUpdated: this.idsAdded,
      numRowsRemoved: this.idsRemoved,
      memoryUsedBytes: this.ids.bytes,
      isInHeap: false,
    };
    return [...states, ids];
  }

  private checkRestored(): void {
    checkStateMemory(
      this.memory,
      this.states(),
      'It could not be restored from the checkpoint completely; the checkpoint is unchanged.',
    );
  }

  private restore(checkpoint: Checkpoint): void {
    let restored = 0;
    for (const aggregate of this.aggregates) {
      for (const row of checkpoint.groups(aggregate.name)) {
        aggregate.restore(row);
        restored += 1;
        if (restored % RESTORED_PER_CHECK === 0) this.checkRestored();
      }
    }
    for (const { segment, entries } of checkpoint.dedupeSegments()) {
      this.ids.restoreSegment(segment, entries);
      this.checkRestored();
    }
    for (const entries of checkpoint.dedupeAppended()) this.ids.restoreAppended(entries);
    this.checkRestored();
  }
}

function named<T>({ name }: RunningAggregate, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw overflowIn(error, `Aggregate ${name}`);
  }
}

function timesOf({ watermark }: QueryPlan, batch: ColumnBatch): NumberColumn | undefined {
  if (watermark.column === null) return undefined;
  const times = batch.columns[batch.indexOf(watermark.column)];
  invariant(times?.kind === 'timestamp', `column ${watermark.column} must be a timestamp`);
  return times;
}
