// Decodes 10,000,000 injured events, or FUZZ_COUNT, by the compiled and by the exact decoder, and stops at the first one
// about which they differ; FUZZ_SEED repeats a run.
import { randomInt } from 'node:crypto';
import { fuzzDecoder } from '../test/columns/decode/compiled/fuzz.ts';

const PROGRESS_EVERY = 500_000;

const count = Number(process.env['FUZZ_COUNT'] ?? 10_000_000);
const seed = Number(process.env['FUZZ_SEED'] ?? randomInt(2 ** 31));
console.log(`seed ${seed}, ${count} mutations`);
let next = PROGRESS_EVERY;
const result = fuzzDecoder(count, seed, ({ mutations, good, fast }) => {
  if (mutations < next) return;
  next += PROGRESS_EVERY;
  console.log(`${mutations} mutations, ${good} good events, ${fast} of them by the compiled decoder alone`);
});
console.log(`no difference in ${result.mutations} mutations of ${result.events - result.mutations} events`);
