/** kill -9 of the producer, while a query reads what it writes and is killed, too. */
import { test } from 'node:test';
import { withoutLauncher } from './support/cli.ts';
import { killGenerator, killProducer } from './support/producer-kills.ts';
import { roundsOf } from './support/rounds.ts';

const KILLS = 8;
const GENERATORS = 2;

test('a named delivery that is killed again and again brings every line once, in order', async (t) => {
  await killProducer(
    'direct',
    roundsOf((text) => t.diagnostic(text), KILLS),
  );
});

test(
  'a named delivery under a launcher brings every line once, whichever of the two is killed',
  { skip: withoutLauncher },
  async (t) => {
    await killProducer(
      'launcher',
      roundsOf((text) => t.diagnostic(text), KILLS),
    );
  },
);

test('a generator that is killed leaves exactly the first events of its seed', async (t) => {
  const rounds = roundsOf((text) => t.diagnostic(text), GENERATORS);
  for (let round = 0; round < Math.min(rounds.rounds, GENERATORS); round += 1) {
    await killGenerator('direct', rounds, round);
    if (withoutLauncher === false) await killGenerator('launcher', rounds, round);
  }
});
