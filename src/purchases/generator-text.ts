/**
 * The text of generated events, written as bytes. Put together as strings the same text takes more than twice the time:
 * each piece is then copied three times, and most pieces never change.
 */
import { Buffer } from 'node:buffer';

export function textBytes(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}

/** More than any generated event has; a test holds the generator to it. */
export const TEXT_BYTES_MAX = 1_024;

const ZERO = 0x30;
const POINT = 0x2e;
const HEX_DIGITS = textBytes('0123456789abcdef');

/** Writes into whatever bytes it is pointed at. The one who points sees to the room: {@link TEXT_BYTES_MAX} an event. */
export class TextWriter {
  target: Uint8Array;
  at: number;

  constructor(target: Uint8Array) {
    this.target = target;
    this.at = 0;
  }

  /** Copies a piece that was made with {@link textBytes}. */
  bytes(piece: Uint8Array): void {
    this.target.set(piece, this.at);
    this.at += piece.length;
  }

  /** A whole number in [0, 2^31). */
  whole(value: number): void {
    let places = 1;
    for (let bound = 10; bound <= value; bound *= 10) places += 1;
    let left = value;
    for (let place = this.at + places - 1; place >= this.at; place -= 1) {
      const tens = Math.floor(left / 10);
      this.target[place] = ZERO + left - tens * 10;
      left = tens;
    }
    this.at += places;
  }

  /** A decimal with two places of a value in [0, 2^31): 12990 is `129.90`. */
  hundredths(value: number): void {
    const units = Math.floor(value / 100);
    this.whole(units);
    const { target, at } = this;
    const rest = value - units * 100;
    const tens = Math.floor(rest / 10);
    target[at] = POINT;
    target[at + 1] = ZERO + tens;
    target[at + 2] = ZERO + rest - tens * 10;
    this.at = at + 3;
  }
}

/** Writes three digits of a whole number in [0, 1000). */
export function writeThreeDigits(target: Uint8Array, at: number, value: number): void {
  const hundreds = Math.floor(value / 100);
  const tens = Math.floor((value - hundreds * 100) / 10);
  target[at] = ZERO + hundreds;
  target[at + 1] = ZERO + tens;
  target[at + 2] = ZERO + value - hundreds * 100 - tens * 10;
}

/** Writes eight hexadecimal digits of a whole number in [0, 2^32). */
export function writeHex32(target: Uint8Array, at: number, value: number): void {
  for (let digit = 0; digit < 8; digit += 1) {
    target[at + digit] = HEX_DIGITS[(value >>> (28 - 4 * digit)) & 15] as number;
  }
}
