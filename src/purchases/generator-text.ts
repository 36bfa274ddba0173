/**
 * The text of generated events, written as bytes. Put together as strings the same text takes more than twice the time:
 * each piece is then copied three times, and most pieces never change.
 */

export interface TextWriter {
  /** Copies a piece that was made with {@link textBytes}. */
  bytes(piece: Uint8Array): void;
  /** A whole number in [0, 2^31). */
  whole(value: number): void;
  /** A decimal with two places of a value in [0, 2^31): 12990 is `129.90`. */
  hundredths(value: number): void;
  /** Three digits of a whole number in [0, 1000). */
  threeDigits(value: number): void;
  /** Eight hexadecimal digits of a whole number in [0, 2^32). */
  hex32(value: number): void;
  /** The text since the last end, at most {@link TEXT_BYTES_MAX}: a view that stays as it is. */
  end(): Uint8Array;
}

export function textBytes(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}

/** More than any generated event has; a test holds the generator to it. */
export const TEXT_BYTES_MAX = 1_024;
/** Large enough that a block serves hundreds of events, small enough that one kept record does not hold much. */
const BLOCK_BYTES = 256 * 1_024;

const ZERO = 0x30;
const POINT = 0x2e;
const HEX_DIGITS = textBytes('0123456789abcdef');

export function createTextWriter(): TextWriter {
  let block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  let start = 0;
  let at = 0;

  const whole = (value: number): void => {
    let places = 1;
    for (let bound = 10; bound <= value; bound *= 10) places += 1;
    let left = value;
    for (let place = at + places - 1; place >= at; place -= 1) {
      const tens = Math.floor(left / 10);
      block[place] = ZERO + left - tens * 10;
      left = tens;
    }
    at += places;
  };

  const twoDigits = (value: number): void => {
    const tens = Math.floor(value / 10);
    block[at] = ZERO + tens;
    block[at + 1] = ZERO + value - tens * 10;
    at += 2;
  };

  return {
    whole,
    bytes(piece) {
      block.set(piece, at);
      at += piece.length;
    },
    hundredths(value) {
      const units = Math.floor(value / 100);
      whole(units);
      block[at] = POINT;
      at += 1;
      twoDigits(value - units * 100);
    },
    threeDigits(value) {
      const hundreds = Math.floor(value / 100);
      block[at] = ZERO + hundreds;
      at += 1;
      twoDigits(value - hundreds * 100);
    },
    hex32(value) {
      for (let shift = 28; shift >= 0; shift -= 4) {
        block[at] = HEX_DIGITS[(value >>> shift) & 15] as number;
        at += 1;
      }
    },
    end() {
      const text = block.subarray(start, at);
      // A block is never written twice, so that records which still wait to be sent keep their bytes.
      if (at + TEXT_BYTES_MAX > BLOCK_BYTES) {
        block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
        at = 0;
      }
      start = at;
      return text;
    },
  };
}

/** Writes an event's time in its two forms. Many events share a second: what they share is kept. */
export interface TimeWriter {
  /** As epoch milliseconds. */
  epochMs(timestampMs: number): void;
  /** As `2025-06-26T14:11:33.250Z`. */
  iso(timestampMs: number): void;
}

export function createTimeWriter(writer: TextWriter): TimeWriter {
  let second = Number.NaN;
  let epochSecond = textBytes('');
  let isoSecond = textBytes('');
  const zone = textBytes('Z');

  const enter = (timestampMs: number): number => {
    const thisSecond = Math.floor(timestampMs / 1_000);
    if (thisSecond !== second) {
      second = thisSecond;
      epochSecond = textBytes(String(second));
      isoSecond = textBytes(new Date(second * 1_000).toISOString().slice(0, -4));
    }
    return timestampMs - second * 1_000;
  };

  return {
    epochMs(timestampMs) {
      const milliseconds = enter(timestampMs);
      // Second and millisecond stand side by side only where the second is a number without sign or leading zero.
      if (second < 1) writer.bytes(textBytes(String(timestampMs)));
      else {
        writer.bytes(epochSecond);
        writer.threeDigits(milliseconds);
      }
    },
    iso(timestampMs) {
      const milliseconds = enter(timestampMs);
      writer.bytes(isoSecond);
      writer.threeDigits(milliseconds);
      writer.bytes(zone);
    },
  };
}
