// Ports of 127.0.0.1: whether one is free, and a free one.
import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';

/** Below the range that systems take the ports of outgoing connections from, so that nobody is given one meanwhile. */
const FREE_MIN = 20_000;
const FREE_MAX = 30_000;
const ATTEMPTS_MAX = 100;

/**
 * Where a system lets an address be taken beside a wildcard, a connection shows what listening does not.
 * @param {number} port
 * @returns {Promise<boolean>}
 */
export async function isFree(port) {
  return !(await accepts(port)) && (await canListen(port));
}

/** @param {number} port @returns {Promise<boolean>} */
function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      resolve(true);
      socket.destroy();
    });
  });
}

/** @param {number} port @returns {Promise<boolean>} */
function canListen(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Given by this process, and perhaps not taken yet. @type {Set<number>} */
const given = new Set();

/** One that this process has not been given before. @returns {Promise<number>} */
export async function freePort() {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const port = randomInt(FREE_MIN, FREE_MAX);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${FREE_MIN} to ${FREE_MAX} is free`);
}
