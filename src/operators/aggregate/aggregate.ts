/** What the engine does with an aggregate, whatever its keys are. */
import type { ColumnBatch } from '../../columns/column-chunk.ts';
import type { TimeZone } from '../../columns/values/timezone.ts';
import type { AggregateChange, GroupCell, GroupRow } from '../../contracts/batch.ts';
import type { Span } from './windows.ts';

export interface AggregateOptions {
  readonly batch: ColumnBatch;
  readonly zone: TimeZone;
  readonly hashKey: Uint8Array;
  /** A group as it was committed last, even if it is closed; left out where nothing is committed. */
  readonly committedGroup?: (aggregate: string, key: readonly GroupCell[]) => GroupRow | undefined;
}

/** How much an aggregate holds, the current batch included. */
export interface HeldGroups {
  readonly groups: number;
  /** Memory, estimated. */
  readonly bytes: number;
  /** Groups that the current batch has changed, and those that it has closed. */
  readonly updated: number;
  readonly removed: number;
}

export interface RunningAggregate {
  readonly name: string;
  /** Takes a committed group back, at start. */
  restore(row: GroupRow): void;
  /**
   * Closes every group whose window ends at or before the watermark; called before the rows of a batch. Up to
   * `closedToMicros`, groups were closed before the watermark was lowered: they continue from what was committed.
   */
  close(watermarkMicros: number | null, closedToMicros?: number): void;
  /** Adds an accepted row to its groups. @throws SUM_OVERFLOW, STATE_TOO_LARGE */
  add(row: number): void;
  /** Adds the accepted rows `rows[0, count)` in their order, as {@link add} would. @throws SUM_OVERFLOW, STATE_TOO_LARGE */
  addRows(rows: Int32Array, count: number): void;
  /** What the current batch changes. @throws SUM_OVERFLOW */
  change(): AggregateChange;
  /** Costs the same however much that is; texts of the current batch are in it from {@link change} on. */
  held(): HeldGroups;
  /** Every open group with the current batch in it. */
  all(): GroupRow[];
  /** The batch is committed: what it added now counts. */
  committed(): void;
  /** Called when dictionaries were cleared: codes mean something else now. */
  forgetCodes(): void;
  /** When the first open window ends, epoch microseconds; Infinity if there is none. */
  firstEndMicros(): number;
  /** The window that a row would have been in, the last if there are several; undefined if it would be in none. */
  windowOf(row: number): Span | undefined;
  /** Whether a window of the row has closed, so that what it came to is final. */
  isClosedFor(row: number): boolean;
}
