// What the environment can set for the local Kafka. `make start-kafka KAFKA_PORT=19092` sets it too.
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT, KafkaFault } from './fault.js';

export const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
/** Where the jars lie, whatever KAFKA_DIR is, so that they are fetched once for a checkout. */
const LIBS = join(PROJECT, '.kafka', 'libs');
/** Any 16 bytes in base64url; fixed, so that a data folder of another cluster is noticed. compose.yaml has the same. */
const CLUSTER_ID = 'dGFsbHlzdHJlYW0ta2Fmaw';

const RUNTIMES = /** @type {const} */ (['auto', 'docker', 'java']);

/**
 * @typedef {object} Settings
 * @property {number} port where clients connect, on 127.0.0.1
 * @property {string} folder holds data, server.properties, log and pid file
 * @property {string} libs holds the jars
 * @property {string} clusterId
 * @property {'auto' | 'docker' | 'java'} runtime auto is docker where its daemon answers
 * @property {number} stopTimeoutMs how long a stop waits before it kills
 * @property {string} topic
 * @property {number} partitions
 */

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {string} cwd what a relative KAFKA_DIR starts from
 * @returns {Settings}
 */
export function settingsOf(env, cwd) {
  return {
    port: number(env, 'KAFKA_PORT', 9092, 1, 65_535),
    folder: env['KAFKA_DIR'] ? resolve(cwd, env['KAFKA_DIR']) : join(PROJECT, '.kafka'),
    libs: env['KAFKA_LIBS'] ? resolve(cwd, env['KAFKA_LIBS']) : LIBS,
    clusterId: word(env, 'KAFKA_CLUSTER_ID', CLUSTER_ID, /^[A-Za-z0-9_-]{22}$/, '22 letters of base64url'),
    runtime: runtimeOf(env['KAFKA_RUNTIME'] || 'auto'),
    stopTimeoutMs: 1000 * number(env, 'KAFKA_STOP_SECONDS', 30, 1, 3600),
    // The names under which Tallystream itself reads them, so that the two agree.
    topic: word(
      env,
      'TALLYSTREAM_LOG_TOPIC',
      'purchasing_events',
      /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,200}$/,
      'the name of a topic',
    ),
    partitions: number(env, 'TALLYSTREAM_LOG_PARTITIONS', 4, 1, 1000),
  };
}

/** @param {string} text @returns {Settings['runtime']} */
function runtimeOf(text) {
  const runtime = RUNTIMES.find((candidate) => candidate === text);
  if (runtime !== undefined) return runtime;
  throw usage('KAFKA_RUNTIME', RUNTIMES.join(', '), text);
}

/** @param {NodeJS.ProcessEnv} env @param {string} name @param {number} byDefault @param {number} min @param {number} max */
function number(env, name, byDefault, min, max) {
  const text = env[name] || String(byDefault);
  if (/^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text);
  throw usage(name, `a whole number from ${min} to ${max}`, text);
}

/** @param {NodeJS.ProcessEnv} env @param {string} name @param {string} byDefault @param {RegExp} form @param {string} kind */
function word(env, name, byDefault, form, kind) {
  const text = env[name] || byDefault;
  if (form.test(text)) return text;
  throw usage(name, kind, text);
}

/** @param {string} name @param {string} kind @param {string} text */
function usage(name, kind, text) {
  return new KafkaFault(EXIT.usage, { what: `${name} must be ${kind}, and is ${JSON.stringify(text)}.` });
}
