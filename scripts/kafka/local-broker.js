// A real broker without Docker: Kafka's published jars on the machine's Java, in a folder of its own.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, KafkaFault } from './fault.js';
import {
  brokerWords,
  endOfLog,
  format,
  needsFormat,
  pathsOf,
  readPidFile,
  removePidFile,
  turnLog,
  writePidFile,
} from './folder.js';
import { fetchJars, findJava } from './java.js';
import { freePort, isFree } from './ports.js';
import { isRunning, sendSignal, waitUntil } from './process.js';
import { serverProperties } from './properties.js';
import { clusterIdAt } from './wire.js';

/** After a kill, a broker with much data looks through all of it before it answers. */
const READY_TIMEOUT_MS = 120_000;
const ASK_TIMEOUT_MS = 1_000;
const ASK_INTERVAL_MS = 100;
const KILL_TIMEOUT_MS = 10_000;

/**
 * @typedef {import('./settings.js').Settings} Settings
 * @typedef {{ wasRunning: boolean, pid: number, log: string, java?: number }} Started
 */

/**
 * Starts the broker of `settings.folder`, where it does not run already, and waits until it answers.
 * @param {Settings} settings
 * @param {NodeJS.ProcessEnv} env
 * @param {(words: string) => void} say
 * @returns {Promise<Started>}
 */
export async function startLocal(settings, env, say) {
  const { folder } = settings;
  mkdirSync(folder, { recursive: true });
  const release = takeTurn(folder);
  try {
    const running = findRunning(folder);
    return running === undefined ? await launch(settings, env, say) : await join(settings, running);
  } finally {
    release();
  }
}

/**
 * Stops the broker that a start in this folder has started, and no other process.
 * @param {Settings} settings
 * @returns {Promise<'stopped' | 'killed' | 'not running'>}
 */
export async function stopLocal({ folder, stopTimeoutMs }) {
  const running = findRunning(folder);
  if (running === undefined) {
    removePidFile(folder);
    return 'not running';
  }
  const { pid, mark } = running;
  const hasEnded = () => !isRunning(pid, mark);
  sendSignal(pid, 'SIGTERM');
  const obeyed = await waitUntil(hasEnded, stopTimeoutMs);
  if (!obeyed) {
    sendSignal(pid, 'SIGKILL');
    if (!(await waitUntil(hasEnded, KILL_TIMEOUT_MS))) {
      throw new KafkaFault(EXIT.failed, { what: `Process ${pid} did not end, although it was killed.` });
    }
  }
  // A system closes the files and sockets of a process a moment after it has ended.
  await waitUntilFree(running.port, KILL_TIMEOUT_MS);
  removePidFile(folder);
  return obeyed ? 'stopped' : 'killed';
}

/** @param {number} port @param {number} timeoutMs */
async function waitUntilFree(port, timeoutMs) {
  const endMs = performance.now() + timeoutMs;
  while (!(await isFree(port)) && performance.now() < endMs) await sleep(ASK_INTERVAL_MS);
}

/** @param {string} folder */
export function findRunning(folder) {
  const found = readPidFile(folder);
  return found !== undefined && isRunning(found.pid, found.mark) ? found : undefined;
}

/**
 * A broker that was started before: it is enough that it answers.
 * @param {Settings} settings
 * @param {import('./folder.js').PidFile} running
 * @returns {Promise<Started>}
 */
async function join({ folder, port }, running) {
  if (running.port !== port) {
    throw new KafkaFault(EXIT.usage, {
      what: `The broker in ${folder} runs already, on port ${running.port}; port ${port} was asked for.`,
      hint: 'Stop it first (make stop-kafka), or start another one in a folder of its own with KAFKA_DIR.',
    });
  }
  const { log } = pathsOf(folder);
  await waitUntilReady({ port, log, hasEnded: () => !isRunning(running.pid, running.mark) });
  return { wasRunning: true, pid: running.pid, log };
}

/**
 * @param {Settings} settings
 * @param {NodeJS.ProcessEnv} env
 * @param {(words: string) => void} say
 * @returns {Promise<Started>}
 */
