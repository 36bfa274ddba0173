/**
 * The types that expressions have, and how they meet. The decimal rules are Apache Spark 4's: `DecimalType`,
 * `DecimalPrecisionTypeCoercion` and `resultDecimalType` in its `arithmetic.scala`, with ANSI mode and
 * `spark.sql.decimalOperations.allowPrecisionLoss` on.
 */
import type { FieldType } from '../../columns/schema/schema.ts';

export interface DecimalValueType {
  readonly kind: 'decimal';
  /** All digits, 1 to 38. */
  readonly precision: number;
  /** Digits after the point, 0 to precision. */
  readonly scale: number;
}

export type ScalarKind = 'string' | 'boolean' | 'int' | 'long' | 'double' | 'timestamp' | 'date';

export type ValueType =
  | { readonly kind: ScalarKind }
  | DecimalValueType
  | { readonly kind: 'array'; readonly element: ValueType }
  | {
      readonly kind: 'struct';
      readonly fields: readonly { readonly name: string; readonly type: ValueType }[];
    }
  /** The type of a bare null: it takes the type of the other side. */
  | { readonly kind: 'null' };

/** As in SQL's `DECIMAL(38)`. */
const PRECISION_MAX = 38;

/** Spark's `MINIMUM_ADJUSTED_SCALE`: this many decimals are kept where a result would need more than 38 digits. */
const ADJUSTED_SCALE_MIN = 6;

/** The decimals that hold any int, and any long (Spark's `DecimalType.forType`). */
const INT_DIGITS = 10;
const LONG_DIGITS = 20;

export function scalar(kind: ScalarKind): ValueType {
  return Object.freeze({ kind });
}

export function decimalType(precision: number, scale: number): DecimalValueType {
  return Object.freeze({ kind: 'decimal', precision, scale });
}

/** What an expression sees of a field: how text is stored makes no difference to it. */
export function valueTypeOf(type: FieldType): ValueType {
  switch (type.kind) {
    case 'decimal':
      return decimalType(type.precision, type.scale);
    case 'struct':
      return {
        kind: 'struct',
        fields: type.fields.map((field) => ({ name: field.name, type: valueTypeOf(field.type) })),
      };
    case 'array':
      return { kind: 'array', element: valueTypeOf(type.element) };
    case 'string':
    case 'boolean':
    case 'int':
    case 'long':
    case 'double':
    case 'timestamp':
    case 'date':
      return scalar(type.kind);
  }
}

