/**
 * What a query asks for, as frozen data: nothing here runs. The embedded engine compiles it to loops over columns;
 * another executor can give every node the same meaning.
 */
import type { Schema } from '../columns/schema.ts';
import type { Rule } from './rule.ts';

export type GroupKey =
  /** The calendar day of an instant in the plan's time zone, as `YYYY-MM-DD`. */
  | { readonly kind: 'date'; readonly name: string; readonly column: string }
  /** The value of a dictionary column. */
  | { readonly kind: 'column'; readonly name: string; readonly column: string };

export type Measure =
  | { readonly kind: 'sum'; readonly name: string; readonly column: string }
  | { readonly kind: 'count'; readonly name: string };

/** One grouping of the accepted events. A plan has several, all fed by one read of the source. */
export interface Aggregate {
  readonly name: string;
  readonly keys: readonly GroupKey[];
  readonly measures: readonly Measure[];
}

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
  readonly watermark: {
    readonly column: string;
    /** null: no watermark, so nothing is late and ids are never evicted. */
    readonly delayMs: number | null;
    /** How long a partition may be at its end before it stops holding the watermark back. */
    readonly idleTimeoutMs: number;
  };
  readonly dedupe: { readonly column: string };
  /** The zone whose calendar days `date` keys name. */
  readonly timeZone: string;
  readonly aggregates: readonly Aggregate[];
}
