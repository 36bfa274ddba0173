/**
 * The variable-length integers of Kafka's records: seven bits a byte, the lowest first, signed ones folded (zigzag).
 * https://kafka.apache.org/documentation/#messageformat
 */

/** Bytes of the longest varint of 32 bits, and of any that is written here. */
export const VARINT_BYTES_MAX = 5;
export const VARLONG_BYTES_MAX = 8;
/** Of the longest that others write: 64 bits, of which a double keeps the highest. Only a senseless time is so large. */
const READ_BYTES_MAX = 10;

/** Writes a signed integer of at most 52 bits, folded, and gives the position after it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  let position = at;
  while (rest >= 0x80) {
    bytes[position] = (rest % 0x80) + 0x80;
    rest = Math.floor(rest / 0x80);
    position += 1;
  }
  bytes[position] = rest;
  return position + 1;
}

/** The signed number of up to 64 bits that starts at `at`, exactly. @throws RangeError if it does not end */
export function signedVarlong(bytes: Uint8Array, at: number): bigint {
  let folded = 0n;
  for (let length = 0; length < READ_BYTES_MAX; length += 1) {
    const byte = bytes[at + length];
    if (byte === undefined) break;
    folded |= BigInt(byte & 0x7f) << BigInt(7 * length);
    if (byte < 0x80) {
      const bits = BigInt.asUintN(64, folded);
      return BigInt.asIntN(64, (bits >> 1n) ^ -(bits & 1n));
    }
  }
  throw new RangeError('a number of a record does not end');
}

/** Reads one after the other; `at` is where the next one starts. One instance serves a whole block: no object a number. */
export class VarintReader {
  bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  /** @throws RangeError if the bytes end before the number does, or it has more than 64 bits */
  signed(): number {
    const { bytes } = this;
    const first = bytes[this.at];
    // Almost every number of a record is one byte: a null, a small delta, a short length.
    if (first !== undefined && first < 0x80) {
      this.at += 1;
      return (first & 1) === 0 ? first >>> 1 : -(first >>> 1) - 1;
    }
    let folded = 0;
    let factor = 1;
    for (let length = 0; length < READ_BYTES_MAX; length += 1) {
      const byte = bytes[this.at];
      if (byte === undefined) break;
      this.at += 1;
      folded += (byte & 0x7f) * factor;
      if (byte < 0x80) return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
      factor *= 0x80;
    }
    throw new RangeError('a number of a record does not end');
  }
}
