import { hash32, seedWords } from '../../../producer/random.ts';

const ROUNDS = 4;

/**
 * The random part of event ids: 64 bits, the n-th from the seed and n alone. It is the counter, encrypted by a Feistel
 * network over two 32-bit halves that the seed keys. A permutation of 64 bits never gives two equal ones within a seed,
 * however many events fall into one millisecond; two of different seeds are equal by a chance of one in 2^64.
 */
export class IdSequence {
  /** The two halves of the present one: whole numbers in [0, 2^32). Here, because a pair would be garbage of every event. */
  left = 0;
  right = 0;
  private readonly keys: readonly number[];
  private countLow = 0;
  private countHigh = 0;

  constructor(seed: number | string) {
    this.keys = seedWords(`event ids ${seed}`);
  }

  next(): void {
    let left = this.countHigh;
    let right = this.countLow;
    for (let round = 0; round < ROUNDS; round += 1) {
      const mixed = (left ^ hash32(right, this.keys[round] as number)) >>> 0;
      left = right;
      right = mixed;
    }
    this.countLow = (this.countLow + 1) >>> 0;
    if (this.countLow === 0) this.countHigh += 1;
    this.left = left;
    this.right = right;
  }
}
