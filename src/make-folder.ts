/** Folders on the disk, for whatever keeps its files in one of its own. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes the folder and those around it that are missing, and gives the outermost one that was; undefined where there was
 * none. What Node does by itself turns round for ever where a folder that exists says ENOENT to a new name, as /proc does.
 * @throws the system's error: ENOENT, EACCES, ENOTDIR, EEXIST where a file has the name, ...
 */
export function makeFolder(path: string, mode?: number): string | undefined {
  if (isFolder(path)) return undefined;
  try {
    return makeOne(path, mode);
  } catch (error) {
    const parent = dirname(path);
    if (codeOf(error) !== 'ENOENT' || parent === path || isFolder(parent)) throw error;
    const first = makeFolder(parent, mode);
    const own = makeOne(path, mode);
    return first ?? own;
  }
}

/** Undefined where somebody else was faster. */
function makeOne(path: string, mode: number | undefined): string | undefined {
  try {
    mkdirSync(path, mode);
    return path;
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && isFolder(path)) return undefined;
    throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
