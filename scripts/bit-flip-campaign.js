// Flips one bit at every 64th byte, and at every byte of the page headers, of the files that the commands write, and runs
// the product on each copy. FAULT_SEED repeats a run, FAULT_ROUNDS bounds the positions (all of them), FAULT_FILE names the
// only file, by a part of its name.
import { flipBits, tableOf } from '../test/fault/support/bit-flips/campaign.ts';
import { roundsOf } from '../test/fault/support/rounds.ts';

const REPORT_EVERY = 500;

const { seed, rounds, say } = roundsOf((text) => console.log(text), Number.MAX_SAFE_INTEGER, 'flips');
const figures = await flipBits({
  seed,
  positionsMax: rounds,
  only: process.env['FAULT_FILE'] ?? '',
  onJudged: (flip, { verdict, why }, judged, all) => {
    if (verdict === 'wrong' || verdict === 'endless' || verdict === 'uncoded') {
      say(`${verdict}: ${flip.file} byte ${flip.at} bit ${flip.bit}: ${why}`);
    }
    if (judged % REPORT_EVERY === 0) say(`${judged} of ${all}`);
  },
});
console.log(tableOf(figures));
const verdict = figures.faults.length === 0 ? '0 silently wrong, 0 endless' : 'FAILED';
console.log(`${figures.positions} positions, seed ${seed}: ${verdict}`);
process.exitCode = figures.faults.length === 0 ? 0 : 1;
