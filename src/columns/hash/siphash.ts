/**
 * Keyed hashes of bytes by Jean-Philippe Aumasson and Daniel J. Bernstein ("SipHash: a fast short-input PRF", 2012, and
 * its reference implementation): nobody without the key can make two inputs collide. All arithmetic is on 32-bit words,
 * since JavaScript has no fast 64-bit one; a 64-bit word is a low and a high half.
 */

/**
 * SipHash-2-4 with 128 bits of output, the variant of the reference implementation's `siphash.c` with `outlen` 16.
 * Use: `reset`, any number of `update`s, `finish`, then read `words`. Nothing is allocated after construction.
 */
export class SipHash128 {
  /** The hash after `finish`: four words, the first one holding its first four bytes, little-endian. */
  readonly words = new Int32Array(4);

  /** v0 to v3, low half before high half. */
  private readonly state = new Int32Array(8);
  private readonly initial: Int32Array;
  /** The low half of a block whose high half has not come yet. */
  private low = 0;
  private lowWaits = false;
  /** The bytes that do not fill a word yet, and how many bits of them there are: 0, 8, 16 or 24. */
  private rest = 0;
  private restBits = 0;
  private length = 0;

  /** @throws RangeError where `key` is not 16 bytes. */
  constructor(key: Uint8Array) {
    this.initial = initialState(key, 128);
    this.reset();
  }

  reset(): void {
    this.state.set(this.initial);
    this.low = 0;
    this.lowWaits = false;
    this.rest = 0;
    this.restBits = 0;
    this.length = 0;
  }

  /** Hashes `bytes[start, end)` on. How the input is cut into calls does not matter. */
  update(bytes: Uint8Array, start: number, end: number): void {
    const wordsEnd = end - ((end - start) & 3);
    for (let at = start; at < wordsEnd; at += 4) this.updateInt32(wordAt(bytes, at));
    for (let at = wordsEnd; at < end; at++) this.updateByte(bytes[at] as number);
  }

  /** Hashes the four bytes of `value` on, little-endian. */
  updateInt32(value: number): void {
    this.length += 4;
    if (this.restBits === 0) {
      this.push(value);
      return;
    }
    this.push(this.rest | (value << this.restBits));
    this.rest = value >>> (32 - this.restBits);
  }

  /** Hashes one byte on. */
  updateByte(value: number): void {
    this.length++;
    this.rest |= value << this.restBits;
    this.restBits += 8;
    if (this.restBits < 32) return;
    this.push(this.rest);
    this.rest = 0;
    this.restBits = 0;
  }

  /** Ends the input and fills `words`; `reset` comes before the next input. */
  finish(): void {
    // The last block holds the length modulo 256 in its last byte, so its missing bytes are zeros.
    const lengthByte = (this.length & 0xff) << 24;
    if (this.lowWaits) this.push(this.rest | lengthByte);
    else this.compress(this.rest, lengthByte, 2);
    const state = this.state;
    const words = this.words;
    state[4] = (state[4] as number) ^ 0xee;
    this.compress(0, 0, 4);
    words[0] = this.folded(0);
    words[1] = this.folded(1);
    state[2] = (state[2] as number) ^ 0xdd;
    this.compress(0, 0, 4);
    words[2] = this.folded(0);
    words[3] = this.folded(1);
  }

  private push(word: number): void {
    if (this.lowWaits) this.compress(this.low, word, 2);
    else this.low = word;
    this.lowWaits = !this.lowWaits;
  }

  private folded(half: 0 | 1): number {
    const state = this.state;
    return (
      (state[half] as number) ^
      (state[half + 2] as number) ^
      (state[half + 4] as number) ^
      (state[half + 6] as number)
    );
  }

