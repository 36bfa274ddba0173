/** Gives the executor prepared chunks in the order of the plan: prepared on this thread, or, of large batches, beside it. */
import type { ColumnBatch } from '../columns/batch.ts';
import type { Problem } from '../columns/problem.ts';
import type { BatchPlan } from '../contracts/batch.ts';
import type { RecordChunk } from '../contracts/log.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { RowPreparer } from './row-preparer.ts';

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
  private readonly own: RowPreparer;

  constructor(query: QueryPlan, hashKey: Uint8Array, _workers: number) {
    this.own = new RowPreparer(query, hashKey);
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
    let range = 0;
    for await (const chunks of ranges) {
      for await (const chunk of chunks) yield this.prepareHere(range, chunk, plan.clockMs);
      range += 1;
    }
  }

  /** Called between two chunks; true where codes of dictionaries mean something else from now on. */
  boundDictionaries(): boolean {
    return this.own.boundDictionaries();
  }

  private prepareHere(range: number, chunk: RecordChunk, clockMs: number): PreparedChunk {
    const { own } = this;
    own.prepare(chunk, clockMs);
    const { states, ids, contents, problems } = own;
    return { range, chunk, states, ids, contents, problems, whole: (at) => ({ preparer: own, at }) };
  }
}
