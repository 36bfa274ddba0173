/**
 * The text of generated events, written as bytes. Put together as strings the same text takes more than twice the time:
 * each piece is then copied three times, and most pieces never change.
 */
import { Buffer } from 'node:buffer';

/** More than any generated event has; a test holds the generator to it. */
export const TEXT_BYTES_MAX = 1_024;

const ZERO = 0x30;
const POINT = 0x2e;
/** Number of bytes that are copied at a time. */
const WORD_BYTES = 8;

/** Two hexadecimal digits of every byte, as a little-endian number of 16 bits. */
const HEX_PAIRS = Uint16Array.from({ length: 256 }, (_, byte) =>
  Buffer.from(byte.toString(16).padStart(2, '0'), 'latin1').readUInt16LE(),
);

/**
 * Text that is written again and again: a piece is a number, and all of them lie in one buffer. A buffer each would cost a
 * cache line or two before its first byte is read, and an event is several of them.
 */
export class TextPieces {
  bytes: DataView = viewOf(Buffer.alloc(64 * 1024));
  /** Where each piece starts; it ends where the next one does. */
  starts = new Int32Array(256);
  private count = 0;

  /** Keeps a piece and gives its number. */
  add(text: string): number {
    const added = Buffer.from(text, 'utf8');
    const start = this.starts[this.count] as number;
    const end = start + added.length;
    // The last word of the last piece is read whole.
    if (end + WORD_BYTES > this.bytes.byteLength) {
      const grown = Buffer.alloc(2 * this.bytes.byteLength + added.length);
      grown.set(bytesOf(this.bytes));
      this.bytes = viewOf(grown);
    }
    if (this.count + 1 === this.starts.length) {
      const grown = new Int32Array(2 * this.starts.length);
      grown.set(this.starts);
      this.starts = grown;
    }
    bytesOf(this.bytes).set(added, start);
    this.count += 1;
    this.starts[this.count] = end;
    return this.count - 1;
  }
}

/**
 * Writes into whatever bytes it is pointed at. The one who points sees to the room: {@link TEXT_BYTES_MAX} an event, of
 * which a few bytes behind its end may be overwritten.
 */
export class TextWriter {
  target: DataView;
  at = 0;
  private readonly pieces: TextPieces;

  constructor(pieces: TextPieces, target: DataView) {
    this.pieces = pieces;
    this.target = target;
  }

  piece(piece: number): void {
    const { bytes, starts } = this.pieces;
    this.copy(bytes, starts[piece] as number, starts[piece + 1] as number);
  }

  /**
   * Copies `source[start, end)`, where what follows can be read up to a whole word. Faster than a call that leaves
   * JavaScript, since pieces are short. A word of text is never a NaN, whose bits could change on the way: UTF-8 has no
   * byte 0xff, and no text here has a byte 0x7f.
   */
  copy(source: DataView, start: number, end: number): void {
    const { target, at } = this;
    const shift = at - start;
    for (let from = start; from < end; from += WORD_BYTES) {
      target.setFloat64(from + shift, source.getFloat64(from, true), true);
    }
    this.at = end + shift;
  }

  /** A whole number in [0, 2^31), filled up with zeros to `placesMin`. */
  whole(value: number, placesMin = 1): void {
    const { target } = this;
    let places = 1;
    for (let bound = 10; bound <= value; bound *= 10) places += 1;
    if (places < placesMin) places = placesMin;
    let left = value;
    for (let place = this.at + places - 1; place >= this.at; place -= 1) {
      // Not floor: a division of whole numbers stays one.
      const tens = (left / 10) | 0;
      target.setUint8(place, ZERO + left - tens * 10);
      left = tens;
    }
    this.at += places;
  }

  /** A decimal with two places of a value in [0, 2^31): 12990 is `129.90`. */
  hundredths(value: number): void {
    const units = (value / 100) | 0;
    this.whole(units);
    this.target.setUint8(this.at, POINT);
    this.at += 1;
    this.whole(value - units * 100, 2);
  }
}

/** Writes three digits of a whole number in [0, 1000). */
export function writeThreeDigits(target: DataView, at: number, value: number): void {
  const hundreds = Math.floor(value / 100);
  const tens = Math.floor((value - hundreds * 100) / 10);
  target.setUint8(at, ZERO + hundreds);
  target.setUint8(at + 1, ZERO + tens);
  target.setUint8(at + 2, ZERO + value - hundreds * 100 - tens * 10);
}

/** Writes eight hexadecimal digits of a whole number in [0, 2^32). */
export function writeHex32(target: DataView, at: number, value: number): void {
  target.setUint16(at, HEX_PAIRS[value >>> 24] as number, true);
  target.setUint16(at + 2, HEX_PAIRS[(value >>> 16) & 0xff] as number, true);
  target.setUint16(at + 4, HEX_PAIRS[(value >>> 8) & 0xff] as number, true);
  target.setUint16(at + 6, HEX_PAIRS[value & 0xff] as number, true);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
