/**
 * What the generated functions call: readers of one value each. Every one is given the position where its part starts
 * and returns the one behind it, or -1 for whatever it does not handle: that need not be wrong, and the exact path says.
 *
 * All rely on the last byte before `end` being a closing brace: no number, and no white space, runs over the end.
 */
import type { Dictionary } from '../dictionary.ts';
import { parseDouble } from '../double.ts';
import { utf8SequenceLength } from '../utf8.ts';

/** What became of a row. */
export const Outcome = {
  decoded: 0,
  /** Not the order of keys, or not the white space, that the function is for. */
  otherShape: 1,
  /** Something that only the exact path handles, or something wrong. */
  unusual: 2,
} as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LOWER_E = 0x65;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
/** The bit that tells a small letter from a capital one. */
const SMALL = 0x20;

/** Whole numbers of this many digits are exact in a double, with room to spare. */
const EXACT_DIGITS = 15;

/** 10^0 to 10^15. Literals, because computed powers need not be exact. */
const POWERS_OF_TEN = new Float64Array([
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
]);

/** Unknown values may be nested this deep here; {@link JSON_DEPTH_MAX} holds in the exact path. */
const SKIPPED_DEPTH_MAX = 64;

/** The position of the quote that ends the string, from any position in it. An escape is not handled. */
export function stringEnd(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const code = bytes[at] as number;
    if (code >= 0x80) {
      const length = utf8SequenceLength(bytes, at, end, code);
      if (length === 0) return -1;
      at += length;
    } else if (code === QUOTE) return at;
    else if (code === BACKSLASH || code < SPACE) return -1;
    else at++;
  }
  return -1;
}

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

/** The position behind the JSON number at `from`. */
function numberEnd(bytes: Uint8Array, from: number): number {
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
  const exponent = sign === MINUS || sign === 0x2b ? at + 2 : at + 1;
  at = digitsEnd(bytes, exponent);
  return at === exponent ? -1 : at;
}

function digitsEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  while ((((bytes[at] as number) - ZERO) | 0) >>> 0 <= 9) at++;
  return at;
}

/**
 * The code of the text in `bytes[start, end)`. `recent` holds codes by a few of their bytes, so that most texts are found
 * without the keyed hash: that one place a text cannot be filled with collisions, it is only overwritten.
 */
export function codeOf(
  dictionary: Dictionary,
  recent: Int32Array,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  // For an empty text these bytes are its quotes.
  const place =
    ((bytes[start] as number) * 3 + (bytes[end - 1] as number) * 5 + (end - start)) & (recent.length - 1);
  const known = recent[place] as number;
  if (dictionary.holds(known, bytes, start, end)) return known;
  const code = dictionary.encode(bytes, start, end);
  recent[place] = code;
  return code;
}

/** The position behind the white space at `from`. */
export function spaceEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    const code = bytes[at] as number;
    if (code > SPACE || (code !== SPACE && code !== 0x0a && code !== 0x0d && code !== 0x09)) return at;
    at++;
  }
}

/** The position behind the value at `from`, which nobody wants but which is JSON and UTF-8 all the same. */
export function skipValue(bytes: Uint8Array, from: number, end: number, depth: number): number {
  if (from >= end) return -1;
  switch (bytes[from]) {
    case QUOTE: {
      const at = stringEnd(bytes, from + 1, end);
      return at < 0 ? -1 : at + 1;
    }
    case OPEN_BRACE:
      return depth >= SKIPPED_DEPTH_MAX ? -1 : skipObject(bytes, from + 1, end, depth + 1);
    case OPEN_BRACKET:
      return depth >= SKIPPED_DEPTH_MAX ? -1 : skipArray(bytes, from + 1, end, depth + 1);
    case 0x74:
      return skipWord(bytes, from, end, TRUE);
    case 0x66:
      return skipWord(bytes, from, end, FALSE);
    case 0x6e:
      return skipWord(bytes, from, end, NULL);
    default:
      return numberEnd(bytes, from);
  }
}

const TEXT_ENCODER = new TextEncoder();
const TRUE = TEXT_ENCODER.encode('true');
const FALSE = TEXT_ENCODER.encode('false');
const NULL = TEXT_ENCODER.encode('null');

function skipWord(bytes: Uint8Array, from: number, end: number, word: Uint8Array): number {
  if (from + word.length >= end) return -1;
  for (let index = 0; index < word.length; index++) if (bytes[from + index] !== word[index]) return -1;
  return from + word.length;
}

function skipObject(bytes: Uint8Array, from: number, end: number, depth: number): number {
  let at = spaceEnd(bytes, from);
  if (bytes[at] === CLOSE_BRACE) return at + 1;
  for (;;) {
    if (bytes[at] !== QUOTE) return -1;
    at = stringEnd(bytes, at + 1, end);
    if (at < 0) return -1;
    at = spaceEnd(bytes, at + 1);
    if (bytes[at] !== COLON) return -1;
    at = skipValue(bytes, spaceEnd(bytes, at + 1), end, depth);
    if (at < 0 || at >= end) return -1;
    at = spaceEnd(bytes, at);
    if (bytes[at] === CLOSE_BRACE) return at + 1;
    if (bytes[at] !== COMMA) return -1;
    at = spaceEnd(bytes, at + 1);
  }
}

function skipArray(bytes: Uint8Array, from: number, end: number, depth: number): number {
  let at = spaceEnd(bytes, from);
  if (bytes[at] === CLOSE_BRACKET) return at + 1;
  for (;;) {
    at = skipValue(bytes, at, end, depth);
    if (at < 0 || at >= end) return -1;
    at = spaceEnd(bytes, at);
    if (bytes[at] === CLOSE_BRACKET) return at + 1;
    if (bytes[at] !== COMMA) return -1;
    at = spaceEnd(bytes, at + 1);
  }
}
