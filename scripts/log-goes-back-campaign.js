// Lets logs go back to an older state at random moments, many times, and checks that no acknowledged event is lost silently.
// FAULT_ROUNDS is the number of rounds on each log (50), FAULT_SEED repeats the choices of a run, FAULT_LOG=embedded or kafka
// runs one of the two.
import { createEmbedded } from '../test/fault/support/embedded-goes-back.ts';
import { letLogsGoBack, outcomeText } from '../test/fault/support/log-goes-back.ts';
import { roundsOf } from '../test/fault/support/rounds.ts';
import { withoutKafka } from '../test/kafka/broker.ts';
import { startGoingClusters } from '../test/kafka/kafka-goes-back.ts';

const DEFAULT_ROUNDS = 50;

const only = process.env['FAULT_LOG'] ?? '';
/** @param {string} salt */
const rounds = (salt) => roundsOf((text) => console.log(text), DEFAULT_ROUNDS, `${salt} goes back`);
let silent = 0;

if (only !== 'kafka') {
  const outcome = await letLogsGoBack(createEmbedded, rounds('embedded'));
  silent += outcome.silent.length;
  console.log(`embedded: ${outcomeText(outcome)}`);
}
if (only !== 'embedded') {
  // Without a broker there is no campaign, so what is missing is an error.
  process.env['KAFKA_TESTS'] = 'required';
  withoutKafka();
  const clusters = await startGoingClusters();
  try {
    const outcome = await letLogsGoBack(clusters.create, rounds('kafka'));
    silent += outcome.silent.length;
    console.log(`kafka: ${outcomeText(outcome)}`);
  } finally {
    await clusters.stop();
  }
}
process.exitCode = silent === 0 ? 0 : 1;
