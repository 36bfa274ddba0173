/** Folders and files on the disk that hold customers' data, and so are made for their owner alone. */
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;

/**
 * Makes an empty file for its owner alone, if there is nothing of its name; SQLite gives its -wal and -shm files the same
 * rights. A symbolic link is not followed. Only where the file is missing, since closing a file that SQLite has open would
 * give its locks up.
 * @returns whether it was made
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
 * Makes the folder and those around it that are missing, and gives the outermost one that was; undefined where there was
 * none. What Node does by itself turns round for ever where a folder that exists says ENOENT to a new name, as /proc does.
 * @throws the system's error: ENOENT, EACCES, ENOTDIR, EEXIST where a file has the name, ...
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

/** Undefined where somebody else was faster. */
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
