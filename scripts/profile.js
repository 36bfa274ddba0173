// Drains events under V8's profiler and prints where the time of all threads goes, by module and by function.
// `npm run profile` drains the embedded log, `npm run profile -- kafka` a broker of its own; PROFILE_EVENTS says how many.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfTimes } from './bench/self-time.js';
import { startLocal, stopLocal } from './kafka/local-broker.js';
import { freePort } from './kafka/ports.js';
import { PROJECT, settingsOf } from './kafka/settings.js';

const EVENTS = process.env['PROFILE_EVENTS'] ?? '1000000';
const SHOWN = 20;
/** As the launcher starts the query. */
const NODE_FLAGS = ['--max-semi-space-size=2', '--v8-pool-size=1'];
const CLI = join(PROJECT, 'bin', 'tallystream.js');

const folder = mkdtempSync(join(tmpdir(), 'tallystream-profile-'));
const port = await freePort();
const kafka = settingsOf(
  { KAFKA_PORT: String(port), KAFKA_DIR: join(folder, 'kafka'), KAFKA_RUNTIME: 'java' },
  folder,
);
const isOnKafka = process.argv.includes('kafka');
const env = {
  ...process.env,
  TALLYSTREAM_LOGGING_LEVEL: 'error',
  TALLYSTREAM_LOG_TYPE: isOnKafka ? 'kafka' : 'embedded',
  TALLYSTREAM_KAFKA_BOOTSTRAP_SERVERS: `127.0.0.1:${port}`,
};
try {
  if (isOnKafka) await startLocal(kafka, process.env, () => undefined);
  tallystream([], 'produce', '--events', EVENTS, '--rate', 'max', '--seed', '1');
  // A first start strips the types of a checkout's TypeScript, which the published package does not have.
  tallystream([], 'run', '--max-batches', '0');
  tallystream(
    ['--cpu-prof', '--cpu-prof-dir', join(folder, 'profiles')],
    'run',
    '--available-now',
    '--ui-port',
    'off',
  );
  const profiles = readdirSync(join(folder, 'profiles')).map((file) =>
    JSON.parse(readFileSync(join(folder, 'profiles', file), 'utf8')),
  );
  const { modules, functions, busyMs, idleMs } = selfTimes(profiles, PROJECT);
  const where = isOnKafka ? 'Kafka' : 'the embedded log';
  console.log(
    `Drain of ${EVENTS} events from ${where}: ${profiles.length} threads, ${seconds(busyMs)} busy, ${seconds(idleMs)} idle`,
  );
  print('self time by module', modules, busyMs);
  print('self time by function', functions, busyMs);
} finally {
  await stopLocal(kafka);
  rmSync(folder, { recursive: true, force: true });
}

/** @param {readonly string[]} flags @param {readonly string[]} words */
function tallystream(flags, ...words) {
  const { status } = spawnSync(process.execPath, [...NODE_FLAGS, ...flags, CLI, ...words], {
    cwd: folder,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error(`tallystream ${words.join(' ')} ended with ${String(status)}`);
}

/** @param {string} title @param {import('./bench/self-time.js').SelfTimes} times @param {number} busyMs */
function print(title, times, busyMs) {
  console.log(`\n${title}`);
  for (const [name, ms] of [...times].slice(0, SHOWN)) {
    console.log(`  ${((100 * ms) / busyMs).toFixed(1).padStart(5)} %  ${seconds(ms).padStart(8)}  ${name}`);
  }
}

/** @param {number} ms */
function seconds(ms) {
  return `${(ms / 1000).toFixed(2)} s`;
}
