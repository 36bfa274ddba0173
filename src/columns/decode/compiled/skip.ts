/** Goes over what no one wants: white space, and the values of unknown keys. */
import { numberEnd } from './numbers.ts';
import { escapedEnd, stringEnd } from './text.ts';

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Unknown values may be nested this deep here; {@link JSON_DEPTH_MAX} holds in the exact path. */
const SKIPPED_DEPTH_MAX = 64;

/** The position after the white space at `from`. */
export function spaceEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    const code = bytes[at] as number;
    if (code > SPACE || (code !== SPACE && code !== 0x0a && code !== 0x0d && code !== 0x09)) return at;
    at++;
  }
}

/** The position after the value at `from`, which no one wants but which is JSON and UTF-8 all the same. */
export function skipValue(bytes: Uint8Array, from: number, end: number, depth: number): number {
  if (from >= end) return -1;
  switch (bytes[from]) {
    case QUOTE:
      return skipString(bytes, from + 1, end);
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

/** The position after the quote that ends the string in which `from` is. */
function skipString(bytes: Uint8Array, from: number, end: number): number {
  const plain = stringEnd(bytes, from, end);
  const at = plain < 0 ? escapedEnd(bytes, from, end) : plain;
  return at < 0 ? -1 : at + 1;
}

function skipObject(bytes: Uint8Array, from: number, end: number, depth: number): number {
  let at = spaceEnd(bytes, from);
  if (bytes[at] === CLOSE_BRACE) return at + 1;
  for (;;) {
    if (bytes[at] !== QUOTE) return -1;
    at = skipString(bytes, at + 1, end);
    if (at < 0) return -1;
    at = spaceEnd(bytes, at);
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
