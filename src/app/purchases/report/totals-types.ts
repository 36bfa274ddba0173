/** The figures that `totals` shows. */
import type { AccountingRow, RunningTotal } from './report.ts';

export type DayTotal = {
  /** `YYYY-MM-DD` in the query's zone. */
  readonly date: string;
  readonly currency: string;
  readonly total: string;
  readonly transactions: number;
};

export type CategoryTotal = {
  readonly date: string;
  readonly currency: string;
  readonly category: string;
  readonly total: string;
  readonly transactions: number;
};

/** `totals --json`. Amounts are decimal text with two decimals; a property's order is the order it is written in. */
export type Totals = {
  readonly schemaVersion: 1;
  readonly queryName: string;
  /** null before the first commit. */
  readonly lastBatchId: number | null;
  /** By currency. */
  readonly runningTotals: readonly RunningTotal[];
  /** By date, then currency. */
  readonly days: readonly DayTotal[];
  /** By date, currency, then descending total; ties by code point. */
  readonly categories: readonly CategoryTotal[];
  /** Over all batches. */
  readonly accounting: AccountingRow;
  /** Records that were removed before they were read; left out if there are none. */
  readonly lost?: LostRecords;
  /** Records that these totals count but the log no longer has, accepted as lost; left out if there are none. */
  readonly gone?: LostRecords;
};

export type LostRecords = {
  readonly records: number;
  /** Half-open ranges of offsets, in order of batch and partition. */
  readonly ranges: readonly {
    readonly batchId: number;
    readonly partition: number;
    readonly start: number;
    readonly end: number;
  }[];
};
