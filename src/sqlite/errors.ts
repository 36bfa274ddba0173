/**
 * Classifies failures of SQLite and of the file system. Only this file knows the codes of SQLite. A failed call does not mean that
 * the stored data is damaged: only SQLite's codes for damaged content do.
 */
import { randomUUID } from 'node:crypto';
import { accessSync, closeSync, constants, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

export type FailureKind =
  /** Another connection has the file locked. */
  | 'locked'
  /** No space is left, or a quota is exceeded. */
  | 'full'
  /** This process may not use the file or its folder, or it is not a regular file. */
  | 'inaccessible'
  /** A call failed. The same call may succeed later. */
  | 'disk'
  /** Out of memory. */
  | 'memory'
  /** The file was moved, deleted or replaced while it was open. */
  | 'moved'
  /** The stored data is not what was written. */
  | 'damaged'
  /** The file is not a SQLite database. */
  | 'not a database'
  /** SQLite rejected a statement: a bug of this program. */
  | 'statement';

export interface StorageFailure {
  readonly kind: FailureKind;
  /** The message of SQLite or of the system, as a sentence. */
  readonly reason: string;
}

/** Primary result codes, https://www.sqlite.org/rescode.html. An extended code has its primary one in the low byte. */
const SQLITE_KINDS: Readonly<Record<number, FailureKind>> = {
  3: 'inaccessible', // PERM
  5: 'locked', // BUSY
  6: 'locked', // LOCKED
  7: 'memory', // NOMEM
  8: 'inaccessible', // READONLY
  10: 'disk', // IOERR
  11: 'damaged', // CORRUPT
  13: 'full', // FULL
  14: 'inaccessible', // CANTOPEN
  15: 'locked', // PROTOCOL: others took and released the lock too often in a row
  22: 'disk', // NOLFS
  26: 'not a database', // NOTADB
};
const CANTOPEN = 14;
const IOERR = 10;
const IOERR_NOMEM = 3082;
const READONLY_DBMOVED = 1032;

/** The failed operation, by extended code; SQLite's message is "disk I/O error" for all of them. */
const TRIED: Readonly<Record<number, string>> = {
  266: 'reading',
  522: 'reading to the end',
  778: 'writing',
  1034: 'flushing',
  1290: 'flushing the folder',
  1546: 'shortening the file',
  1802: 'asking for the file’s size',
  2314: 'releasing a lock',
  2570: 'deleting a file',
  3338: 'checking access',
  3850: 'taking a lock',
  4106: 'closing the file',
  4618: 'opening shared memory',
  4874: 'enlarging shared memory',
  5386: 'mapping shared memory',
  8458: 'reading',
};

const SYSTEM_KINDS: Readonly<Record<string, FailureKind>> = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  EACCES: 'inaccessible',
  EPERM: 'inaccessible',
  EROFS: 'inaccessible',
  ENOTDIR: 'inaccessible',
  EISDIR: 'inaccessible',
  EEXIST: 'inaccessible',
  ENOENT: 'inaccessible',
  ELOOP: 'inaccessible',
  ENAMETOOLONG: 'inaccessible',
  ENXIO: 'inaccessible',
  EINVAL: 'inaccessible',
  ENOMEM: 'memory',
};

/** Large enough to exceed a quota that has a few blocks left. */
const PROBE_BYTES = 1024 * 1024;

/**
 * @param path the SQLite file. If SQLite's code is not specific, the cause is found by trying to write next to this file
 * @returns undefined if the error is neither from SQLite nor from the system
 */
export function storageFailureOf(error: unknown, path: string): StorageFailure | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  // This program never writes a number beyond 2^53.
  if (error.code === 'ERR_OUT_OF_RANGE') return { kind: 'damaged', reason: `${error.message}.` };
  if ('syscall' in error) {
    return { kind: systemKind(error), reason: `The system says: ${error.message}.` };
  }
  if (!('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return sqliteFailure(error.errcode, error.message, path);
}

/** If the failure is another connection's lock, which ends by itself. */
export function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && storageFailureOf(error, '')?.kind === 'locked';
}

function sqliteFailure(code: number, message: string, path: string): StorageFailure {
  const says = `SQLite says: ${message}${TRIED[code] === undefined ? '' : ` (${TRIED[code]})`}.`;
  const primary = code & 0xff;
  if (code === READONLY_DBMOVED) return { kind: 'moved', reason: says };
  if (code === IOERR_NOMEM) return { kind: 'memory', reason: says };
  if (primary === IOERR || primary === CANTOPEN) return lookedInto(primary, says, path);
  // The general code 1 means a damaged file only if a table or column is missing.
  const isMissing = primary === 1 && /^no such (table|column)/.test(message);
  return { kind: isMissing ? 'damaged' : (SQLITE_KINDS[primary] ?? 'statement'), reason: says };
}

/** SQLite reports an exceeded quota as a disk error, and too many open files as a file that cannot be opened. */
function lookedInto(primary: number, says: string, path: string): StorageFailure {
  const found = problemOf(path);
  // The call was on an open file, so that file was moved or deleted.
  if (found?.isMissing === true && primary === IOERR)
    return { kind: 'moved', reason: `${says} ${found.reason}` };
  if (found !== undefined) return { kind: found.kind, reason: `${says} ${found.reason}` };
  return { kind: 'disk', reason: primary === IOERR ? says : `${says} A second attempt just now succeeded.` };
}

function problemOf(path: string): (StorageFailure & { readonly isMissing: boolean }) | undefined {
  const attempts = [
    () => {
      if (!statSync(path).isFile()) throw new Error(`${path} is not a regular file`);
    },
    // Does not open the file: closing it would release the locks that SQLite holds on it in this process.
    () => accessSync(path, constants.R_OK | constants.W_OK),
    () => writeNextTo(path),
  ];
  for (const attempt of attempts) {
    try {
      attempt();
    } catch (error) {
      const { message, code } = error as NodeJS.ErrnoException;
      if (code === undefined) return { kind: 'inaccessible', reason: `${message}.`, isMissing: false };
      return {
        kind: systemKind(error as Error),
        reason: `The system says: ${message}.`,
        isMissing: code === 'ENOENT',
      };
    }
  }
  return undefined;
}

function writeNextTo(path: string): void {
  const probe = join(dirname(path), `.tallystream-probe-${randomUUID()}`);
  const file = openSync(probe, 'wx', 0o600);
  try {
    const block = new Uint8Array(PROBE_BYTES);
    for (let written = 0; written < block.byteLength;) written += writeSync(file, block, written);
  } finally {
    closeSync(file);
    rmSync(probe, { force: true });
  }
}

function systemKind(error: Error): FailureKind {
  return ('code' in error && typeof error.code === 'string' && SYSTEM_KINDS[error.code]) || 'disk';
}
