/** Random numbers that a seed repeats: for what is generated, and for the jitter between two attempts. */
export interface Random {
  /** A whole number in [0, 2^32), all equally likely. */
  uint32(): number;
  /** A number in [0, 1) with 32 random bits. */
  unit(): number;
  /** A whole number in [0, `bound`); `bound` is at most 2^32. */
  below(bound: number): number;
}

export interface SeededRandom extends Random {
  /** Draws from now on what a new one with this seed would draw. */
  reseed(seed: number | string): void;
}

/**
 * The generator sfc32 (Chris Doty-Humphrey, "Small Fast Counting RNG", of PractRand): 128 bits of state, a period of at
 * least 2^32 and no known statistical weakness. A seed given as a number and the same digits given as text are one seed.
 */
export function createRandom(seed: number | string): SeededRandom {
  // The state is a typed array, because a changing 32-bit number in a closure may be boxed again on every draw.
  const state = new Int32Array(4);

  const uint32 = (): number => {
    const a = state[0] as number;
    const b = state[1] as number;
    const c = state[2] as number;
    const counter = state[3] as number;
    const sum = (((a + b) | 0) + counter) | 0;
    state[3] = counter + 1;
    state[0] = b ^ (b >>> 9);
    state[1] = c + (c << 3);
    state[2] = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  const reseed = (next: number | string): void => {
    const [wordA, wordB, wordC] = seedWords(String(next));
    state[0] = wordA;
    state[1] = wordB;
    state[2] = wordC;
    state[3] = 1;
    // Seeds that differ in one bit still agree in much of the first outputs; the author advises to drop twelve.
    for (let round = 0; round < 12; round += 1) uint32();
  };
  reseed(seed);

  return {
    reseed,
    uint32,
    unit: () => uint32() / 2 ** 32,
    below: (bound) => Math.floor((uint32() / 2 ** 32) * bound),
  };
}

/**
 * A well mixed 32-bit number from any other and a salt: what is drawn for the n-th of something without drawing for
 * those before it. The mixing step is the finaliser of MurmurHash3.
 */
export function hash32(value: number, salt: number): number {
  let mixed = value ^ Math.imul(salt, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Four 32-bit words from the text of a seed, each depending on all of it. */
export function seedWords(seed: string): [number, number, number, number] {
  const words: [number, number, number, number] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x8aed2a6a];
  for (let word = 0; word < 4; word += 1) {
    let mixed = words[word] as number;
    for (let index = 0; index < seed.length; index += 1) {
      mixed = hash32(mixed ^ seed.charCodeAt(index), word + 1);
    }
    words[word] = hash32(mixed ^ seed.length, word + 1);
  }
  return words;
}
