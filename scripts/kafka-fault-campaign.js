// Kills a broker of Kafka, queries and producers at random moments, many times, and has another client add up the topics.
// FAULT_ROUNDS is the number of kills (200), FAULT_SEED repeats the choices of a run.
import { roundsOf } from '../test/fault/support/rounds.ts';
import { startBroker, withoutKafka } from '../test/kafka/broker.ts';
import { killOnKafka } from '../test/kafka/kill-campaign.ts';
import { withoutPython } from '../test/kafka/python-client.ts';

const DEFAULT_ROUNDS = 200;

// Without a broker and a second client there is no campaign, so what is missing is an error.
process.env['KAFKA_TESTS'] = 'required';
withoutKafka();
withoutPython();
const all = roundsOf((text) => console.log(text), DEFAULT_ROUNDS, 'kafka');
const broker = await startBroker();
let verdict = 'all exact';
try {
  await killOnKafka(broker, all);
} catch (error) {
  verdict = 'FAILED';
  process.exitCode = 1;
  console.error(error);
} finally {
  await broker.stop();
}
console.log(`${all.rounds} kills, seed ${all.seed}: ${verdict}`);