  /**
   * One block through `rounds` of SipRound (figure 2.1 of the paper). The state is in locals here, which is what makes
   * it fast; a carry is seen by the low sum being smaller than a summand.
   */
  private compress(blockLow: number, blockHigh: number, rounds: number): void {
    const state = this.state;
    let v0l = state[0] as number;
    let v0h = state[1] as number;
    let v1l = state[2] as number;
    let v1h = state[3] as number;
    let v2l = state[4] as number;
    let v2h = state[5] as number;
    let v3l = (state[6] as number) ^ blockLow;
    let v3h = (state[7] as number) ^ blockHigh;
    let kept = 0;
    for (let round = 0; round < rounds; round++) {
      // v0 += v1; v1 <<<= 13; v1 ^= v0; v0 <<<= 32
      v0l = (v0l + v1l) | 0;
      v0h = (v0h + v1h + (v0l >>> 0 < v1l >>> 0 ? 1 : 0)) | 0;
      kept = v1l;
      v1l = ((v1l << 13) | (v1h >>> 19)) ^ v0l;
      v1h = ((v1h << 13) | (kept >>> 19)) ^ v0h;
      kept = v0l;
      v0l = v0h;
      v0h = kept;
      // v2 += v3; v3 <<<= 16; v3 ^= v2
      v2l = (v2l + v3l) | 0;
      v2h = (v2h + v3h + (v2l >>> 0 < v3l >>> 0 ? 1 : 0)) | 0;
      kept = v3l;
      v3l = ((v3l << 16) | (v3h >>> 16)) ^ v2l;
      v3h = ((v3h << 16) | (kept >>> 16)) ^ v2h;
      // v0 += v3; v3 <<<= 21; v3 ^= v0
      v0l = (v0l + v3l) | 0;
      v0h = (v0h + v3h + (v0l >>> 0 < v3l >>> 0 ? 1 : 0)) | 0;
      kept = v3l;
      v3l = ((v3l << 21) | (v3h >>> 11)) ^ v0l;
      v3h = ((v3h << 21) | (kept >>> 11)) ^ v0h;
      // v2 += v1; v1 <<<= 17; v1 ^= v2; v2 <<<= 32
      v2l = (v2l + v1l) | 0;
      v2h = (v2h + v1h + (v2l >>> 0 < v1l >>> 0 ? 1 : 0)) | 0;
      kept = v1l;
      v1l = ((v1l << 17) | (v1h >>> 15)) ^ v2l;
      v1h = ((v1h << 17) | (kept >>> 15)) ^ v2h;
      kept = v2l;
      v2l = v2h;
      v2h = kept;
    }
    state[0] = v0l ^ blockLow;
    state[1] = v0h ^ blockHigh;
    state[2] = v1l;
    state[3] = v1h;
    state[4] = v2l;
    state[5] = v2h;
    state[6] = v3l;
    state[7] = v3h;
  }
}

/**
 * v0 to v3 before any input, low half before high half, for so many bits of output.
 * @throws RangeError where `key` is not 16 bytes.
 */
export function initialState(key: Uint8Array, bits: 64 | 128): Int32Array {
  if (key.length !== 16) throw new RangeError(`a SipHash key has 16 bytes, not ${key.length}`);
  const k0Low = wordAt(key, 0);
  const k0High = wordAt(key, 4);
  const k1Low = wordAt(key, 8);
  const k1High = wordAt(key, 12);
  return Int32Array.of(
    k0Low ^ 0x7073_6575,
    k0High ^ 0x736f_6d65,
    k1Low ^ 0x6e64_6f6d ^ (bits === 128 ? 0xee : 0),
    k1High ^ 0x646f_7261,
    k0Low ^ 0x6e65_7261,
    k0High ^ 0x6c79_6765,
    k1Low ^ 0x7974_6573,
    k1High ^ 0x7465_6462,
  );
}

/** The four bytes at `at` as a little-endian word. */
function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

/**
 * HalfSipHash-1-3 with 32-bit output: the keyed hash for tables on 32-bit arithmetic by the authors of SipHash
 * (Aumasson and Bernstein, reference implementation `halfsiphash.c`), with one round a word and three to finish.
 * An unkeyed hash would let a stranger fill one slot's chain with as many values as they like.
 */
export function halfSipHash(
  bytes: Uint8Array,
  start: number,
  end: number,
  low: number,
  high: number,
): number {
  let v0 = low;
  let v1 = high;
  let v2 = low ^ 0x6c79_6765;
  let v3 = high ^ 0x7465_6462;
  const length = end - start;
  const wordsEnd = end - (length & 3);
  // One turn a word of four bytes, one for the rest with the length, three to finish.
  for (let at = start; at <= wordsEnd + 12; at += 4) {
    let word = 0;
    if (at < wordsEnd) {
      word = wordAt(bytes, at);
    } else if (at === wordsEnd) {
      word = length << 24;
      for (let rest = at; rest < end; rest++) word |= (bytes[rest] as number) << ((rest - at) * 8);
    } else if (at === wordsEnd + 4) v2 ^= 0xff;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return v1 ^ v3;
}