async function launch({ folder, libs, port, clusterId }, env, say) {
  if (process.platform === 'win32') {
    throw new KafkaFault(EXIT.missing, {
      what: 'On Windows the local Kafka needs Docker.',
      hint: 'Start Docker Desktop, or run this in WSL.',
    });
  }
  const java = findJava(env);
  await refuseTakenPort(port);
  const unformatted = needsFormat(folder, clusterId);
  fetchJars(libs, env, say);
  const { data, properties, log } = pathsOf(folder);
  writeFileSync(properties, serverProperties({ port, controllerPort: await freePort(), dataFolder: data }));
  say(`Starting Kafka on 127.0.0.1:${port} ...`);
  if (unformatted) format({ folder, libs, java: java.path, clusterId, env });
  turnLog(folder);
  const mark = `-Dtallystream.start=${randomUUID()}`;
  const child = spawnDetached(java.path, brokerWords({ folder, libs, mark, heap: env['KAFKA_HEAP_OPTS'] }), {
    env,
    log,
    folder,
  });
  const pid = /** @type {number} */ (child.pid);
  writePidFile(folder, { pid, port, mark });
  try {
    await waitUntilReady({
      port,
      log,
      hasEnded: () => child.exitCode !== null || child.signalCode !== null,
      onSlow: (seconds) => say(`Kafka does not answer yet after ${seconds} s; its log is ${log}`),
    });
  } catch (error) {
    child.kill('SIGKILL');
    removePidFile(folder);
    throw error;
  }
  child.unref();
  return { wasRunning: false, pid, log, java: java.version };
}

/**
 * In a process group of its own, so that a Ctrl-C in this terminal does not end it.
 * @param {string} command
 * @param {readonly string[]} words
 * @param {{ env: NodeJS.ProcessEnv, log: string, folder: string }} options
 */
function spawnDetached(command, words, { env, log, folder }) {
  const out = openSync(log, 'a');
  try {
    return spawn(command, words, { cwd: folder, env, detached: true, stdio: ['ignore', out, out] });
  } finally {
    closeSync(out);
  }
}

/**
 * Resolves when the broker answers a metadata request.
 * @param {{ port: number, log: string, hasEnded: () => boolean, onSlow?: (seconds: number) => void }} options
 * @throws KafkaFault with the end of its log, where it ends before, or does not answer in time
 */
export async function waitUntilReady({ port, log, hasEnded, onSlow }) {
  const startMs = performance.now();
  let saidAtMs = startMs;
  while (!(await answers(port))) {
    const nowMs = performance.now();
    if (hasEnded()) {
      throw new KafkaFault(EXIT.broker, {
        what: `Kafka ended while it was starting.${endOfLog(log)}`,
        hint: `All that it said is in ${log}.`,
      });
    }
    if (nowMs - startMs > READY_TIMEOUT_MS) {
      throw new KafkaFault(EXIT.broker, {
        what: `Kafka does not answer on 127.0.0.1:${port} after ${READY_TIMEOUT_MS / 1000} s.${endOfLog(log)}`,
        hint: `All that it said is in ${log}.`,
      });
    }
    if (nowMs - saidAtMs > 10_000) {
      saidAtMs = nowMs;
      onSlow?.(Math.round((nowMs - startMs) / 1000));
    }
    await sleep(ASK_INTERVAL_MS);
  }
}

/** @param {number} port */
function answers(port) {
  return clusterIdAt(port, ASK_TIMEOUT_MS).then(
    () => true,
    () => false,
  );
}

/** @param {number} port */
async function refuseTakenPort(port) {
  if (await isFree(port)) return;
  const cluster = await clusterIdAt(port, ASK_TIMEOUT_MS).catch(() => undefined);
  throw new KafkaFault(EXIT.broker, {
    what: `Port ${port} is taken by ${cluster === undefined ? 'another program' : `another Kafka (cluster ${cluster})`}.`,
    hint: `End that one, or choose another port: make start-kafka KAFKA_PORT=${port + 10_000 > 65_535 ? 19_092 : port + 10_000}`,
  });
}

/**
 * One start at a time in a folder.
 * @param {string} folder
 * @returns {() => void} ends the turn
 */
function takeTurn(folder) {
  const path = pathsOf(folder).starting;
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    }
    const pid = Number(readFileSync(path, 'utf8'));
    if (pid > 0 && isRunning(pid, 'start')) {
      throw new KafkaFault(EXIT.failed, {
        what: `Another start is under way in ${folder} (process ${pid}).`,
      });
    }
    // Whoever took it was killed.
    rmSync(path, { force: true });
  }
  throw new KafkaFault(EXIT.failed, { what: `Other starts are under way in ${folder}.` });
}
