/** Creates folders and files for customer data, so with permissions for their owner only. */
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;

/**
 * Creates an empty file with permissions for its owner only, if no file has this name. SQLite gives its -wal and -shm files
 * the same permissions. Does not follow a symbolic link. Does not open an existing file, since closing a file that SQLite
 * has open would release SQLite's locks.
 * @returns whether it was created
 * @throws the system's error: ENOENT, EACCES, ENOSPC, ...
 */
export function makePrivateFile(path: string): boolean {
  try {
    closeSync(openSync(path, 'wx', PRIVATE_FILE));
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Creates the folder and its missing parents. Returns the outermost one that was created, or undefined if all existed.
 * Node's recursive mkdir loops forever if an existing directory returns ENOENT, as /proc does.
 * @throws the system's error: ENOENT, EACCES, ENOTDIR, EEXIST if a file has the name, ...
 */
export function makeFolder(path: string, mode: number = PRIVATE_FOLDER): string | undefined {
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

/** Undefined if another process was faster. */
function makeOne(path: string, mode: number): string | undefined {
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
