// What lies in the folder of a broker, and the steps of a start that concern it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT, KafkaFault } from './fault.js';
import { classPathOf } from './java.js';
import { lastLines } from './last-lines.js';

const LOG_SETTINGS = fileURLToPath(new URL('log4j2.properties', import.meta.url));
const FORMAT_TIMEOUT_MS = 60_000;
/** How much of a log is shown. */
const END_LINES = 12;
const HEAP = '-Xms64m -Xmx512m';

/** @param {string} folder */
export function pathsOf(folder) {
  return {
    data: join(folder, 'data'),
    meta: join(folder, 'data', 'meta.properties'),
    properties: join(folder, 'server.properties'),
    log: join(folder, 'broker.log'),
    previousLog: join(folder, 'broker.previous.log'),
    pid: join(folder, 'broker.pid'),
    starting: join(folder, 'starting.pid'),
  };
}

/**
 * Refuses data of another cluster: a broker on it would end with an error that is hard to read.
 * @param {string} folder
 * @param {string} clusterId
 * @returns {boolean} whether the folder has to be formatted
 * @throws KafkaFault
 */
export function needsFormat(folder, clusterId) {
  const { data, meta } = pathsOf(folder);
  if (!existsSync(meta)) return true;
  const found = /^cluster\.id=(.*)$/m.exec(readFileSync(meta, 'utf8'))?.[1]?.trim();
  if (found === clusterId) return false;
  throw new KafkaFault(EXIT.broker, {
    what: `${data} holds the data of another cluster: its id is ${found ?? 'missing'}, and ${clusterId} is to be started.`,
    hint: `Start that one with KAFKA_CLUSTER_ID=${found ?? '…'}, choose another folder with KAFKA_DIR, or remove ${data} with all its topics.`,
  });
}

/**
 * @param {{ folder: string, libs: string, java: string, clusterId: string, extra?: readonly string[], env: NodeJS.ProcessEnv }} options
 *   `extra` are further words for `StorageTool format`
 * @throws KafkaFault
 */
export function format({ folder, libs, java, clusterId, extra = [], env }) {
  const { data, properties } = pathsOf(folder);
  mkdirSync(data, { recursive: true });
  const words = [
    '-XX:TieredStopAtLevel=1',
    ...loggingWords(libs),
    'kafka.tools.StorageTool',
    'format',
    '--cluster-id',
    clusterId,
    '--config',
    properties,
    ...extra,
  ];
  const { status, stdout, stderr } = spawnSync(java, words, {
    env,
    encoding: 'utf8',
    timeout: FORMAT_TIMEOUT_MS,
  });
  if (status === 0) return;
  throw new KafkaFault(EXIT.broker, {
    what: `Kafka's StorageTool could not format ${data}.${lastLines(`${stdout}\n${stderr}`, 10)}`,
  });
}

/**
 * The words after `java` that run a broker.
 * @param {{ folder: string, libs: string, mark: string, heap?: string | undefined, jvm?: readonly string[] }} options `mark`
 *   is found in its command line again; `heap` are JVM flags with spaces between them
 */
export function brokerWords({ folder, libs, mark, heap = HEAP, jvm = [] }) {
  return [
    ...heap.split(/\s+/).filter((word) => word !== ''),
    ...jvm,
    mark,
    '-Djava.awt.headless=true',
    ...loggingWords(libs),
    'kafka.Kafka',
    pathsOf(folder).properties,
  ];
}

/** @param {string} libs */
function loggingWords(libs) {
  return [`-Dlog4j2.configurationFile=${LOG_SETTINGS}`, '-cp', classPathOf(libs)];
}

/**
 * The end of the broker's log: its errors, where it is long and names any.
 * @param {string} path
 */
export function endOfLog(path) {
  if (!existsSync(path)) return '';
  const text = readFileSync(path, 'utf8');
  const isLong = text.trimEnd().split('\n').length > END_LINES;
  return lastLines(
    text,
    END_LINES,
    (line) => !isLong || / (?:ERROR|FATAL) |Exception|^(?:Error|Caused)/.test(line),
  );
}

/** Keeps the log of the start before this one, and no more.
 * @param {string} folder
 */
export function turnLog(folder) {
  const { log, previousLog } = pathsOf(folder);
  if (existsSync(log)) renameSync(log, previousLog);
}

/**
 * What a start leaves for a stop to find.
 * @typedef {{ pid: number, port: number, mark: string }} PidFile
 */

/** @param {string} folder @returns {PidFile | undefined} */
export function readPidFile(folder) {
  try {
    const read = /** @type {PidFile} */ (JSON.parse(readFileSync(pathsOf(folder).pid, 'utf8')));
    return Number.isInteger(read.pid) && typeof read.mark === 'string' ? read : undefined;
  } catch {
    // Missing, or cut off in the middle of writing, which says as little.
    return undefined;
  }
}

/** @param {string} folder @param {PidFile} content */
export function writePidFile(folder, content) {
  writeFileSync(pathsOf(folder).pid, `${JSON.stringify(content)}\n`);
}

/** @param {string} folder */
export function removePidFile(folder) {
  rmSync(pathsOf(folder).pid, { force: true });
}
