/**
 * Readers of one number. Each is given where it starts and returns the position after it, or -1 for what it does not
 * handle: that need not be wrong, and the exact path says. The last byte before the event's end is a brace, so that no
 * digits run over it.
 */
import type { DecimalColumn, NumberColumn } from '../../column-chunk.ts';
import { DecimalParser } from '../../values/decimal.ts';
import { parseDouble } from '../../values/double.ts';

const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
const LOWER_E = 0x65;
/** The bit that tells a small letter from a capital one. */
const SMALL = 0x20;

/** Whole numbers of this many digits are exact in a double, with room to spare. */
export const EXACT_DIGITS = 15;

/** 10^0 to 10^15. Literals, because computed powers need not be exact. */
const POWERS_OF_TEN = new Float64Array([
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
]);

const INT_DIGITS = 10;
const LONG_DIGITS = 19;
const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;

/**
 * Reads a JSON number without an exponent, scaled by 10^`scale`, into `values[index]`. Its scaled value is below `limit`,
 * its decimals are at most `scale` and its digits, with the missing decimals, at most 15.
 */
export function readNumber(
  bytes: Uint8Array,
  from: number,
  values: Float64Array,
  index: number,
  scale: number,
  limit: number,
): number {
  const first = bytes[from] === MINUS ? from + 1 : from;
  let at = first;
  let digit = ((bytes[at] as number) - ZERO) | 0;
  let value = 0;
  while (digit >>> 0 <= 9) {
    value = value * 10 + digit;
    at++;
    digit = ((bytes[at] as number) - ZERO) | 0;
  }
  const wholeDigits = at - first;
  if (wholeDigits === 0 || (wholeDigits > 1 && bytes[first] === ZERO)) return -1;
  let missing = scale;
  if (digit === POINT - ZERO) {
    const point = at++;
    digit = ((bytes[at] as number) - ZERO) | 0;
    while (digit >>> 0 <= 9) {
      value = value * 10 + digit;
      at++;
      digit = ((bytes[at] as number) - ZERO) | 0;
    }
    const decimals = at - point - 1;
    if (decimals === 0) return -1;
    missing -= decimals;
  }
  if (missing < 0 || wholeDigits + scale > EXACT_DIGITS || ((digit + ZERO) | SMALL) === LOWER_E) return -1;
  value *= POWERS_OF_TEN[missing] as number;
  if (value >= limit) return -1;
  values[index] = first === from ? value : 0 - value;
  return at;
}

/** Reads any JSON number as a double into `values[index]`. */
export function readDouble(bytes: Uint8Array, from: number, values: Float64Array, index: number): number {
  const at = numberEnd(bytes, from);
  if (at < 0) return -1;
  const value = parseDouble(bytes, from, at);
  if (!Number.isFinite(value)) return -1;
  values[index] = value;
  return at;
}

/** The position after the JSON number at `from`. */
export function numberEnd(bytes: Uint8Array, from: number): number {
  const first = bytes[from] === MINUS ? from + 1 : from;
  let at = digitsEnd(bytes, first);
  if (at === first || (at > first + 1 && bytes[first] === ZERO)) return -1;
  if (bytes[at] === POINT) {
    const decimals = at + 1;
    at = digitsEnd(bytes, decimals);
    if (at === decimals) return -1;
  }
  if (((bytes[at] as number) | SMALL) !== LOWER_E) return at;
  const sign = bytes[at + 1];
  const exponent = sign === MINUS || sign === PLUS ? at + 2 : at + 1;
  at = digitsEnd(bytes, exponent);
  return at === exponent ? -1 : at;
}

function digitsEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  while ((((bytes[at] as number) - ZERO) | 0) >>> 0 <= 9) at++;
  return at;
}

/** Numbers with an exponent, with zeros after the scale, or with more digits than a double holds. */
export class WideNumberReader {
  private readonly decimal = new DecimalParser();

  /** Reads a decimal of at most `precision` digits and `scale` decimals. */
  decimalAt(
    bytes: Uint8Array,
    from: number,
    column: DecimalColumn,
    index: number,
    precision: number,
    scale: number,
  ): number {
    const at = numberEnd(bytes, from);
    if (at < 0 || this.decimal.parse(bytes, from, at, precision, scale) !== 'ok') return -1;
    column.set(index, this.decimal.value);
    return at;
  }

  longAt(bytes: Uint8Array, from: number, column: DecimalColumn, index: number): number {
    const at = numberEnd(bytes, from);
    if (at < 0 || this.decimal.parse(bytes, from, at, LONG_DIGITS, 0) !== 'ok') return -1;
    const { value } = this.decimal;
    if (typeof value === 'bigint' && (value < LONG_MIN || value > LONG_MAX)) return -1;
    column.set(index, value);
    return at;
  }

  intAt(bytes: Uint8Array, from: number, column: NumberColumn, index: number): number {
    const at = numberEnd(bytes, from);
    if (at < 0 || this.decimal.parse(bytes, from, at, INT_DIGITS, 0) !== 'ok') return -1;
    const value = Number(this.decimal.value);
    if (value !== (value | 0)) return -1;
    column.values[index] = value;
    return at;
  }
}
