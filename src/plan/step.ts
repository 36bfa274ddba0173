/** What a query does with each valid event by itself, as frozen data. */
import type { LeafType } from '../columns/schema.ts';
import type { Expression } from './expression.ts';

export type Step =
  /** Events for which the condition is not true are accepted, and go no further. */
  | { readonly kind: 'filter'; readonly condition: Expression }
  /** A column that later steps, keys and measures may read. Its name is new. */
  | {
      readonly kind: 'withColumn';
      readonly name: string;
      readonly expression: Expression;
      readonly type: LeafType;
    };
