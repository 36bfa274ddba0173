/** Gives the executor prepared chunks in the order of the plan: prepared on this thread, or, of large batches, beside it. */
import type { ColumnBatch } from '../../columns/column-chunk.ts';
import type { Problem } from '../../columns/decode/problem.ts';
import type { BatchPlan } from '../../contracts/batch.ts';
import type { RecordChunk } from '../../contracts/log.ts';
import type { QueryPlan } from '../../plan/query-plan.ts';
import { PreparationPool } from './pool.ts';
import { RowPreparer } from './row-preparer.ts';
import { exchangedColumns } from './exchange.ts';
import { NO_WORKERS, type Workers } from './workers.ts';

/** A chunk with all that its rows say by themselves. It holds until the next one is asked for. */
export interface PreparedChunk extends Pick<RowPreparer, 'states' | 'ids' | 'contents'> {
  /** Which of the plan's ranges it is of, counted from 0. */
  readonly range: number;
  readonly chunk: RecordChunk;
  readonly problems: ReadonlyMap<number, Problem>;
  /** A row with all of its columns; elsewhere only those are at hand that state is made from. */
  whole(row: number): WholeRow;
}

/** Row `at` of a preparer's batch. It holds until the next one is asked for. */
export interface WholeRow {
  readonly preparer: RowPreparer;
  readonly at: number;
}

export class Preparation {
  private readonly query: QueryPlan;
  private readonly hashKey: Uint8Array;
  private readonly workers: Workers;
  private readonly own: RowPreparer;
  /** Made with the first large batch. */
  private pool: PreparationPool | undefined;
  /** Prepares beside the pool's threads, and single rows again; `own` holds the results that are looked at. */
  private beside: RowPreparer | undefined;

  /** Results do not depend on the workers. */
  constructor(query: QueryPlan, hashKey: Uint8Array, workers: Workers) {
    this.query = query;
    this.hashKey = hashKey;
    this.own = new RowPreparer(query, hashKey);
    this.workers = isExchangeable(query, this.own.batch) ? workers : NO_WORKERS;
  }

  /** The columns of the chunk given last. */
  get batch(): ColumnBatch {
    return this.own.batch;
  }

  /** The chunks of `ranges`, which are the plan's, in order. */
  async *chunksOf(
    ranges: AsyncIterable<AsyncIterable<RecordChunk>>,
    plan: BatchPlan,
  ): AsyncGenerator<PreparedChunk, void, undefined> {
    const pool = this.poolFor(plan);
    pool?.hold();
    try {
      let range = 0;
      for await (const chunks of ranges) {
        for await (const chunk of chunks) {
          // Headers are rare (a redriven event has some), and are not worth a way between threads.
          const isPlain = chunk.headers.size === 0;
          while (pool !== undefined && (pool.isNextDone || pool.isFull || (!isPlain && !pool.isEmpty)))
            yield* this.taken(pool);
          if (pool !== undefined && isPlain) pool.give(range, chunk, plan.clockMs);
          else yield this.prepareHere(range, chunk, plan.clockMs);
        }
        range += 1;
      }
      while (pool?.isEmpty === false) yield* this.taken(pool);
    } finally {
      await pool?.discard();
      pool?.letGo();
    }
  }

  /** Called between two chunks; true if codes of dictionaries mean something else from now on. */
  boundDictionaries(): boolean {
    const emptied = this.own.boundDictionaries();
    if (emptied) this.pool?.forgetCodes();
    return emptied;
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await this.pool?.close();
  }

  private poolFor({ ranges }: BatchPlan): PreparationPool | undefined {
    const records = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    const { query, hashKey, batch } = this;
    const { threads, recordsMin } = this.workers;
    if (threads === 0 || records < recordsMin) return undefined;
    this.pool ??= new PreparationPool(query, hashKey, threads, batch, this.preparerBeside());
    return this.pool;
  }

  private preparerBeside(): RowPreparer {
    this.beside ??= new RowPreparer(this.query, this.hashKey);
    return this.beside;
  }

  private prepareHere(range: number, chunk: RecordChunk, clockMs: number): PreparedChunk {
    const { own } = this;
    own.prepare(chunk, clockMs);
    const { states, ids, contents, problems } = own;
    return { range, chunk, states, ids, contents, problems, whole: (at) => ({ preparer: own, at }) };
  }

  private async *taken(pool: PreparationPool): AsyncGenerator<PreparedChunk, void, undefined> {
    const slot = await pool.take();
    const { range, chunk, problems, clockMs } = slot;
    const { states, ids, contents } = slot.views;
    const whole = (row: number): WholeRow => this.again(chunk, row, clockMs);
    yield { range, chunk, states, ids, contents, problems, whole };
    pool.release(slot);
  }

  /** Prepares one row once more, for what was not exchanged of it. */
  private again(chunk: RecordChunk, row: number, clockMs: number): WholeRow {
    const preparer = this.preparerBeside();
    preparer.prepare(
      {
        count: 1,
        bytes: chunk.bytes,
        valueStart: chunk.valueStart.subarray(row, row + 1),
        valueEnd: chunk.valueEnd.subarray(row, row + 1),
        timestampsMs: chunk.timestampsMs.subarray(row, row + 1),
      },
      clockMs,
    );
    return { preparer, at: 0 };
  }
}

/** Arrays are not given from thread to thread. */
function isExchangeable(query: QueryPlan, batch: ColumnBatch): boolean {
  return exchangedColumns(query, batch).every((index) => batch.columns[index]?.kind !== 'array');
}
