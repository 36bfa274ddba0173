/** Sequence numbers of batches, which wrap around after 2^31 (https://cwiki.apache.org/confluence/display/KAFKA/KIP-98). */
const MODULUS = 2 ** 31;

/** The sequence that follows `count` records from `sequence` on. */
export function sequenceAfter(sequence: number, count: number): number {
  return (sequence + count) % MODULUS;
}

/** Whether `sequence` is `from` or later. The two must be less than 2^30 apart. */
export function isAtOrAfter(from: number, sequence: number): boolean {
  return (sequence - from + MODULUS) % MODULUS < MODULUS / 2;
}