/** The type as Spark's DDL writes it, in small letters: `decimal(18,2)`, `bigint`. */
export function typeText(type: ValueType): string {
  switch (type.kind) {
    case 'long':
      return 'bigint';
    case 'null':
      return 'void';
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`;
    case 'array':
      return `array<${typeText(type.element)}>`;
    case 'struct':
      return `struct<${type.fields.map((field) => `${field.name}:${typeText(field.type)}`).join(',')}>`;
    case 'string':
    case 'boolean':
    case 'int':
    case 'double':
    case 'timestamp':
    case 'date':
      return type.kind;
  }
}

export function sameType(a: ValueType, b: ValueType): boolean {
  return typeText(a) === typeText(b);
}

/** Numbers without a float in them. */
export function isExact(type: ValueType): boolean {
  return type.kind === 'int' || type.kind === 'long' || type.kind === 'decimal';
}

export function isNumeric(type: ValueType): boolean {
  return type.kind === 'double' || isExact(type);
}

/** The decimal that holds every value of an exact type. */
export function asDecimal(type: ValueType): DecimalValueType {
  if (type.kind === 'decimal') return type;
  return decimalType(type.kind === 'int' ? INT_DIGITS : LONG_DIGITS, 0);
}

/**
 * A result that would need more than 38 digits keeps its whole digits and gives up decimals, but none of the first six:
 * Spark's `DecimalType.adjustPrecisionScale`.
 */
function adjusted(precision: number, scale: number): DecimalValueType {
  if (precision <= PRECISION_MAX) return decimalType(precision, scale);
  const wholeDigits = precision - scale;
  const scaleMin = Math.min(scale, ADJUSTED_SCALE_MIN);
  return decimalType(PRECISION_MAX, Math.max(PRECISION_MAX - wholeDigits, scaleMin));
}

export type ArithmeticName = 'plus' | 'minus' | 'times' | 'dividedBy' | 'mod';

/** The type of a calculation with two decimals: `resultDecimalType` of Spark's Add, Multiply, Divide and Remainder. */
export function decimalResult(
  name: ArithmeticName,
  a: DecimalValueType,
  b: DecimalValueType,
): DecimalValueType {
  const wholeA = a.precision - a.scale;
  const wholeB = b.precision - b.scale;
  const scale = Math.max(a.scale, b.scale);
  switch (name) {
    case 'plus':
    case 'minus':
      return adjusted(Math.max(wholeA, wholeB) + scale + 1, scale);
    case 'times':
      return adjusted(a.precision + b.precision + 1, a.scale + b.scale);
    case 'dividedBy': {
      const quotientScale = Math.max(ADJUSTED_SCALE_MIN, a.scale + b.precision + 1);
      return adjusted(wholeA + b.scale + quotientScale, quotientScale);
    }
    case 'mod':
      return adjusted(Math.min(wholeA, wholeB) + scale, scale);
  }
}

/**
 * The decimal that holds the values of both, or, if that would need more than 38 digits, all their whole digits and
 * as many decimals as are left (Spark's `widerDecimalType` with `boundedPreferIntegralDigits`).
 */
export function widerDecimal(a: DecimalValueType, b: DecimalValueType): DecimalValueType {
  const whole = Math.max(a.precision - a.scale, b.precision - b.scale);
  const scale = Math.max(a.scale, b.scale);
  if (whole + scale <= PRECISION_MAX) return decimalType(whole + scale, scale);
  return decimalType(PRECISION_MAX, Math.max(0, PRECISION_MAX - whole));
}

/** Whether {@link widerDecimal} holds every value of both without rounding. */
export function widensExactly(a: DecimalValueType, b: DecimalValueType): boolean {
  return Math.max(a.precision - a.scale, b.precision - b.scale) + Math.max(a.scale, b.scale) <= PRECISION_MAX;
}

/**
 * The type that values of both can have, for `coalesce` and `when`; undefined if there is none. A decimal and a
 * double have none here, though Spark has one: it would carry money through a float.
 */
export function commonType(a: ValueType, b: ValueType): ValueType | undefined {
  if (a.kind === 'null') return b;
  if (b.kind === 'null' || sameType(a, b)) return a;
  if (!isNumeric(a) || !isNumeric(b)) return undefined;
  if (a.kind === 'decimal' || b.kind === 'decimal') {
    return a.kind === 'double' || b.kind === 'double' ? undefined : widerDecimal(asDecimal(a), asDecimal(b));
  }
  return scalar(a.kind === 'double' || b.kind === 'double' ? 'double' : 'long');
}

const NAMES: Readonly<Record<string, ScalarKind>> = {
  string: 'string',
  boolean: 'boolean',
  int: 'int',
  integer: 'int',
  long: 'long',
  bigint: 'long',
  double: 'double',
  timestamp: 'timestamp',
  date: 'date',
};

/** The type that a name such as `int`, `bigint` or `decimal(18,2)` means, or undefined. */
export function typeNamed(name: string): ValueType | undefined {
  const kind = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
  if (kind !== undefined) return scalar(kind);
  const [, precision, scale] = /^decimal\((\d{1,2}), ?(\d{1,2})\)$/.exec(name) ?? [];
  if (precision === undefined || scale === undefined) return undefined;
  return isDecimalShape(Number(precision), Number(scale))
    ? decimalType(Number(precision), Number(scale))
    : undefined;
}

export function isDecimalShape(precision: number, scale: number): boolean {
  return precision >= 1 && precision <= PRECISION_MAX && scale >= 0 && scale <= precision;
}
