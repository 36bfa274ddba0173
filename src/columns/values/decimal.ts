/**
 * Exact decimals as scaled integers: 241.50 at scale 2 is 24150. A value is a number while it is a safe integer and a
 * bigint beyond, never a float with a tail; the two forms never overlap, so equal values are always written alike.
 */
import { TallystreamError } from '../../errors.ts';
import type { Scaled } from '../column-chunk.ts';

/** More digits than any declared decimal, or any sum of them, may have (as SQL's `DECIMAL(38)`). */
const DECIMAL_DIGITS_MAX = 38;

const DECIMAL_LIMIT = 10n ** BigInt(DECIMAL_DIGITS_MAX);

/** Every integer of this many digits is safe in a double, with room to spare. */
const SAFE_DIGITS = 15;

/** 10^0 to 10^15. Literals, because computed powers need not be exact. */
const POWERS_OF_TEN = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const UPPER_E = 0x45;
const LOWER_E = 0x65;

/**
 * `decimals`: a digit other than zero stands beyond the scale. `digits`: the value needs more digits than the
 * precision. Where both hold the answer is `decimals`.
 */
export type DecimalOutcome = 'ok' | 'decimals' | 'digits';

/** Reads JSON numbers as scaled integers. One object is used for every value, so nothing is allocated for a short one. */
export class DecimalParser {
  /** What the last `parse` that answered `ok` read. */
  value: Scaled = 0;

  /**
   * Scales the JSON number in `bytes[start, end)`, whose grammar is already proved, to an integer of at most
   * `precision` digits (≤ 38), `scale` of them after the point. -0 is 0. Exponents cost nothing: their digits are
   * counted, never written out.
   */
  parse(bytes: Uint8Array, start: number, end: number, precision: number, scale: number): DecimalOutcome {
    const negative = bytes[start] === MINUS;
    const first = negative ? start + 1 : start;
    let value = 0;
    let point = end;
    if (end - first > SAFE_DIGITS) return this.parseGeneral(bytes, first, end, negative, precision, scale);
    for (let at = first; at < end; at++) {
      const code = bytes[at] as number;
      if (code >= ZERO) {
        if (code > ZERO + 9) return this.parseGeneral(bytes, first, end, negative, precision, scale);
        value = value * 10 + (code - ZERO);
      } else point = at;
    }
    const decimals = point === end ? 0 : end - 1 - point;
    const digits = point - first + scale;
    if (decimals > scale || digits > precision || digits > SAFE_DIGITS) {
      return this.parseGeneral(bytes, first, end, negative, precision, scale);
    }
    value *= POWERS_OF_TEN[scale - decimals] as number;
    this.value = negative ? 0 - value : value;
    return 'ok';
  }

  private parseGeneral(
    bytes: Uint8Array,
    first: number,
    end: number,
    negative: boolean,
    precision: number,
    scale: number,
  ): DecimalOutcome {
    let digits = 0;
    let wholeDigits = -1;
    let firstNonZero = -1;
    let lastNonZero = -1;
    let at = first;
    for (; at < end; at++) {
      const code = bytes[at] as number;
      if (code === UPPER_E || code === LOWER_E) break;
      if (code === POINT) {
        wholeDigits = digits;
        continue;
      }
      if (code !== ZERO) {
        if (firstNonZero < 0) firstNonZero = digits;
        lastNonZero = digits;
      }
      digits++;
    }
    this.value = 0;
    if (firstNonZero < 0) return 'ok';
    // The digit at index i stands for 10^(unit - i).
    const unit = (wholeDigits < 0 ? digits : wholeDigits) - 1 + readExponent(bytes, at + 1, end);
    const zerosBehind = unit - lastNonZero + scale;
    if (zerosBehind < 0) return 'decimals';
    if (unit - firstNonZero + scale >= precision) return 'digits';
    const text = digitsText(bytes, first, firstNonZero, lastNonZero) + '0'.repeat(zerosBehind);
    this.value = toScaled(BigInt(negative ? `-${text}` : text));
    return 'ok';
  }
}

/** The exponent in `bytes[at, end)`, or 0 for none. It stops growing where no count of digits could make up for it. */
function readExponent(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return 0;
  const negative = bytes[at] === MINUS;
  let value = 0;
  for (let digit = at; digit < end; digit++) {
    const code = bytes[digit] as number;
    if (code >= ZERO && value < 1e12) value = value * 10 + (code - ZERO);
  }
  return negative ? -value : value;
}

/** The digits of index `from` to `to` (at most 38 of them) of a number that starts at `first`, without its point. */
function digitsText(bytes: Uint8Array, first: number, from: number, to: number): string {
  let text = '';
  let index = 0;
  for (let at = first; index <= to; at++) {
    const code = bytes[at] as number;
    if (code === POINT) continue;
    if (index >= from) text += String.fromCharCode(code);
    index++;
  }
  return text;
}

/** The one form of a scaled integer: a number where that is safe. */
export function toScaled(value: bigint): Scaled {
  const narrow = Number(value);
  return Number.isSafeInteger(narrow) ? narrow : value;
}

/** `a + b`, exact. @throws TallystreamError `SUM_OVERFLOW` if the sum has more than 38 digits. */
export function addExact(a: Scaled, b: Scaled): Scaled {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  const sum = BigInt(a) + BigInt(b);
  if (sum >= DECIMAL_LIMIT || sum <= -DECIMAL_LIMIT) {
    throw new TallystreamError('SUM_OVERFLOW', {
      what: `A sum has more than ${DECIMAL_DIGITS_MAX} digits: ${a} + ${b} (scaled).`,
      why: 'Totals are exact: a sum that does not fit is an error, never a rounded number.',
      hint: 'Look for events with impossible amounts, and reject them with a rule.',
    });
  }
  return toScaled(sum);
}

/** -1, 0 or 1, for values of one scale. */
export function compareScaled(a: Scaled, b: Scaled): -1 | 0 | 1 {
  if (a < b) return -1;
  return a > b ? 1 : 0;
}

/** The exact text with every decimal of the scale: 2413415 at scale 2 is `24134.15`, -5 is `-0.05`. */
export function formatScaled(value: Scaled, scale: number): string {
  const negative = value < 0;
  const digits = (negative ? -value : value).toString().padStart(scale + 1, '0');
  const sign = negative ? '-' : '';
  if (scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** As {@link formatScaled}, with commas between thousands: `24,134.15`. */
export function formatGrouped(value: Scaled, scale: number): string {
  const text = formatScaled(value, scale);
  const wholeEnd = scale === 0 ? text.length : text.length - scale - 1;
  return text.slice(0, wholeEnd).replace(/\B(?=(?:\d{3})+$)/g, ',') + text.slice(wholeEnd);
}

/**
 * Reads a plain decimal of at most `scale` decimals: what {@link formatScaled} wrote, or a bound in a plan (`0`, `0.5`).
 * @throws RangeError for any other text, such as an exponent, a leading zero, `-0` or more than 38 digits.
 */
export function parseDecimal(text: string, scale: number): Scaled {
  const [, whole, written = ''] = /^(-?\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole !== undefined && text.length <= DECIMAL_DIGITS_MAX + 3) {
    const decimals = written.padEnd(scale, '0');
    const wide = BigInt(whole + decimals);
    const value = toScaled(wide);
    const canonical = scale === 0 ? whole : `${whole}.${decimals}`;
    if (wide < DECIMAL_LIMIT && wide > -DECIMAL_LIMIT && formatScaled(value, scale) === canonical)
      return value;
  }
  throw new RangeError(`not a decimal of at most ${scale} decimals: ${JSON.stringify(text.slice(0, 60))}`);
}
