/**
 * A strict JSON scanner over bytes (RFC 8259): it proves a value well-formed exactly as `JSON.parse` would and notes
 * where the values of a schema's fields stand. Nothing is made of what it skips, and nothing is allocated per value.
 */
import { isKeyAt, ObjectShape, type Key } from './shape.ts';
import { Unescaper } from './json-string.ts';

/** Arrays and objects inside one another, the outermost counted as 1. Deeper input is refused: it is not an event. */
export const JSON_DEPTH_MAX = 512;

/** What is in a slot, or at the top. Up to `null` there is no value. */
export const Token = {
  absent: 0,
  null: 1,
  true: 2,
  false: 3,
  number: 4,
  /** A string without escapes: its bytes are its meaning. */
  string: 5,
  escapedString: 6,
  object: 7,
  array: 8,
} as const;

const FAILED = -1;

const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const UPPER_E = 0x45;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LOWER_E = 0x65;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_T = 0x74;
const LOWER_U = 0x75;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const TEXT_ENCODER = new TextEncoder();
const TRUE = TEXT_ENCODER.encode('true');
const FALSE = TEXT_ENCODER.encode('false');
const NULL = TEXT_ENCODER.encode('null');

/** A key has at most six bytes of JSON (`\u0041`) for one of its own. */
const ESCAPE_BYTES_MAX = 6;

const UNKNOWN_OBJECT = new ObjectShape([], 0);

export class JsonScanner {
  /** By slot: the {@link Token} and the bytes `[start, end)` of the value, quotes included. The last duplicate counts. */
  readonly tokens: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Where the last `scan` that failed saw that it is not JSON. */
  failedAt = 0;
  /** Whether it failed only because of {@link JSON_DEPTH_MAX}. */
  tooDeep = false;
  /** Whether a string held bytes beyond ASCII, whose UTF-8 the scanner does not prove. */
  beyondAscii = false;

  private readonly root: ObjectShape;
  private readonly keyText = new Unescaper();
  private bytes: Uint8Array = new Uint8Array(0);
  private end = 0;
  /** Of the value read last. */
  private token: number = Token.absent;
  /** Whether the string read last had escapes. */
  private escaped = false;

  constructor(root: ObjectShape) {
    this.root = root;
    this.tokens = new Uint8Array(root.slotsEnd);
    this.starts = new Int32Array(root.slotsEnd);
    this.ends = new Int32Array(root.slotsEnd);
  }

  /** The {@link Token} of the one value in `bytes[start, end)`, or -1 where that is not well-formed. */
  scan(bytes: Uint8Array, start: number, end: number): number {
    this.bytes = bytes;
    this.end = end;
    this.tooDeep = false;
    this.beyondAscii = false;
    this.tokens.fill(Token.absent);
    const after = this.value(this.space(start), 1, this.root);
    if (after === FAILED) return FAILED;
    const rest = this.space(after);
    return rest === end ? this.token : this.fail(rest);
  }

  /*
   * Each method below takes the position where its part starts, and returns the one after it or FAILED. Recursion is
   * as deep as the input's nesting, which JSON_DEPTH_MAX bounds.
   */

  private value(at: number, depth: number, shape: ObjectShape): number {
    switch (this.codeAt(at)) {
      case QUOTE: {
        const after = this.string(at + 1);
        this.token = this.escaped ? Token.escapedString : Token.string;
        return after;
      }
      case OPEN_BRACE: {
        const after = depth > JSON_DEPTH_MAX ? this.failDeep(at) : this.object(at + 1, depth, shape);
        this.token = Token.object;
        return after;
      }
      case OPEN_BRACKET: {
        const after = depth > JSON_DEPTH_MAX ? this.failDeep(at) : this.array(at + 1, depth);
        this.token = Token.array;
        return after;
      }
      case LOWER_T:
        return this.literal(at, TRUE, Token.true);
      case LOWER_F:
        return this.literal(at, FALSE, Token.false);
      case LOWER_N:
        return this.literal(at, NULL, Token.null);
      default:
        return this.number(at);
    }
  }

  private object(from: number, depth: number, shape: ObjectShape): number {
    let at = this.space(from);
    if (this.codeAt(at) === CLOSE_BRACE) return at + 1;
    let expected = 0;
    for (;;) {
      if (this.codeAt(at) !== QUOTE) return this.fail(at);
      let key = shape.keys[expected];
      if (key !== undefined && at + key.literal.length <= this.end && isKeyAt(key.literal, this.bytes, at)) {
        at += key.literal.length;
        expected++;
      } else {
        const keyStart = at + 1;
        at = this.string(keyStart);
        if (at === FAILED) return FAILED;
        const index = this.find(shape, keyStart, at - 1);
        key = index < 0 ? undefined : shape.keys[index];
        if (index >= 0) expected = index + 1;
      }
      at = this.space(at);
      if (this.codeAt(at) !== COLON) return this.fail(at);
      at = this.space(at + 1);
      at = key === undefined ? this.value(at, depth + 1, UNKNOWN_OBJECT) : this.field(key, at, depth + 1);
      if (at === FAILED) return FAILED;
      at = this.space(at);
      const separator = this.codeAt(at);
      if (separator === CLOSE_BRACE) return at + 1;
      if (separator !== COMMA) return this.fail(at);
      at = this.space(at + 1);
    }
  }

