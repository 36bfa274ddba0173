// Kills producers and queries at random moments, many times, and checks after every block that all of it adds up.
// FAULT_ROUNDS is the number of kills (200), FAULT_SEED repeats the choices of a run.
import { takeImages } from '../test/fault/support/crash-image.ts';
import { killGenerator, killProducer } from '../test/fault/support/producer-kills.ts';
import { killQuery } from '../test/fault/support/query-kills.ts';
import { killBetweenPlanAndCommit } from '../test/fault/support/replay-kills.ts';
import { roundsOf } from '../test/fault/support/rounds.ts';
import { takeOver } from '../test/fault/support/take-over.ts';
import { withoutLauncher } from '../test/fault/support/cli.ts';

/** @typedef {import('../test/fault/support/rounds.ts').Rounds} Rounds */

const DEFAULT_ROUNDS = 200;
/** What one block checks grows with it, and a failure is easier to find in a small one. */
const ROUNDS_A_BLOCK_MAX = 20;

/** @type {readonly { name: string, once?: true, needsLauncher?: true, act: (rounds: Rounds) => Promise<void> }[]} */
const LOOPS = [
  { name: 'query', act: (rounds) => killQuery('direct', rounds) },
  { name: 'query under a launcher', needsLauncher: true, act: (rounds) => killQuery('launcher', rounds) },
  { name: 'producer', act: (rounds) => killProducer('direct', rounds) },
  {
    name: 'producer under a launcher',
    needsLauncher: true,
    act: (rounds) => killProducer('launcher', rounds),
  },
  { name: 'query with a sink', act: (rounds) => killBetweenPlanAndCommit(rounds) },
  { name: 'crash images', act: (rounds) => takeImages(rounds) },
  { name: 'generator', once: true, act: (rounds) => killGenerator('direct', rounds, 0) },
  { name: 'take-over', once: true, act: (rounds) => takeOver('direct', rounds) },
];

const loops = LOOPS.filter(({ needsLauncher }) => needsLauncher !== true || withoutLauncher === false);
const all = roundsOf((text) => console.log(text), DEFAULT_ROUNDS, 'campaign');
let left = all.rounds;
let failed = false;
for (let block = 0; left > 0 && !failed; block += 1) {
  const loop = loops[block % loops.length] ?? loops[0];
  if (loop === undefined) break;
  const rounds = loop.once ? 1 : Math.min(left, 1 + all.random.below(ROUNDS_A_BLOCK_MAX));
  const seed = `${all.seed} ${block}`;
  try {
    await loop.act({ ...all, seed, rounds, say: (text) => console.log(`${loop.name}: ${text}`) });
  } catch (error) {
    failed = true;
    console.error(`${loop.name}, block ${block} of seed ${all.seed}, ${rounds} rounds: FAILED`);
    console.error(error);
  }
  left -= rounds;
}
console.log(
  `${all.rounds - Math.max(0, left)} of ${all.rounds} rounds, seed ${all.seed}: ${failed ? 'FAILED' : 'all exact'}`,
);
process.exitCode = failed ? 1 : 0;
