// Fetches the peers, each where it is not there yet, and measures the drain from Kafka beside them. What cannot be had is left out.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PEERS } from './bench/peers.js';
import { KafkaFault } from './kafka/fault.js';

/** @param {string} words */
const say = (words) => void process.stderr.write(`${words}\n`);

for (const { name, fetch } of Object.values(PEERS)) {
  try {
    fetch(process.env, say);
  } catch (error) {
    if (!(error instanceof KafkaFault)) throw error;
    say(`${name} is left out. ${error.message}`);
  }
}
const bench = fileURLToPath(new URL('bench.js', import.meta.url));
process.exitCode = spawnSync(process.execPath, [bench, 'drain-kafka'], { stdio: 'inherit' }).status ?? 1;
