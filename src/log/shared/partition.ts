/**
 * Which partition a record goes to. Keys are spread as Apache Kafka's Java client spreads them, so that a topic keeps
 * the place of every customer when it moves from the embedded log to Kafka, or has producers in other languages.
 */

const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;

/**
 * MurmurHash2 of 32 bits of `data[start, end)` as a signed integer, byte for byte that of `org.apache.kafka.common.utils.Utils.murmur2`
 * (Austin Appleby's algorithm with the seed 0x9747b28c).
 */
export function murmur2(data: Uint8Array, start = 0, end = data.length): number {
  const length = end - start;
  const wholeEnd = start + (length & ~3);
  let hash = SEED ^ length;
  for (let at = start; at < wholeEnd; at += 4) {
    let word =
      (data[at] as number) |
      ((data[at + 1] as number) << 8) |
      ((data[at + 2] as number) << 16) |
      ((data[at + 3] as number) << 24);
    word = Math.imul(word, MULTIPLIER);
    word ^= word >>> 24;
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(word, MULTIPLIER);
  }
  if (wholeEnd < end) {
    for (let at = end - 1; at >= wholeEnd; at -= 1) hash ^= (data[at] as number) << ((at - wholeEnd) * 8);
    hash = Math.imul(hash, MULTIPLIER);
  }
  hash ^= hash >>> 13;
  hash = Math.imul(hash, MULTIPLIER);
  return hash ^ (hash >>> 15);
}

/**
 * The partition of a key: `toPositive(murmur2(key)) % partitions`, as in Kafka's `BuiltInPartitioner.partitionForKey`.
 * `toPositive` clears the sign bit; it is not the absolute value.
 */
export function partitionOfKey(key: Uint8Array, partitions: number): number {
  return partitionOfKeyWithin(key, 0, key.length, partitions);
}

/** The same of a key that is at `[start, end)` of a block. */
export function partitionOfKeyWithin(
  bytes: Uint8Array,
  start: number,
  end: number,
  partitions: number,
): number {
  return (murmur2(bytes, start, end) & 0x7fffffff) % partitions;
}
