// The peers of bench/drain-kafka.bench.ts: where they lie, whether they are there, and how they are fetched once.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, KafkaFault } from '../kafka/fault.js';
import { areThere, fetchJars, findJava } from '../kafka/java.js';
import { lastLines } from '../kafka/last-lines.js';
import { fetchPython, isThere, pythonOf } from '../kafka/python.js';
import { PROJECT } from '../kafka/settings.js';

const FOLDER = join(PROJECT, '.bench');
const SOURCES = join(PROJECT, 'bench', 'peers');
const FETCH_TIMEOUT_MS = 5 * 60_000;
const SPARK_FOLDER = join(FOLDER, 'pyspark');
/** Each jar by itself: what it would bring is there already, from PySpark or from the broker. */
const ALONE = ['-DexcludeTransitive=true'];

const SPARK_JARS = {
  pom: join(SOURCES, 'pyspark', 'pom.xml'),
  what: "Spark's Kafka source",
  megabytes: 10,
  words: ALONE,
};
const SPARK_PACKAGES = {
  what: 'PySpark',
  megabytes: 430,
  requirements: join(SOURCES, 'pyspark', 'requirements.txt'),
  imports: 'import pyspark',
  words: ['--no-deps'],
};
const STREAMS_JARS = {
  pom: join(SOURCES, 'kafka-streams', 'pom.xml'),
  what: 'Kafka Streams',
  megabytes: 75,
  words: ALONE,
};

export const PEER_PATHS = {
  spark: {
    python: pythonOf(SPARK_FOLDER),
    program: join(SOURCES, 'pyspark', 'drain.py'),
    jars: join(FOLDER, 'spark-jars'),
  },
  streams: { source: join(SOURCES, 'kafka-streams', 'Drain.java'), jars: join(FOLDER, 'streams-jars') },
  kafkajs: { program: join(SOURCES, 'kafkajs', 'loop.js'), folder: join(FOLDER, 'kafkajs') },
};

/**
 * @typedef {object} Peer
 * @property {string} name
 * @property {(env: NodeJS.ProcessEnv) => boolean} isThere
 * @property {(env: NodeJS.ProcessEnv, say: (words: string) => void) => void} fetch throws KafkaFault
 */

/** @type {Readonly<Record<'spark' | 'streams' | 'kafkajs', Peer>>} */
export const PEERS = {
  spark: {
    name: 'PySpark',
    isThere: (env) =>
      isThere(SPARK_FOLDER, env, SPARK_PACKAGES) && areThere(PEER_PATHS.spark.jars, SPARK_JARS),
    fetch: (env, say) => {
      findJava(env);
      fetchPython(SPARK_FOLDER, env, say, SPARK_PACKAGES);
      fetchJars(PEER_PATHS.spark.jars, env, say, SPARK_JARS);
    },
  },
  streams: {
    name: 'Kafka Streams',
    isThere: (env) => areThere(PEER_PATHS.streams.jars, STREAMS_JARS) && compilerOf(env) !== undefined,
    fetch: (env, say) => {
      if (compilerOf(env) === undefined) {
        throw new KafkaFault(EXIT.missing, {
          what: 'There is no Java compiler (javac) on this machine.',
          hint: 'Install a JDK (Debian and Ubuntu: apt-get install openjdk-17-jdk-headless; macOS: brew install openjdk@17).',
        });
      }
      fetchJars(PEER_PATHS.streams.jars, env, say, STREAMS_JARS);
    },
  },
  kafkajs: {
    name: 'KafkaJS',
    isThere: () => isLockInstalled(),
    fetch: (env, say) => {
      if (isLockInstalled()) return;
      say('Fetching KafkaJS with npm (once, about 1 MB) ...');
      installKafkaJs(env);
    },
  },
};

/** @param {NodeJS.ProcessEnv} env @returns {string | undefined} the command that compiles Java */
export function compilerOf(env) {
  const home = env['JAVA_HOME'];
  const command = home ? join(home, 'bin', 'javac') : 'javac';
  return spawnSync(command, ['-version'], { env, stdio: 'ignore' }).status === 0 ? command : undefined;
}

/** npm writes its own lock at the end of an installation. */
function isLockInstalled() {
  const { folder } = PEER_PATHS.kafkajs;
  const copied = join(folder, 'package-lock.json');
  return (
    existsSync(join(folder, 'node_modules', '.package-lock.json')) &&
    readFileSync(copied, 'utf8') === readFileSync(join(SOURCES, 'kafkajs', 'package-lock.json'), 'utf8')
  );
}

/** In a folder of its own: the project does not depend on it. @param {NodeJS.ProcessEnv} env */
function installKafkaJs(env) {
  const { folder } = PEER_PATHS.kafkajs;
  mkdirSync(folder, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) {
    copyFileSync(join(SOURCES, 'kafkajs', file), join(folder, file));
  }
  const words = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, stderr, error } = spawnSync('npm', words, {
    cwd: folder,
    env,
    encoding: 'utf8',
    timeout: FETCH_TIMEOUT_MS,
    shell: process.platform === 'win32',
  });
  if (error === undefined && status === 0) return;
  throw new KafkaFault(EXIT.missing, {
    what: `npm could not install KafkaJS${error === undefined ? '' : ` (${error.message})`}.${lastLines(stderr, 10)}`,
    hint: 'See whether the registry that npm is set up for can be reached, and start again.',
  });
}
