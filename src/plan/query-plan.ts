/**
 * What a query asks for, as frozen data: nothing here runs. The embedded engine compiles it to loops over columns;
 * another executor can give every node the same meaning.
 */
import type { Schema } from '../columns/schema/schema.ts';
import type { Rule } from './rule.ts';
import type { Step } from './step.ts';

export type GroupKey =
  /** The calendar day of an instant in the plan's time zone, as `YYYY-MM-DD`. */
  | { readonly kind: 'date'; readonly name: string; readonly column: string }
  /** The value of a column; null is a key like any other. */
  | { readonly kind: 'column'; readonly name: string; readonly column: string }
  /** The windows that hold an instant: `[start, end)`. Rows without one are in no group. */
  | {
      readonly kind: 'window';
      readonly name: string;
      readonly column: string;
      readonly sizeMs: number;
      readonly slideMs: number;
      readonly startMs: number;
    }
  /** Rows that come within `gapMs` after one another; at most one a grouping. */
  | {
      readonly kind: 'sessionWindow';
      readonly name: string;
      readonly column: string;
      readonly gapMs: number;
    };

export type Measure =
  | {
      readonly kind: 'sum' | 'avg' | 'min' | 'max' | 'first' | 'last';
      readonly name: string;
      readonly column: string;
    }
  /** Of the rows where the column is not null; of all rows without a column. */
  | { readonly kind: 'count'; readonly name: string; readonly column?: string }
  /** `relativeError` is the standard deviation of the estimate, such as 0.05. */
  | {
      readonly kind: 'approxCountDistinct';
      readonly name: string;
      readonly column: string;
      readonly relativeError: number;
    };

/** One grouping of the accepted events. A plan has several, all fed by one read of the source. */
export interface Aggregate {
  readonly name: string;
  /** A window or session window comes first, if there is one. */
  readonly keys: readonly GroupKey[];
  readonly measures: readonly Measure[];
}

export interface OutputColumn {
  readonly name: string;
  /** The path in the schema, or the name of a computed column. */
  readonly column: string;
}

/** Structured Streaming's modes: closed groups once, changed groups, or all groups. */
export type OutputMode = 'append' | 'update' | 'complete';

export interface QueryPlan {
  readonly name: string;
  readonly topic: string;
  readonly schema: Schema;
  /** A record's value longer than this is `TOO_LARGE`. */
  readonly valueBytesMax: number;
  /** The zone of timestamps that name none; null refuses them. */
  readonly assumeTimeZone: string | null;
  /** Checked in this order, after the types. */
  readonly rules: readonly Rule[];
  /** Carried out on every valid event, in this order, before it is compared with others. */
  readonly steps: readonly Step[];
  readonly watermark: {
    /** The event time; null if the query has none, and then there is no watermark. */
    readonly column: string | null;
    /** null: no watermark, so nothing is late and ids are never evicted. */
    readonly delayMs: number | null;
    /** How long a partition may be at its end before it stops holding the watermark back. */
    readonly idleTimeoutMs: number;
  };
  /** null: no event is taken for a repeat of another. */
  readonly dedupe: { readonly columns: readonly string[] } | null;
  /** The zone whose calendar days `date` keys name, and whose midnights windows of whole days are aligned to. */
  readonly timeZone: string;
  /** Empty for a query whose results are the events themselves. */
  readonly aggregates: readonly Aggregate[];
  /** The columns of accepted events that go to sinks and handlers, by the names that they have there; null: none do. */
  readonly rows: readonly OutputColumn[] | null;
  readonly outputMode: OutputMode;
}
