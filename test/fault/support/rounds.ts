/** How often and by which random numbers the loops of this folder kill; both can be set from outside. */
import { randomInt } from 'node:crypto';
import { createRandom, type Random } from '../../../src/producer/random.ts';

export interface Rounds {
  readonly seed: string;
  readonly rounds: number;
  readonly random: Random;
  /** Says what happened; a failure can then be told from its run. */
  readonly say: (text: string) => void;
}

/** FAULT_SEED repeats the same choices (not the same moments, which are the machine's); FAULT_ROUNDS says how many kills. */
export function roundsOf(say: (text: string) => void, defaultRounds: number, salt = ''): Rounds {
  const seed = process.env['FAULT_SEED'] ?? String(randomInt(2 ** 32));
  const asked = Number(process.env['FAULT_ROUNDS'] ?? defaultRounds);
  if (!Number.isSafeInteger(asked) || asked < 1)
    throw new Error('FAULT_ROUNDS must be a whole number from 1.');
  say(`FAULT_SEED=${seed} FAULT_ROUNDS=${asked}`);
  return { seed, rounds: asked, random: createRandom(`${seed} ${salt}`), say };
}
