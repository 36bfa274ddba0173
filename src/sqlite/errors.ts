/**
 * What a failure of SQLite, or of the file system below it, means. This is the one place that knows their codes. A failed
 * call says nothing about what is stored: only SQLite's own words for damaged content do.
 */
import { randomUUID } from 'node:crypto';
import { accessSync, closeSync, constants, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

export type FailureKind =
  /** Another connection has the file locked. */
  | 'locked'
  /** No space, or the quota is reached. */
  | 'full'
  /** This process may not use the file or its folder, or the file is no ordinary one. */
  | 'inaccessible'
  /** A call failed; the same call can succeed later. */
  | 'disk'
  /** The system gave no memory. */
  | 'memory'
  /** The file was moved, deleted or replaced while it was open. */
  | 'moved'
  /** What is stored is not what was written. */
  | 'damaged'
  /** The file is not a SQLite database. */
  | 'not a database'
  /** SQLite refused a statement: a fault of this program. */
  | 'statement';

export interface StorageFailure {
  readonly kind: FailureKind;
  /** Who said what, as a sentence. */
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
  15: 'locked', // PROTOCOL: others took and gave the lock too often in a row
  22: 'disk', // NOLFS
  26: 'not a database', // NOTADB
};
const CANTOPEN = 14;
const IOERR = 10;
const IOERR_NOMEM = 3082;
const READONLY_DBMOVED = 1032;

/** What was tried in vain, by extended code; SQLite's message is "disk I/O error" for all of them. */
const TRIED: Readonly<Record<number, string>> = {
  266: 'reading',
  522: 'reading to the end',
  778: 'writing',
  1034: 'flushing',
  1290: 'flushing the folder',
  1546: 'shortening the file',
  1802: 'asking for the file’s size',
  2314: 'giving a lock back',
  2570: 'deleting a file',
  3338: 'asking for access',
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

/** Enough to meet a quota that has a few blocks left. */
const PROBE_BYTES = 1024 * 1024;

/**
 * @param path the SQLite file; what SQLite does not say is found out by trying to write next to it
 * @returns undefined if neither SQLite nor the system threw it
 */
export function storageFailureOf(error: unknown, path: string): StorageFailure | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  // A number beyond 2^53 can only have been written by somebody else.
  if (error.code === 'ERR_OUT_OF_RANGE') return { kind: 'damaged', reason: `${error.message}.` };
  if ('syscall' in error) {
    return { kind: systemKind(error), reason: `The system says: ${error.message}.` };
  }
  if (!('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return sqliteFailure(error.errcode, error.message, path);
}

function sqliteFailure(code: number, message: string, path: string): StorageFailure {
  const says = `SQLite says: ${message}${TRIED[code] === undefined ? '' : ` (${TRIED[code]})`}.`;
  const primary = code & 0xff;
  if (code === READONLY_DBMOVED) return { kind: 'moved', reason: says };
  if (code === IOERR_NOMEM) return { kind: 'memory', reason: says };
  if (primary === IOERR || primary === CANTOPEN) return lookedInto(primary, says, path);
  // The general code 1: only a table or column that somebody took away is a fault of the file.
  const isMissing = primary === 1 && /^no such (table|column)/.test(message);
  return { kind: isMissing ? 'damaged' : (SQLITE_KINDS[primary] ?? 'statement'), reason: says };
}

/** SQLite gives a reached quota as a disk error, and a full table of open files as a file that cannot be opened. */
function lookedInto(primary: number, says: string, path: string): StorageFailure {
  const found = problemOf(path);
  // The call was on an open file, so this one has lost its name.
  if (found?.isMissing === true && primary === IOERR)
    return { kind: 'moved', reason: `${says} ${found.reason}` };
  if (found !== undefined) return { kind: found.kind, reason: `${says} ${found.reason}` };
  return { kind: 'disk', reason: primary === IOERR ? says : `${says} It could be used again just now.` };
}

function problemOf(path: string): (StorageFailure & { readonly isMissing: boolean }) | undefined {
  const attempts = [
    () => {
      if (!statSync(path).isFile()) throw new Error(`${path} is no ordinary file`);
    },
    // Not by opening the file: closing it would give up the locks that SQLite holds on it in this process.
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
