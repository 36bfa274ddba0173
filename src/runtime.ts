/**
 * The runtime that Tallystream needs. It is the first import of the package's entries, so a program on another runtime ends
 * with one sentence, before anything else is loaded.
 */

/** Also in bin/launcher.js, which has to run on older versions, and in package.json; a test compares the three. */
export const NODE_MAJOR_MIN = 24;
export const SQLITE_VERSION_MIN = '3.51.3';

/** Why Tallystream cannot run on this runtime, as one sentence; undefined if it can. `versions` is `process.versions`. */
export function unsupportedRuntime(
  versions: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const needs = `Tallystream needs Node ${NODE_MAJOR_MIN} or newer with SQLite ${SQLITE_VERSION_MIN} or newer`;
  for (const [name, key] of [
    ['Bun', 'bun'],
    ['Deno', 'deno'],
  ] as const) {
    if (versions[key] !== undefined) return `${needs}; it does not run on ${name}.`;
  }
  const { node = '0', sqlite } = versions;
  if (isOlder(node, String(NODE_MAJOR_MIN))) return `${needs}; this is Node ${node}.`;
  if (sqlite !== undefined && !isOlder(sqlite, SQLITE_VERSION_MIN)) return undefined;
  return `${needs}; this Node ${node} has ${sqlite === undefined ? 'no SQLite' : `SQLite ${sqlite}`}.`;
}

function isOlder(version: string, minimum: string): boolean {
  const numbers = version.split('.').map(Number);
  for (const [index, least] of minimum.split('.').map(Number).entries()) {
    const number = numbers[index] ?? 0;
    if (number !== least) return number < least;
  }
  return false;
}

const unsupported = unsupportedRuntime(process.versions);
// A plain error: its message is all that a person needs, and no class of ours is loaded yet.
if (unsupported !== undefined) throw new Error(unsupported);
