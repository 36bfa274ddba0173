import type { Random } from '../../../producer/random.ts';

/** Draws a position with a chance in proportion to its weight. */
export type Choice = (random: Random) => number;

/**
 * A choice in constant time whatever the number of weights: the alias method (A. J. Walker, 1977, with the set-up of
 * M. D. Vose, 1991). Every column of the table holds at most two positions; a draw takes a column, then one of the two.
 * @param weights at least one; none negative, not all 0
 */
export function createChoice(weights: readonly number[]): Choice {
  const count = weights.length;
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const threshold = Float64Array.from(weights, (weight) => (weight * count) / sum);
  const alias = Int32Array.from(weights, (_, position) => position);
  const small: number[] = [];
  const large: number[] = [];
  threshold.forEach((part, position) => (part < 1 ? small : large).push(position));

  for (;;) {
    const poor = small.pop();
    const rich = large.pop();
    if (poor === undefined || rich === undefined) {
      // What is left differs from 1 by rounding alone, so it fills its column.
      for (const position of [...small, ...large, poor ?? rich ?? 0]) threshold[position] = 1;
      break;
    }
    alias[poor] = rich;
    const left = (threshold[rich] as number) - (1 - (threshold[poor] as number));
    threshold[rich] = left;
    (left < 1 ? small : large).push(rich);
  }

  // Of every column the bound and the other position, side by side, so that a draw reads one place of memory. A draw has 32
  // bits, and is below the part exactly where it is below the next whole number of 2^-32.
  const columns = new Uint32Array(2 * count);
  threshold.forEach((part, position) => {
    const bound = Math.ceil(part * 2 ** 32);
    columns[2 * position] = bound;
    // A bound that 32 bits do not hold is above every draw.
    columns[2 * position + 1] = bound < 2 ** 32 ? (alias[position] as number) : position;
  });
  return (random) => {
    const column = random.below(count);
    return random.uint32() < (columns[2 * column] as number) ? column : (columns[2 * column + 1] as number);
  };
}

/** Weights of the first to the `count`-th in a ranking: 1 / rank^skew, after G. K. Zipf. */
export function zipfWeights(count: number, skew: number): number[] {
  return Array.from({ length: count }, (_, index) => 1 / (index + 1) ** skew);
}
