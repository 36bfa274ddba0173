/** Validation rules as frozen data, so that every engine that carries out a plan gives them the same meaning. */
import type { Reason } from '../columns/problem.ts';

/** A rule that events have to keep, as data; an event that breaks one is a dead letter with the rule's reason. */
export type Rule =
  /** The text has `min` to `max` characters (code points). */
  | { readonly kind: 'characters'; readonly field: string; readonly min: number; readonly max: number }
  /** The text is one of `values`; those in `refused` are told apart in the message, with the reason given there. */
  | {
      readonly kind: 'oneOf';
      readonly field: string;
      readonly values: readonly string[];
      readonly expected: string;
      readonly refused: Readonly<Record<string, string>>;
    }
  /** min ≤ value ≤ max, both as decimal text; null is no bound. */
  | {
      readonly kind: 'between';
      readonly field: string;
      readonly min: string | null;
      readonly max: string | null;
    }
  /** |total − price × quantity × (1 − discount/100)| ≤ tolerance, computed exactly; an absent discount is 0. */
  | {
      readonly kind: 'amount';
      readonly total: string;
      readonly price: string;
      readonly quantity: string;
      readonly discount: string;
      readonly tolerance: string;
    }
  /** The instant is not ahead of min(log timestamp, plan's clock) + tolerance. */
  | { readonly kind: 'notAhead'; readonly field: string; readonly toleranceMs: number };

/** The reason that an event gets when it breaks a rule of this kind. */
export const REASON_OF_RULE: Readonly<Record<Rule['kind'], Reason>> = {
  characters: 'OUT_OF_RANGE',
  oneOf: 'OUT_OF_RANGE',
  between: 'OUT_OF_RANGE',
  amount: 'AMOUNT_MISMATCH',
  notAhead: 'FUTURE_TIMESTAMP',
};
