/** Why an event is not what its schema and rules ask for: a value, never a throw. */

/** The reasons a dead letter can have, as the design lists them. */
export const REASONS = [
  'MALFORMED_JSON',
  'INVALID_UTF8',
  'MISSING_FIELD',
  'WRONG_TYPE',
  'OUT_OF_RANGE',
  'AMOUNT_MISMATCH',
  'FUTURE_TIMESTAMP',
  'LATE',
  'CONFLICTING_DUPLICATE',
  'TOO_LARGE',
  'EMPTY',
  'DUPLICATE',
] as const;

export type Reason = (typeof REASONS)[number];

/** What is wrong with one event: the first problem in schema order, types before rules. */
export interface Problem {
  readonly reason: Reason;
  /** Path of the field (`location.country`), or null if the event as a whole is meant. */
  readonly field: string | null;
  /** What would have been right, in words. */
  readonly expected: string;
  /** What stood there: at most {@link ACTUAL_CHARACTERS_MAX} characters of it. */
  readonly actual: string;
}

/** A problem quotes at most this much of hostile input; the whole bytes are in the dead letter. */
export const ACTUAL_CHARACTERS_MAX = 120;
