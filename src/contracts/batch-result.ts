/** What a batch came to: the view that an application's report and a sink are made from. */
import type { Row } from '../columns/rows.ts';
import type { ColumnTable } from '../columns/table.ts';
import type { Accounting, AggregateChange, BatchPlan, DeadLetter, GroupRow, PlannedRange } from './batch.ts';

/** A decoded event as an object: nested as its schema, decimals as exact text, instants as ISO text, longs as bigint. */
export type EventRow = Row;

/** One output of a query: the events themselves, or what one aggregate emits. */
export interface ResultTable {
  /** The aggregate's name; that of the query where the events themselves are the output. */
  readonly name: string;
  readonly table: ColumnTable;
}

export interface BatchResult {
  readonly plan: BatchPlan;
  readonly accounting: Accounting;
  /** One entry an aggregate of the plan, in its order. */
  readonly aggregates: readonly AggregateChange[];
  /** The first accepted events of the batch, in order of partition and offset. */
  readonly sample: readonly EventRow[];
  /** Records that were gone when the batch came to read them, where the query continues without them. */
  readonly lost: readonly PlannedRange[];
  /** The invalid and late events of the batch, in order of partition and offset; one is in memory at a time. */
  deadLetters(): Iterable<DeadLetter>;
  /**
   * What the output mode emits of this batch, one table an output: closed groups in append, those that the batch changed
   * in update, all in complete; or the accepted events that no filter held back, in order of reading. Made when asked for.
   * With `whole`, update has every group too, for a target that has missed batches.
   */
  outputs(whole?: boolean): readonly ResultTable[];
  /** Every group of an aggregate with this batch in it. Small aggregates only: it walks all groups. */
  allGroups(aggregate: string): readonly GroupRow[];
}
