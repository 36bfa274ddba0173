/** What an expression becomes over columns: a function from a row to a value, with the kind of the value beside it. */
import { TallystreamError } from '../errors.ts';
import type { Scaled, StringColumn } from '../columns/batch.ts';
import type { ByteSpace } from '../columns/byte-space.ts';

/** The value of a row; undefined is null. */
export type Reader<T> = (row: number) => T | undefined;

export interface ScaledEvaluator {
  readonly kind: 'decimal' | 'long';
  /** Decimals behind the point of what `at` gives; 0 for a long. */
  readonly scale: number;
  readonly at: Reader<Scaled>;
}

/** An int, a double, microseconds since 1970-01-01T00:00:00Z, or days since 1970-01-01. */
export interface NumberEvaluator {
  readonly kind: 'int' | 'double' | 'timestamp' | 'date';
  readonly at: Reader<number>;
}

export interface TextEvaluator {
  readonly kind: 'string';
  readonly at: Reader<string>;
  /** Where the text stands as bytes, for who need not make text of them. */
  readonly bytes?: { readonly column: StringColumn; readonly space: ByteSpace };
}

export interface BooleanEvaluator {
  readonly kind: 'boolean';
  readonly at: Reader<boolean>;
}

/** `at` gives where the elements of a row begin and end among `items`; it is one object, and the next call changes it. */
export interface ArrayEvaluator {
  readonly kind: 'array';
  readonly at: Reader<{ readonly start: number; readonly end: number }>;
  readonly items: Evaluator;
}

/** A bare null, of no type. */
export interface NullEvaluator {
  readonly kind: 'null';
  readonly at: Reader<never>;
}

export type Evaluator =
  ScaledEvaluator | NumberEvaluator | TextEvaluator | BooleanEvaluator | ArrayEvaluator | NullEvaluator;

/** The error of a row that an expression has no value for, as ANSI SQL has it: the query stops. */
export function failed(expression: string, why: string): TallystreamError {
  return new TallystreamError('EXPRESSION_FAILED', {
    what: `The expression ${expression} has no value for an event: ${why}.`,
    mend: 'Filter such events out before, or guard it with when(condition, value).',
  });
}
