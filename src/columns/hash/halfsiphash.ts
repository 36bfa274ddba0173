/** The keyed hash of tables in memory. */

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

/** The four bytes at `at` as a little-endian word. */
function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}
