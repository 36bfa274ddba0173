// Another client of Kafka, for the tests: in a Python environment of its own, fetched once through pip.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT, KafkaFault } from './fault.js';
import { lastLines } from './last-lines.js';
import { PROJECT } from './settings.js';

export const PYTHON_FOLDER = join(PROJECT, '.kafka', 'python');
/** `ensurepip` is what Debian leaves out of its Python, and brings with python3-venv. */
const PROBE = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))';

/**
 * @typedef {object} Packages
 * @property {string} what is told
 * @property {number} megabytes
 * @property {string} requirements names every package with its hash
 * @property {string} imports a program that fails where one of them is not there
 * @property {readonly string[]} words further ones for pip
 */

/** @type {Packages} */
const CLIENT = {
  what: 'a Kafka client in Python',
  megabytes: 10,
  requirements: fileURLToPath(new URL('../../test/kafka/python/requirements.txt', import.meta.url)),
  imports: 'import kafka, lz4.frame, snappy, zstandard',
  // Wheels alone: nothing is compiled here, and no build script of a package runs.
  words: ['--only-binary', ':all:'],
};

/** Names the requirements that the environment was made from, so that others make a new one. */
const STAMP = 'requirements.sha256';
const FETCH_TIMEOUT_MS = 10 * 60_000;

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
 * @param {Packages} packages
 * @throws KafkaFault
 */
export function fetchPython(folder, env, say, packages = CLIENT) {
  if (isThere(folder, env, packages)) return;
  refuseWithoutPython(env);
  say(`Fetching ${packages.what} with pip (once, about ${packages.megabytes} MB) ...`);
  const fresh = `${folder}.${process.pid}`;
  mkdirSync(dirname(folder), { recursive: true });
  rmSync(fresh, { recursive: true, force: true });
  try {
    run('python3', ['-m', 'venv', fresh], env);
    const words = ['--quiet', '--no-input', '--require-hashes', ...packages.words];
    run(pythonOf(fresh), ['-m', 'pip', 'install', ...words, '--requirement', packages.requirements], env);
    writeFileSync(join(fresh, STAMP), stampOf(packages));
    if (!isThere(folder, env, packages)) {
      rmSync(folder, { recursive: true, force: true });
      moveInto(fresh, folder, env, packages);
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** @param {Packages} packages */
function stampOf({ requirements }) {
  return createHash('sha256').update(readFileSync(requirements)).digest('hex');
}

/**
 * The Python that it was made by may be another one by now; so it is asked.
 * @param {string} folder
 * @param {NodeJS.ProcessEnv} env
 * @param {Packages} packages
 */
export function isThere(folder, env, packages) {
  const stamp = join(folder, STAMP);
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== stampOf(packages)) return false;
  return spawnSync(pythonOf(folder), ['-c', packages.imports], { env, stdio: 'ignore' }).status === 0;
}

/** @param {string} fresh @param {string} folder @param {NodeJS.ProcessEnv} env @param {Packages} packages */
function moveInto(fresh, folder, env, packages) {
  try {
    renameSync(fresh, folder);
  } catch (error) {
    // Another process that fetched at the same time was first.
    if (!isThere(folder, env, packages)) throw error;
  }
}

/** @param {NodeJS.ProcessEnv} env */
function refuseWithoutPython(env) {
  if (spawnSync('python3', ['-c', PROBE], { env, stdio: 'ignore' }).status === 0) return;
  throw new KafkaFault(EXIT.missing, {
    what: 'There is no Python 3.10 or newer (python3) with venv on this machine.',
    hint: 'Install it (Debian and Ubuntu: apt-get install python3-venv; macOS: brew install python).',
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
    hint: 'See whether the package index that pip is set up for can be reached, and start again.',
  });
}
