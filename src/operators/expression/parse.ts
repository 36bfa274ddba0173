/** Text as numbers and dates, as Spark 4's casts read it in ANSI mode. */
import type { Scaled } from '../../columns/column-chunk.ts';
import { daysFromCivil, daysInMonth } from '../../columns/values/calendar.ts';
import { toScaled } from '../../columns/values/decimal.ts';
import { roundedDown } from './decimal.ts';

/** Java's BigDecimal has a scale of 32 bits. */
const BIG_DECIMAL_SCALE_MAX = 2 ** 31 - 1;
const PRECISION_MAX = 38;
/** A long has 19 digits; of more, zeros at the front aside, nothing is read. */
const WHOLE_DIGITS_MAX = 19;

/** A whole number with a sign or none, between blanks (`UTF8String.toLongExact`); undefined for any other text. */
export function wholeOfText(text: string): Scaled | undefined {
  const [, sign, zeros, digits] = /^[\0-\x20\x7f]*([+-]?)(0*)(\d*)[\0-\x20\x7f]*$/.exec(text) ?? [];
  if (digits === undefined || zeros === undefined || zeros + digits === '') return undefined;
  // Whatever has more digits fits no long; one of that many is kept, so that the range is what is complained about.
  const value = BigInt(digits.slice(0, WHOLE_DIGITS_MAX + 1) || '0');
  return toScaled(sign === '-' ? -value : value);
}

/**
 * A decimal, with an exponent or without, between blanks, rounded half up to `scale`: what Java's BigDecimal reads (of
 * digits 0 to 9 alone). Undefined for other text, and for more than 38 digits before the point.
 */
export function scaledOfText(text: string, scale: number): Scaled | undefined {
  const match = /^[\0-\x20]*([+-]?)(?:(\d+)\.?(\d*)|\.(\d+))(?:[eE]([+-]?\d{1,10}))?[\0-\x20]*$/.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', decimals = match[4] ?? '', , exponent = '0'] = match;
  const fraction = match[4] ?? decimals;
  const digits = (whole + fraction).replace(/^0+/, '') || '0';
  const ownScale = fraction.length - Number(exponent);
  if (Math.abs(ownScale) > BIG_DECIMAL_SCALE_MAX || digits.length - ownScale > PRECISION_MAX)
    return undefined;
  const magnitude = scaledDigits(digits, ownScale, scale);
  return toScaled(sign === '-' ? -magnitude : magnitude);
}

/** `digits × 10^-from` at the scale `to`, half up. Only digits that count are made a number of. */
function scaledDigits(digits: string, from: number, to: number): bigint {
  if (to >= from) return BigInt(digits + (digits === '0' ? '' : '0'.repeat(to - from)));
  const kept = digits.length - (from - to);
  if (kept < 0) return 0n;
  // Half up looks at the first digit that goes, and at no other.
  return BigInt(roundedDown(toScaled(BigInt(digits.slice(0, kept + 1))), 1));
}

/**
 * `2025-06-26`, `2025-6-1`, `2025-06`, `2025`, between blanks and with a clock after a blank or a `T`
 * (`DateTimeUtils.stringToDate`); in days since 1970-01-01. Undefined for other text and for years beyond 1 to 9999.
 */
export function dateOfText(text: string): number | undefined {
  const trimmed = text.replace(/^[\0-\x20\x7f]+|[\0-\x20\x7f]+$/g, '');
  const match = /^\+?(\d{4,7})(?:-(\d{1,2})(?:-(\d{1,2})(?:[ T][^]*)?)?)?$/.exec(trimmed);
  if (match === null) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2] ?? 1), Number(match[3] ?? 1)];
  if (year < 1 || year > 9999 || day < 1 || day > daysInMonth(year, month)) return undefined;
  return daysFromCivil(year, month, day);
}
