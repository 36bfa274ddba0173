/**
 * Arithmetic with scaled integers as Spark's `Decimal` does it: exact, then rounded half up (away from zero) to the
 * scale of the result. Numbers stay numbers while they are safe integers. (Spark cuts products and quotients off at 39
 * digits before it rounds them, which no rounding half up to 38 digits can see; before 3.5.1 it rounded there.)
 */
import type { Scaled } from '../../columns/column-chunk.ts';
import { toScaled } from '../../columns/values/decimal.ts';

/** Powers that are exact in doubles, and more than which no safe integer can be multiplied by. */
const SMALL_POWERS = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/** Powers up to those that two decimals of 38 digits ask for. */
const POWERS = Array.from({ length: 96 }, (_, exponent) => 10n ** BigInt(exponent));

function power(exponent: number): bigint {
  return POWERS[exponent] ?? 10n ** BigInt(exponent);
}

/** `value × 10^by`, exact. */
export function scaledUp(value: Scaled, by: number): Scaled {
  if (by === 0) return value;
  if (typeof value === 'number' && by < SMALL_POWERS.length) {
    // A product that a double had to round lies beyond 2^53, so a safe one is exact.
    const product = value * (SMALL_POWERS[by] as number);
    if (Number.isSafeInteger(product)) return product;
  }
  return toScaled(BigInt(value) * power(by));
}

/** `value / 10^by`, rounded half up. */
export function roundedDown(value: Scaled, by: number): Scaled {
  if (by === 0) return value;
  if (typeof value === 'number' && by < SMALL_POWERS.length) {
    const divisor = SMALL_POWERS[by] as number;
    const rest = value % divisor;
    const whole = (value - rest) / divisor;
    if (Math.abs(rest) * 2 < divisor) return whole + 0;
    return rest < 0 ? whole - 1 : whole + 1;
  }
  return toScaled(quotientHalfUp(BigInt(value), power(by)));
}

/** `value / 10^by`, cut off towards zero. */
export function cutDown(value: Scaled, by: number): Scaled {
  return by === 0 ? value : toScaled(BigInt(value) / power(by));
}

/** `value` at another scale, rounded half up where that has fewer decimals. */
export function rescaled(value: Scaled, from: number, to: number): Scaled {
  return to >= from ? scaledUp(value, to - from) : roundedDown(value, from - to);
}

function quotientHalfUp(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  const rest = dividend % divisor;
  if (absolute(rest) * 2n < absolute(divisor)) return quotient;
  return dividend < 0n === divisor < 0n ? quotient + 1n : quotient - 1n;
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** Whether a value has at most `precision` digits. */
export function fitsDigits(value: Scaled, precision: number): boolean {
  if (typeof value === 'number' && precision >= 16) return true;
  const limit = power(precision);
  return value < limit && value > -limit;
}

/** `a + b`, both of one scale. */
export function sum(a: Scaled, b: Scaled): Scaled {
  if (typeof a === 'number' && typeof b === 'number') {
    const result = a + b;
    if (Number.isSafeInteger(result)) return result;
  }
  return toScaled(BigInt(a) + BigInt(b));
}

/** `a × b`, whose scale is the sum of theirs, at the scale `to`. */
export function product(a: Scaled, b: Scaled, scale: number, to: number): Scaled {
  if (typeof a === 'number' && typeof b === 'number') {
    const result = a * b;
    if (Number.isSafeInteger(result)) return roundedDown(result + 0, scale - to);
  }
  return roundedDown(toScaled(BigInt(a) * BigInt(b)), scale - to);
}

/**
 * `a / b` at the scale `to`, rounded once; `b` is not 0. By Spark's types of quotients `to + scaleB` is never below
 * `scaleA`, so the dividend alone is scaled.
 */
export function quotient(a: Scaled, scaleA: number, b: Scaled, scaleB: number, to: number): Scaled {
  const dividend = scaledUp(a, to + scaleB - scaleA);
  if (typeof dividend === 'number' && typeof b === 'number') {
    const rest = dividend % b;
    const whole = (dividend - rest) / b + 0;
    if (Math.abs(rest) * 2 < Math.abs(b)) return whole;
    return dividend < 0 === b < 0 ? whole + 1 : whole - 1;
  }
  return toScaled(quotientHalfUp(BigInt(dividend), BigInt(b)));
}

/** The rest of `a / b`, both of one scale, with the sign of `a`; `b` is not 0. */
export function remainder(a: Scaled, b: Scaled): Scaled {
  if (typeof a === 'number' && typeof b === 'number') return (a % b) + 0;
  return toScaled(BigInt(a) % BigInt(b));
}
