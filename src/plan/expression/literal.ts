/** Literals: what is in a program as text or number, as exact canonical text. */
import { TallystreamError } from '../../errors.ts';
import { formatScaled, toScaled } from '../../columns/values/decimal.ts';
import { DateParser, formatDay, formatTimestamp, TimestampParser } from '../../columns/values/timestamp.ts';
import type { LiteralNode, LiteralType } from './node.ts';
import { decimalType, isDecimalShape, type ScalarKind, type ValueType } from './value-type.ts';

/** What JavaScript can write down where an expression is wanted. */
export type LiteralValue = string | number | bigint | boolean | null;

const INT_MIN = -(2n ** 31n);
const INT_MAX = 2n ** 31n - 1n;
const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;

const ENCODER = new TextEncoder();

function literal(type: LiteralType, text: string | null): LiteralNode {
  return Object.freeze({ kind: 'literal', type, text });
}

function literalOfKind(kind: ScalarKind, text: string): LiteralNode {
  return literal(Object.freeze({ kind }), text);
}

function intFits(value: bigint): boolean {
  return value >= INT_MIN && value <= INT_MAX;
}

function longFits(value: bigint): boolean {
  return value >= LONG_MIN && value <= LONG_MAX;
}

/**
 * The literal of a JavaScript value: text is a string; whole numbers are an int, or a long where they need it; other
 * numbers are doubles.
 * @throws TallystreamError `USAGE` for a value that no literal can hold exactly.
 */
export function literalOf(value: LiteralValue): LiteralNode {
  switch (typeof value) {
    case 'string':
      return textLiteral(value);
    case 'boolean':
      return literalOfKind('boolean', String(value));
    case 'bigint':
      return integerLiteral(value);
    case 'number':
      if (Number.isSafeInteger(value)) return integerLiteral(BigInt(value));
      if (Number.isFinite(value) && !Number.isInteger(value)) return literalOfKind('double', String(value));
      throw unusable(String(value), 'It is not a number that a double holds exactly.');
    default:
      return literal(nullOrRefused(value), null);
  }
}

/** A program without a compiler can pass anything. */
function nullOrRefused(value: unknown): LiteralType {
  if (value === null) return Object.freeze({ kind: 'null' });
  const what = value === undefined ? 'undefined' : Object.prototype.toString.call(value);
  throw unusable(what, 'A literal is text, a number, a bigint, true, false or null.');
}

function unusable(what: string, why: string): TallystreamError {
  return new TallystreamError('USAGE', {
    what: `${what} cannot be a literal.`,
    why,
    hint: "Write an amount as decimal('12.50'), a large whole number as 12n, and an instant or a date as text.",
  });
}

/** Text with half of a surrogate pair has no UTF-8, so no event and no other engine could hold it. */
function textLiteral(value: string): LiteralNode {
  if (!value.isWellFormed()) throw unusable(JSON.stringify(value), 'It contains half of a surrogate pair.');
  return literalOfKind('string', value);
}

function integerLiteral(value: bigint): LiteralNode {
  if (intFits(value)) return literalOfKind('int', value.toString());
  if (longFits(value)) return literalOfKind('long', value.toString());
  throw unusable(value.toString(), 'It needs more than 64 bits.');
}

/** `12.50` as decimal(4,2), or undefined for text that is not a plain decimal of at most 38 digits. */
export function decimalLiteral(text: string): LiteralNode | undefined {
  const [, sign, whole, decimals = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const scale = decimals.length;
  const digits = (whole + decimals).replace(/^0+/, '');
  // As Java's BigDecimal counts, and Spark with it: leading zeros are no digits, but decimals always are.
  const precision = Math.max(digits.length, scale, 1);
  if (!isDecimalShape(precision, scale)) return undefined;
  const value = BigInt((sign ?? '') + whole + decimals);
  return literal(decimalType(precision, scale), formatScaled(toScaled(value), scale));
}

/** A text literal as a literal of the other side's type, or undefined if the text is not one of that type. */
export function textAs(text: string, type: ValueType): LiteralNode | undefined {
  switch (type.kind) {
    case 'decimal':
    case 'int':
    case 'long': {
      const value = decimalLiteral(text);
      return value?.type.kind === 'decimal' && value.type.scale === 0 && type.kind !== 'decimal'
        ? integerText(text)
        : value;
    }
    case 'timestamp':
      return timestampLiteral(text);
    case 'date':
      return dateLiteral(text);
    case 'string':
    case 'boolean':
    case 'double':
    case 'array':
    case 'struct':
    case 'null':
      return undefined;
  }
}

function integerText(text: string): LiteralNode | undefined {
  const value = BigInt(text);
  return longFits(value) ? integerLiteral(value) : decimalLiteral(text);
}

function timestampLiteral(text: string): LiteralNode | undefined {
  const bytes = ENCODER.encode(text);
  const parser = new TimestampParser();
  if (parser.parse(bytes, 0, bytes.length) !== 'ok') return undefined;
  return literalOfKind('timestamp', formatTimestamp(parser.micros));
}

function dateLiteral(text: string): LiteralNode | undefined {
  const bytes = ENCODER.encode(text);
  const parser = new DateParser();
  if (parser.parse(bytes, 0, bytes.length) !== 'ok') return undefined;
  return literalOfKind('date', formatDay(parser.day));
}

/** An int or long literal as the smallest decimal that holds it (Spark's `DecimalType.fromLiteral`). */
export function integerAsDecimal(node: LiteralNode): LiteralNode {
  return decimalLiteral(node.text as string) as LiteralNode;
}
