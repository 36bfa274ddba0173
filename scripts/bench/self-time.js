// What the profiles of V8 say about the time of a process, by module and by function.
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} CpuProfile what `node --cpu-prof` writes, one a thread
 * @property {readonly { id: number, callFrame: { functionName: string, url: string, lineNumber: number } }[]} nodes
 * @property {readonly number[]} samples ids of nodes
 * @property {readonly number[]} timeDeltas microseconds before each sample
 */

/** @typedef {ReadonlyMap<string, number>} SelfTimes milliseconds by name, the largest first */

/**
 * @param {readonly CpuProfile[]} profiles
 * @param {string} project folder that names are relative to
 * @returns {{ modules: SelfTimes, functions: SelfTimes, busyMs: number, idleMs: number }}
 */
export function selfTimes(profiles, project) {
  /** @type {Map<string, number>} */
  const modules = new Map();
  /** @type {Map<string, number>} */
  const functions = new Map();
  let [busyMs, idleMs] = [0, 0];
  for (const { nodes, samples, timeDeltas } of profiles) {
    const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
    for (const [at, id] of samples.entries()) {
      const frame = frames.get(id);
      // The time until the next sample is spent where this one was taken.
      const ms = (timeDeltas[at + 1] ?? 0) / 1000;
      if (frame === undefined || ms <= 0) continue;
      if (frame.functionName === '(idle)') {
        idleMs += ms;
        continue;
      }
      busyMs += ms;
      const module = moduleOf(frame, project);
      add(modules, module, ms);
      const name = frame.functionName || '(anonymous)';
      add(functions, frame.url === '' ? name : `${name} ${module}:${frame.lineNumber + 1}`, ms);
    }
  }
  return { modules: sorted(modules), functions: sorted(functions), busyMs, idleMs };
}

/** @param {{ functionName: string, url: string }} frame @param {string} project */
function moduleOf({ functionName, url }, project) {
  // The garbage collector, and functions of V8 and Node that are not JavaScript.
  if (url === '') return functionName.startsWith('(') ? functionName : 'native';
  const path = url.startsWith('file:') ? fileURLToPath(url) : url;
  const [, dependency] = /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
  return dependency ?? (path.startsWith(project) ? path.slice(project.length) : path);
}

/** @param {Map<string, number>} times @param {string} name @param {number} ms */
function add(times, name, ms) {
  times.set(name, (times.get(name) ?? 0) + ms);
}

/** @param {Map<string, number>} times */
function sorted(times) {
  return new Map([...times].sort(([, a], [, b]) => b - a));
}
