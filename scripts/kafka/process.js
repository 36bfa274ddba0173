// Is the process of a pid file still the one that was started? A number alone may belong to another one by now.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;

/**
 * @param {number} pid
 * @param {string} mark a word of its command line that no other process has
 */
export function isRunning(pid, mark) {
  return commandLineOf(pid).includes(mark);
}

/** @param {number} pid @returns {string} empty where there is no such process, or it has ended and is not reaped yet */
function commandLineOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // No /proc, as on macOS, or no such process.
    const { status, stdout } = spawnSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], {
      encoding: 'utf8',
    });
    return status === 0 ? stdout : '';
  }
}

/**
 * Sends a signal; to a process that is gone it does nothing.
 * @param {number} pid
 * @param {NodeJS.Signals} signal
 */
export function sendSignal(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
  }
}

/**
 * @param {() => boolean} isDone
 * @param {number} timeoutMs
 * @returns {Promise<boolean>} false where it was not done in time
 */
export async function waitUntil(isDone, timeoutMs) {
  const endMs = performance.now() + timeoutMs;
  while (!isDone()) {
    if (performance.now() >= endMs) return false;
    await sleep(POLL_MS);
  }
  return true;
}
