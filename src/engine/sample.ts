/** The first accepted events of a batch, which its report shows. */
import { rowOf } from '../columns/rows.ts';
import type { EventRow } from '../contracts/batch-result.ts';
import type { PreparedChunk } from './decode-workers/prepare.ts';

/** A report shows this many. */
const ROWS_MAX = 5;

export class Sample {
  /** Another array for each batch. */
  rows: EventRow[] = [];

  clear(): void {
    this.rows = [];
  }

  /**
   * Takes what is missing from the accepted rows `rows[0, count)` of a chunk. It is called once a chunk and not with each row:
   * only the first rows of a batch are taken, and would make V8 throw away, batch by batch, what it compiled for the others.
   */
  add(prepared: PreparedChunk, rows: Int32Array, count: number): void {
    const missing = Math.min(ROWS_MAX - this.rows.length, count);
    for (let index = 0; index < missing; index += 1) {
      const { preparer, at } = prepared.whole(rows[index] as number);
      this.rows.push(rowOf(preparer.batch, at));
    }
  }
}
