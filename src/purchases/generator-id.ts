import { hash32, seedWords } from '../producer/random.ts';
import type { TextWriter } from './generator-text.ts';

const ROUNDS = 4;

/**
 * Writes the random part of event ids: 16 hexadecimal digits, the n-th from the seed and n alone. It is the counter,
 * encrypted by a Feistel network over two 32-bit halves that the seed keys. A permutation of 64 bits never gives two
 * equal ones within a seed, however many events fall into one millisecond; two of different seeds are equal by a chance
 * of one in 2^64.
 */
export function createIdSequence(seed: number | string): (writer: TextWriter) => void {
  const keys = seedWords(`event ids ${seed}`);
  let countLow = 0;
  let countHigh = 0;

  return (writer) => {
    let left = countHigh;
    let right = countLow;
    for (let round = 0; round < ROUNDS; round += 1) {
      const mixed = (left ^ hash32(right, keys[round] as number)) >>> 0;
      left = right;
      right = mixed;
    }
    countLow = (countLow + 1) >>> 0;
    if (countLow === 0) countHigh += 1;
    writer.hex32(left);
    writer.hex32(right);
  };
}