  /** The value of a field of the schema. A repeated struct is forgotten whole, as `JSON.parse` replaces it. */
  private field(key: Key, at: number, depth: number): number {
    const slot = key.slot;
    const shape = key.shape;
    if (shape !== undefined) this.tokens.fill(Token.absent, slot + 1, shape.slotsEnd);
    const after = this.value(at, depth, shape ?? UNKNOWN_OBJECT);
    this.tokens[slot] = this.token;
    this.starts[slot] = at;
    this.ends[slot] = after;
    return after;
  }

  /** The index of the key between the quotes, -1 for one that is not in the schema. */
  private find(shape: ObjectShape, start: number, end: number): number {
    if (!this.escaped) return shape.find(this.bytes, start, end);
    if (end - start > shape.longestKeyBytes * ESCAPE_BYTES_MAX) return -1;
    this.keyText.resolve(this.bytes, start, end);
    return this.keyText.loneSurrogate ? -1 : shape.find(this.keyText.bytes, 0, this.keyText.length);
  }

  private array(from: number, depth: number): number {
    let at = this.space(from);
    if (this.codeAt(at) === CLOSE_BRACKET) return at + 1;
    for (;;) {
      at = this.value(at, depth + 1, UNKNOWN_OBJECT);
      if (at === FAILED) return FAILED;
      at = this.space(at);
      const separator = this.codeAt(at);
      if (separator === CLOSE_BRACKET) return at + 1;
      if (separator !== COMMA) return this.fail(at);
      at = this.space(at + 1);
    }
  }

  private string(from: number): number {
    const bytes = this.bytes;
    const end = this.end;
    let seen = 0;
    this.escaped = false;
    let at = from;
    while (at < end) {
      const code = bytes[at] as number;
      seen |= code;
      if (code === QUOTE) {
        if (seen > 0x7f) this.beyondAscii = true;
        return at + 1;
      }
      if (code < SPACE) return this.fail(at);
      if (code === BACKSLASH) {
        at = this.escape(at);
        if (at === FAILED) return FAILED;
      } else at++;
    }
    return this.fail(end);
  }

  private escape(at: number): number {
    this.escaped = true;
    switch (this.codeAt(at + 1)) {
      case LOWER_U:
        for (let digit = at + 2; digit < at + 6; digit++)
          if (!isHexDigit(this.codeAt(digit))) return this.fail(digit);
        return at + 6;
      case QUOTE:
      case BACKSLASH:
      case 0x2f: // Slash.
      case 0x62: // The letters b, f, n, r and t.
      case LOWER_F:
      case LOWER_N:
      case 0x72:
      case LOWER_T:
        return at + 2;
      default:
        return this.fail(at + 1);
    }
  }

  private number(from: number): number {
    this.token = Token.number;
    let at = this.codeAt(from) === MINUS ? from + 1 : from;
    at = this.codeAt(at) === ZERO ? at + 1 : this.digits(at);
    if (at === FAILED) return FAILED;
    if (this.codeAt(at) === POINT) {
      at = this.digits(at + 1);
      if (at === FAILED) return FAILED;
    }
    const code = this.codeAt(at);
    if (code !== LOWER_E && code !== UPPER_E) return at;
    const sign = this.codeAt(at + 1);
    return this.digits(sign === PLUS || sign === MINUS ? at + 2 : at + 1);
  }

  /** One digit or more. */
  private digits(from: number): number {
    let at = from;
    while (((this.codeAt(at) - ZERO) | 0) >>> 0 <= 9) at++;
    return at === from ? this.fail(at) : at;
  }

  private literal(at: number, word: Uint8Array, token: number): number {
    this.token = token;
    for (let index = 0; index < word.length; index++) {
      if (this.codeAt(at + index) !== word[index]) return this.fail(at + index);
    }
    return at + word.length;
  }

  /** White space is space, line feed, carriage return and tab, and nothing else. */
  private space(from: number): number {
    let at = from;
    for (;;) {
      const code = this.codeAt(at);
      if (code > SPACE || (code !== SPACE && code !== 0x0a && code !== 0x0d && code !== 0x09)) return at;
      at++;
    }
  }

  /** The byte at a position, or -1 after the end: bytes of the next record must not be seen. */
  private codeAt(at: number): number {
    return at < this.end ? (this.bytes[at] as number) : -1;
  }

  private fail(at: number): number {
    this.failedAt = Math.min(at, this.end);
    return FAILED;
  }

  private failDeep(at: number): number {
    this.tooDeep = true;
    return this.fail(at);
  }
}

function isHexDigit(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66);
}
