// Kafka in Docker, as compose.yaml describes it.
import { spawnSync } from 'node:child_process';
import { EXIT, KafkaFault } from './fault.js';
import { lastLines } from './last-lines.js';
import { PROJECT } from './settings.js';

const INFO_TIMEOUT_MS = 15_000;

/** Whether a Docker daemon answers. @param {NodeJS.ProcessEnv} env */
export function hasDocker(env) {
  return spawnSync('docker', ['info'], { env, stdio: 'ignore', timeout: INFO_TIMEOUT_MS }).status === 0;
}

/**
 * Starts the broker and waits for its health check; one that runs is left as it is.
 * @param {import('./settings.js').Settings} settings
 * @param {NodeJS.ProcessEnv} env
 */
export function startDocker(settings, env) {
  compose(['up', '--detach', '--wait', 'kafka'], settings, env);
}

/**
 * Stops all brokers of compose.yaml. Their volumes, and so their topics, stay.
 * @param {import('./settings.js').Settings} settings
 * @param {NodeJS.ProcessEnv} env
 * @returns {'stopped' | 'not running'}
 */
export function stopDocker(settings, env) {
  const all = ['--profile', 'three'];
  if (compose([...all, 'ps', '--quiet'], settings, env).trim() === '') return 'not running';
  compose([...all, 'down'], settings, env);
  return 'stopped';
}

/**
 * @param {readonly string[]} words
 * @param {import('./settings.js').Settings} settings
 * @param {NodeJS.ProcessEnv} env
 * @returns {string} what it wrote to stdout
 */
function compose(words, { port, clusterId }, env) {
  const { status, stdout, stderr } = spawnSync('docker', ['compose', '--file', 'compose.yaml', ...words], {
    cwd: PROJECT,
    env: { ...env, KAFKA_PORT: String(port), KAFKA_CLUSTER_ID: clusterId },
    encoding: 'utf8',
  });
  if (status === 0) return stdout;
  if (/unknown (?:docker )?command|is not a docker command|unknown shorthand flag/.test(stderr)) {
    throw new KafkaFault(EXIT.missing, {
      what: 'This Docker has no `docker compose`.',
      hint: 'Install its Compose plugin, or start Kafka without Docker: make start-kafka KAFKA_RUNTIME=java',
    });
  }
  throw new KafkaFault(EXIT.broker, {
    what: `\`docker compose ${words.join(' ')}\` failed.${lastLines(stderr, 15)}`,
    hint: /port is already allocated|address already in use/.test(stderr)
      ? `Port ${port} is taken. End what has it, or choose another one with KAFKA_PORT.`
      : '`docker compose logs` shows what the broker said.',
  });
}
