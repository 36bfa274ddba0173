/** The elements of a JSON array that is already proved well-formed, one after the other. */
import { Token } from './json-scanner.ts';

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_T = 0x74;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Walks over an array: `open`, then `next` while it answers true. It proves nothing and believes everything, so it
 * must only see what the scanner has seen. Nothing is allocated.
 */
export class ElementScanner {
  /** The {@link Token} of the element that `next` found, and its bytes `[start, end)`, quotes included. */
  token: number = Token.absent;
  start = 0;
  end = 0;
  private bytes: Uint8Array = new Uint8Array(0);

  /** Stands before the first element of the array whose bracket is at `start`. */
  open(bytes: Uint8Array, start: number): void {
    this.bytes = bytes;
    this.end = start + 1;
  }

  /** Goes to the next element; false after the last one. */
  next(): boolean {
    const bytes = this.bytes;
    let at = this.end;
    while ((bytes[at] as number) <= SPACE || bytes[at] === COMMA) at++;
    this.start = at;
    switch (bytes[at]) {
      case CLOSE_BRACKET:
        return false;
      case QUOTE:
        this.end = this.string(at + 1);
        return true;
      case OPEN_BRACE:
        this.end = this.nested(at);
        this.token = Token.object;
        return true;
      case OPEN_BRACKET:
        this.end = this.nested(at);
        this.token = Token.array;
        return true;
      case LOWER_T:
        this.end = at + 4;
        this.token = Token.true;
        return true;
      case LOWER_F:
        this.end = at + 5;
        this.token = Token.false;
        return true;
      case LOWER_N:
        this.end = at + 4;
        this.token = Token.null;
        return true;
      default:
        this.end = this.number(at);
        this.token = Token.number;
        return true;
    }
  }

  /** The position after the string whose text begins at `from`. */
  private string(from: number): number {
    const bytes = this.bytes;
    this.token = Token.string;
    let at = from;
    while (bytes[at] !== QUOTE) {
      if (bytes[at] === BACKSLASH) {
        this.token = Token.escapedString;
        at++;
      }
      at++;
    }
    return at + 1;
  }

  /** The position after the array or object that begins at `from`. */
  private nested(from: number): number {
    let depth = 0;
    let at = from;
    do {
      const code = this.bytes[at];
      if (code === QUOTE) at = this.string(at + 1);
      else {
        if (code === OPEN_BRACKET || code === OPEN_BRACE) depth++;
        else if (code === CLOSE_BRACKET || code === CLOSE_BRACE) depth--;
        at++;
      }
    } while (depth > 0);
    return at;
  }

  private number(from: number): number {
    let at = from + 1;
    for (;;) {
      const code = this.bytes[at] as number;
      if (code <= SPACE || code === COMMA || code === CLOSE_BRACKET) return at;
      at++;
    }
  }
}
