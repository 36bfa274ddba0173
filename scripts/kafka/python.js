// Another client of Kafka, for the tests: in a Python environment of its own, fetched once through pip.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT, KafkaFault } from './fault.js';
import { lastLines } from './last-lines.js';
import { PROJECT } from './settings.js';

const REQUIREMENTS = fileURLToPath(new URL('../../test/kafka/python/requirements.txt', import.meta.url));
export const PYTHON_FOLDER = join(PROJECT, '.kafka', 'python');
/** `ensurepip` is what Debian leaves out of its Python, and brings with python3-venv. */
const PROBE = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))';
const IMPORTS = 'import kafka, lz4.frame, snappy, zstandard';
/** Names the requirements that the environment was made from, so that others make a new one. */
const STAMP = 'requirements.sha256';
const FETCH_TIMEOUT_MS = 5 * 60_000;

/** @param {string} folder of an environment */
export function pythonOf(folder) {
  return join(folder, 'bin', 'python');
}

/**
 * Sees to it that the environment is in `folder`. It is made beside it and moved there whole, so that one that is there is
 * complete; nothing in it that is used knows where it lies.
 * @param {string} folder
 * @param {NodeJS.ProcessEnv} env
 * @param {(words: string) => void} say
 * @throws KafkaFault
 */
export function fetchPython(folder, env, say) {
  if (isThere(folder, env)) return;
  refuseWithoutPython(env);
  say('Fetching a Kafka client in Python with pip (once, about 10 MB) ...');
  const fresh = `${folder}.${process.pid}`;
  mkdirSync(dirname(folder), { recursive: true });
  rmSync(fresh, { recursive: true, force: true });
  try {
    run('python3', ['-m', 'venv', fresh], env);
    // Wheels alone: nothing is compiled here, and no build script of a package runs.
    const words = ['--quiet', '--no-input', '--require-hashes', '--only-binary', ':all:'];
    run(pythonOf(fresh), ['-m', 'pip', 'install', ...words, '--requirement', REQUIREMENTS], env);
    writeFileSync(join(fresh, STAMP), stampOf());
    if (!isThere(folder, env)) {
      rmSync(folder, { recursive: true, force: true });
      moveInto(fresh, folder, env);
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function stampOf() {
  return createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex');
}

/** The Python that it was made by may be another one by now; so it is asked. @param {string} folder @param {NodeJS.ProcessEnv} env */
function isThere(folder, env) {
  const stamp = join(folder, STAMP);
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== stampOf()) return false;
  return spawnSync(pythonOf(folder), ['-c', IMPORTS], { env, stdio: 'ignore' }).status === 0;
}

/** @param {string} fresh @param {string} folder @param {NodeJS.ProcessEnv} env */
function moveInto(fresh, folder, env) {
  try {
    renameSync(fresh, folder);
  } catch (error) {
    // Another process that fetched at the same time was first.
    if (!isThere(folder, env)) throw error;
  }
}

/** @param {NodeJS.ProcessEnv} env */
function refuseWithoutPython(env) {
  if (spawnSync('python3', ['-c', PROBE], { env, stdio: 'ignore' }).status === 0) return;
  throw new KafkaFault(EXIT.missing, {
    what: 'There is no Python 3.10 or newer (python3) with venv on this machine.',
    mend: 'Install it (Debian and Ubuntu: apt-get install python3-venv; macOS: brew install python).',
  });
}

/** @param {string} command @param {readonly string[]} words @param {NodeJS.ProcessEnv} env */
function run(command, words, env) {
  const { status, stdout, stderr, error } = spawnSync(command, words, {
    env,
    encoding: 'utf8',
    timeout: FETCH_TIMEOUT_MS,
  });
  if (error === undefined && status === 0) return;
  throw new KafkaFault(EXIT.missing, {
    what: `\`${command} ${words.slice(0, 3).join(' ')} …\` failed${error === undefined ? '' : ` (${error.message})`}.${lastLines(`${stdout}\n${stderr}`, 10)}`,
    mend: 'See whether the package index that pip is set up for can be reached, and start again.',
  });
}
