/** What an expression becomes over columns: a function from a row to a value, and the kind of its value. */
import { TallystreamError } from '../../errors.ts';
import type { Scaled, StringColumn } from '../../columns/column-chunk.ts';
import type { ByteSpace } from '../../columns/byte-space.ts';
import { ACTUAL_CHARACTERS_MAX, type Problem } from '../../columns/decode/problem.ts';

/** The value of a row; undefined is null. */
export type Reader<T> = (row: number) => T | undefined;

export interface ScaledEvaluator {
  readonly kind: 'decimal' | 'long';
  /** Decimals after the point of what `at` gives; 0 for a long. */
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

/** An expression has no value for a row, as ANSI SQL has it. In a stream it makes the event a dead letter. */
export class ExpressionFault extends TallystreamError {
  readonly problem: Problem;
  private readonly expression: string;
  private readonly reason: string;

  constructor(expression: string, why: string, problem: Omit<Problem, 'field'>) {
    super('EXPRESSION_FAILED', {
      what: `The expression ${expression} has no value for a row: ${why}.`,
      hint: 'Filter such rows out before, guard it with when(condition, value), or use tryCast, which gives null.',
    });
    this.expression = expression;
    this.reason = why;
    this.problem = { ...problem, field: expression.slice(0, ACTUAL_CHARACTERS_MAX) };
  }

  /** The same for an expression without columns: it has no value for any event, so the query cannot run. */
  forEveryEvent(): TallystreamError {
    return new TallystreamError('EXPRESSION_FAILED', {
      what: `The expression ${this.expression} has no value: ${this.reason}.`,
      why: 'It has no columns, so it fails for every event.',
      hint: 'Change it in the query.',
    });
  }
}

/** `expected` and `actual` are those of a {@link Problem}. */
export function failed(
  expression: string,
  why: string,
  { reason, expected, actual }: Omit<Problem, 'field'>,
): ExpressionFault {
  return new ExpressionFault(expression, why, {
    reason,
    expected,
    actual: actual.slice(0, ACTUAL_CHARACTERS_MAX),
  });
}

/** A number that its type does not hold, or that an operation does not take. */
export function outOfRange(
  expression: string,
  why: string,
  expected: string,
  actual: string,
): ExpressionFault {
  return failed(expression, why, { reason: 'OUT_OF_RANGE', expected, actual });
}
