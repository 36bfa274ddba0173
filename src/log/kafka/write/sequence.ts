/** Sequence numbers of batches, which begin anew after 2^31 (https://cwiki.apache.org/confluence/display/KAFKA/KIP-98). */
const MODULUS = 2 ** 31;

/** The sequence of what follows `count` records that begin at `sequence`. */
export function sequenceAfter(sequence: number, count: number): number {
  return (sequence + count) % MODULUS;
}

/** Whether a sequence is `from` or comes after it, of two that are less than 2^30 apart. */
export function hasCome(from: number, sequence: number): boolean {
  return (sequence - from + MODULUS) % MODULUS < MODULUS / 2;
}
