// Stops what start.js has started, wherever that runs.
import { hasDocker, stopDocker } from './docker.js';
import { runScript } from './fault.js';
import { stopLocal } from './local-broker.js';
import { settingsOf } from './settings.js';

const WORDS = {
  stopped: 'Kafka is stopped; its topics stay.',
  killed: 'Kafka did not end by itself and was killed; its topics stay.',
  'not running': 'Kafka is not running.',
};

await runScript(async () => {
  const { env } = process;
  const settings = settingsOf(env, process.cwd());
  let outcome = await stopLocal(settings);
  if (outcome === 'not running' && settings.runtime !== 'java' && hasDocker(env)) {
    outcome = stopDocker(settings, env);
  }
  process.stdout.write(`${WORDS[outcome]}\n`);
});
