/** Readers of one string. Each returns -1 for what it does not handle, as those of numbers do. */
import type { DictionaryColumn, StringColumn } from '../../column-chunk.ts';
import type { ByteSpace } from '../../byte-space.ts';
import type { Dictionary } from '../../dictionary.ts';
import { Unescaper } from '../json-string.ts';
import { utf8SequenceLength } from '../utf8.ts';

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LOWER_U = 0x75;

/** Bytes allowed after a backslash, except `u`: 1 each. */
const ESCAPES = new Uint8Array(256);
for (const code of new TextEncoder().encode('"\\/bfnrt')) ESCAPES[code] = 1;

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

/** As {@link stringEnd}, with escapes. */
export function escapedEnd(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const code = bytes[at] as number;
    if (code >= 0x80) {
      const length = utf8SequenceLength(bytes, at, end, code);
      if (length === 0) return -1;
      at += length;
    } else if (code === QUOTE) return at;
    else if (code < SPACE) return -1;
    else if (code !== BACKSLASH) at++;
    else {
      const length = escapeLength(bytes, at, end);
      if (length === 0) return -1;
      at += length;
    }
  }
  return -1;
}

/** The length of the escape whose backslash is at `at`, or 0 if that is not handled. */
function escapeLength(bytes: Uint8Array, at: number, end: number): number {
  // Nothing is read beyond the event; a short escape this close to its end is left to the exact path.
  if (at + 6 >= end) return 0;
  if (bytes[at + 1] !== LOWER_U) return ESCAPES[bytes[at + 1] as number] === 1 ? 2 : 0;
  for (let digit = at + 2; digit < at + 6; digit++) if (!isHexDigit(bytes[digit] as number)) return 0;
  return 6;
}

function isHexDigit(code: number): boolean {
  const small = code | 0x20;
  return (code >= 0x30 && code <= 0x39) || (small >= 0x61 && small <= 0x66);
}

/** Strings with escapes. */
export class EscapedTextReader {
  private readonly unescaper = new Unescaper();

  /** Reads the string whose inside starts at `from` into a cell, and returns the position of the quote that ends it. */
  read(
    bytes: Uint8Array,
    from: number,
    end: number,
    space: ByteSpace,
    column: StringColumn | DictionaryColumn,
    index: number,
  ): number {
    const at = escapedEnd(bytes, from, end);
    if (at < 0) return -1;
    const { unescaper } = this;
    unescaper.resolve(bytes, from, at);
    if (unescaper.loneSurrogate || unescaper.nul) return -1;
    if (column.kind === 'dictionary')
      column.codes[index] = column.dictionary.encode(unescaper.bytes, 0, unescaper.length);
    else {
      const position = space.store(unescaper.bytes, 0, unescaper.length);
      column.start[index] = position;
      column.end[index] = position + unescaper.length;
    }
    return at;
  }
}

/** What {@link codeOf} keeps of a text: its length, four words, its code, and the generation of the dictionary. */
const RECENT_WORDS = 8;
/** Places for texts that were met last; a power of two. */
const RECENT_PLACES = 64;
/** Texts of which four words, with the quote after them, are all. */
const WORDS_LENGTH_MIN = 3;
const WORDS_LENGTH_MAX = 15;

/** Where {@link codeOf} keeps the texts of one column that it met last. */
export function recentTexts(): Int32Array {
  return new Int32Array(RECENT_PLACES * RECENT_WORDS);
}

/**
 * The code of the text in `bytes[start, end)`, of which `view` is a view and after which its quote stands. Most texts are
 * short, and met before: they are known again by their words, without a look at the dictionary. That one place a text
 * cannot be filled with collisions, it is only overwritten.
 */
export function codeOf(
  dictionary: Dictionary,
  recent: Int32Array,
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
): number {
  const length = end - start;
  if (length < WORDS_LENGTH_MIN || length > WORDS_LENGTH_MAX) return dictionary.encode(bytes, start, end);
  // They overlap, or are two only, where the text is shorter.
  const first = view.getInt32(start, true);
  const last = view.getInt32(end - 3, true);
  const second = length < 8 ? 0 : view.getInt32(start + 4, true);
  const third = length < 8 ? 0 : view.getInt32(end - 7, true);
  const { generation } = dictionary;
  const mixed = (first & 0xff) * 3 + ((last >>> 16) & 0xff) * 5 + length;
  const at = (mixed & (RECENT_PLACES - 1)) * RECENT_WORDS;
  if (
    recent[at] === length &&
    recent[at + 1] === first &&
    recent[at + 2] === second &&
    recent[at + 3] === third &&
    recent[at + 4] === last &&
    recent[at + 6] === generation
  )
    return recent[at + 5] as number;
  const code = dictionary.encode(bytes, start, end);
  recent[at] = length;
  recent[at + 1] = first;
  recent[at + 2] = second;
  recent[at + 3] = third;
  recent[at + 4] = last;
  recent[at + 5] = code;
  recent[at + 6] = generation;
  return code;
}
