/** What a query does with each valid event by itself, as frozen data. */
import type { LeafType } from '../columns/schema/schema.ts';
import type { Expression } from './expression/node.ts';

/** What a filter can be behind: an operation that has seen an event before the filter holds it back. */
export type SeenBy = 'watermark' | 'dedupe';

export type Step =
  /** Events for which the condition is not true are accepted, and go no further. */
  | {
      readonly kind: 'filter';
      readonly condition: Expression;
      /** The operations that are written before the filter. What it holds back counts for them; left out if there are none. */
      readonly behind?: readonly SeenBy[];
    }
  /** A column that later steps, keys and measures may read. Its name is new. */
  | {
      readonly kind: 'withColumn';
      readonly name: string;
      readonly expression: Expression;
      readonly type: LeafType;
    };
