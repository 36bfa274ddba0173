// The machine's Java, and Kafka's jars: found, fetched once through Maven, and never asked for again.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT, KafkaFault } from './fault.js';
import { lastLines } from './last-lines.js';

const POM = fileURLToPath(new URL('pom.xml', import.meta.url));
const FETCH = [
  '--batch-mode',
  'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies',
  '-DincludeScope=runtime',
];
const JAVA_MIN = 17;
const FETCH_TIMEOUT_MS = 10 * 60_000;
const INSTALL_JAVA =
  'Debian and Ubuntu: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk@17';
const INSTALL_MAVEN = 'Debian and Ubuntu: apt-get install maven; macOS: brew install maven';

/** Kafka's version, which stands in pom.xml alone. */
export const KAFKA_VERSION = /<version>([^<]+)<\/version>/.exec(readFileSync(POM, 'utf8'))?.[1] ?? '';

/**
 * @typedef {{ path: string, version: number }} Java
 * @typedef {{ pom: string, what: string, megabytes: number, words?: readonly string[] }} Jars `words` are further ones for Maven
 */

/** @type {Jars} */
const KAFKA = { pom: POM, what: `Kafka ${KAFKA_VERSION}`, megabytes: 45 };

/**
 * JAVA_HOME's Java where that is set, otherwise the one on the PATH.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Java} @throws KafkaFault where there is none, or it is too old
 */
export function findJava(env) {
  const home = env['JAVA_HOME'];
  const path = home ? join(home, 'bin', 'java') : 'java';
  const { status, stderr, error } = spawnSync(path, ['-version'], { env, encoding: 'utf8' });
  // On macOS a stub stands in for a Java that is not installed; it fails and says so.
  if (error !== undefined || status !== 0) {
    throw new KafkaFault(EXIT.missing, {
      what: home ? `There is no Java in JAVA_HOME (${home}).` : 'There is no Java on this machine.',
      why: 'Without a Docker daemon, Kafka runs on Java.',
      hint: `Install Java ${JAVA_MIN} or newer (${INSTALL_JAVA}), or start Docker.`,
    });
  }
  const version = javaVersionOf(stderr);
  if (version !== undefined && version >= JAVA_MIN) return { path, version };
  throw new KafkaFault(EXIT.missing, {
    what: `Java ${version ?? ''} (${path}) is too old for Kafka ${KAFKA_VERSION}.`.replace('  ', ' '),
    hint: `Install Java ${JAVA_MIN} or newer (${INSTALL_JAVA}), or point JAVA_HOME to one.`,
  });
}

/**
 * @param {string} words what `java -version` prints: `openjdk version "17.0.15" …`, or `"1.8.0_402"` up to Java 8
 * @returns {number | undefined}
 */
export function javaVersionOf(words) {
  const [, first, second] = / version "(\d+)(?:\.(\d+))?/.exec(words) ?? [];
  const version = Number(first === '1' ? second : first);
  return Number.isNaN(version) ? undefined : version;
}

/** @param {string} libs */
export function classPathOf(libs) {
  return join(libs, '*');
}

/**
 * Sees to it that the jars are in `libs`. They are fetched into a folder beside it and moved there whole, so that one
 * that is there is complete, and a second start needs no network.
 * @param {string} libs
 * @param {NodeJS.ProcessEnv} env
 * @param {(words: string) => void} say
 * @param {Jars} jars
 * @throws KafkaFault
 */
export function fetchJars(libs, env, say, jars = KAFKA) {
  const { pom, what, megabytes, words = [] } = jars;
  if (areThere(libs, jars)) return;
  say(`Fetching ${what} with Maven (once, about ${megabytes} MB) ...`);
  const fresh = `${libs}.${process.pid}`;
  mkdirSync(dirname(libs), { recursive: true });
  rmSync(fresh, { recursive: true, force: true });
  try {
    runMaven([...FETCH, ...words, '--file', pom, `-DoutputDirectory=${fresh}`], env, what);
    writeFileSync(join(fresh, STAMP), stampOf(pom));
    if (!areThere(libs, jars)) {
      rmSync(libs, { recursive: true, force: true });
      moveInto(fresh, libs, jars);
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Names the pom.xml that the jars come from, so that a new one fetches anew. */
const STAMP = 'pom.sha256';

/** @param {string} pom */
function stampOf(pom) {
  return createHash('sha256').update(readFileSync(pom)).digest('hex');
}

/** @param {string} libs */
export function areThere(libs, { pom } = KAFKA) {
  const stamp = join(libs, STAMP);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === stampOf(pom);
}

/** @param {string} fresh @param {string} libs @param {Jars} jars */
function moveInto(fresh, libs, jars) {
  try {
    renameSync(fresh, libs);
  } catch (error) {
    // Another process that fetched at the same time was first.
    if (!areThere(libs, jars)) throw error;
  }
}

/** @param {readonly string[]} words @param {NodeJS.ProcessEnv} env @param {string} what */
function runMaven(words, env, what) {
  const { status, stdout, error } = spawnSync('mvn', words, {
    env,
    encoding: 'utf8',
    timeout: FETCH_TIMEOUT_MS,
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === 'win32',
  });
  if (error !== undefined && /** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') {
    throw new KafkaFault(EXIT.missing, {
      what: 'Maven (mvn) is not on the PATH.',
      why: `It fetches the jars of ${what}.`,
      hint: `Install it (${INSTALL_MAVEN}), or start Docker.`,
    });
  }
  if (error === undefined && status === 0) return;
  const said = lastLines(stdout, 15, (line) => line.startsWith('[ERROR]'));
  throw new KafkaFault(EXIT.missing, {
    what: `Maven could not fetch ${what}${error === undefined ? '' : ` (${error.message})`}.${said}`,
    hint: 'See whether Maven Central, or the mirror in ~/.m2/settings.xml, can be reached, and start again.',
  });
}
