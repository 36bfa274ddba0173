/** What a JSON string that is already proved well-formed means, as UTF-8 bytes. */

const BACKSLASH = 0x5c;
const LOWER_U = 0x75;

/** What stands for a single-letter escape, by the letter's code; `"`, `\` and `/` stand for themselves. */
const ESCAPED = new Uint8Array(128);
for (const [letter, code] of [
  ['"', 0x22],
  ['\\', 0x5c],
  ['/', 0x2f],
  ['b', 0x08],
  ['f', 0x0c],
  ['n', 0x0a],
  ['r', 0x0d],
  ['t', 0x09],
] as const) {
  ESCAPED[letter.charCodeAt(0)] = code;
}

/** Resolves the escapes of strings into its own buffer, which is reused. */
export class Unescaper {
  /** The resolved text of the last `resolve`: `bytes[0, length)`. */
  bytes: Uint8Array = new Uint8Array(256);
  length = 0;
  /** Whether it held half a surrogate pair. UTF-8 has no bytes for one, so U+FFFD stands in its place. */
  loneSurrogate = false;
  nul = false;

  /** Resolves the inside of a string literal, `source[start, end)` between its quotes. */
  resolve(source: Uint8Array, start: number, end: number): void {
    // No escape is shorter than what it stands for.
    if (end - start > this.bytes.length)
      this.bytes = new Uint8Array(Math.max(end - start, this.bytes.length * 2));
    this.length = 0;
    this.loneSurrogate = false;
    this.nul = false;
    let at = start;
    while (at < end) {
      const code = source[at] as number;
      if (code !== BACKSLASH) {
        this.bytes[this.length++] = code;
        at++;
      } else if (source[at + 1] !== LOWER_U) {
        this.bytes[this.length++] = ESCAPED[source[at + 1] as number] as number;
        at += 2;
      } else at = this.resolveUnicode(source, at, end);
    }
  }

  /** Resolves `\uXXXX`, or two of them that are a surrogate pair, and returns where it ends. */
  private resolveUnicode(source: Uint8Array, at: number, end: number): number {
    const unit = hexUnit(source, at + 2);
    if (unit === 0) this.nul = true;
    if (unit < 0xd800 || unit > 0xdfff) {
      this.append(unit);
      return at + 6;
    }
    if (unit < 0xdc00 && at + 12 <= end && source[at + 6] === BACKSLASH && source[at + 7] === LOWER_U) {
      const low = hexUnit(source, at + 8);
      if (low >= 0xdc00 && low <= 0xdfff) {
        this.append(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
        return at + 12;
      }
    }
    this.loneSurrogate = true;
    this.append(0xfffd);
    return at + 6;
  }

  /** Appends a code point as UTF-8. */
  private append(codePoint: number): void {
    const bytes = this.bytes;
    if (codePoint < 0x80) {
      bytes[this.length++] = codePoint;
      return;
    }
    if (codePoint < 0x800) bytes[this.length++] = 0xc0 | (codePoint >> 6);
    else {
      if (codePoint < 0x1_0000) bytes[this.length++] = 0xe0 | (codePoint >> 12);
      else {
        bytes[this.length++] = 0xf0 | (codePoint >> 18);
        bytes[this.length++] = 0x80 | ((codePoint >> 12) & 0x3f);
      }
      bytes[this.length++] = 0x80 | ((codePoint >> 6) & 0x3f);
    }
    bytes[this.length++] = 0x80 | (codePoint & 0x3f);
  }
}

/** The number that four hexadecimal digits at `at` write. */
function hexUnit(source: Uint8Array, at: number): number {
  let unit = 0;
  for (let digit = at; digit < at + 4; digit++) {
    const code = source[digit] as number;
    // A letter's low four bits count from 1, so nine more is its value.
    unit = (unit << 4) | (code < 0x3a ? code & 0xf : (code & 0xf) + 9);
  }
  return unit;
}
