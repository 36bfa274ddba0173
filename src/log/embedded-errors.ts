/** The one place where a failure of SQLite becomes one of ours. */
import { InvariantError, TallystreamError, type ErrorCode, type ErrorParts } from '../errors.ts';

/** Primary result codes, https://www.sqlite.org/rescode.html. An extended code has its primary one in the low byte. */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** Runs what touches the file, and says a failure of SQLite in our words. */
export function guarded<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw sqliteFault(path, error);
  }
}

/** Whether the failure is another connection's lock, which ends by itself. */
export function isBusy(error: unknown): boolean {
  const code = primaryCode(error);
  return code === BUSY || code === LOCKED;
}

/** The error to throw for what SQLite threw; anything else comes back as it is. */
function sqliteFault(path: string, error: unknown): unknown {
  if (isClosed(error)) return new InvariantError(`the log ${path} was used after it was closed`);
  const code = primaryCode(error);
  if (code === undefined) return error;
  const fault = (errorCode: ErrorCode, parts: ErrorParts) =>
    new TallystreamError(errorCode, { ...parts, cause: error });
  switch (code) {
    case BUSY:
    case LOCKED:
      return fault('LOG_UNAVAILABLE', {
        what: `The log ${path} is locked by another process.`,
        mend: 'Try again; if it stays so, find the process that is stopped in the middle of a write and end it.',
      });
    case FULL:
      return fault('STORAGE_FULL', {
        what: `The log ${path} cannot grow: the disk, or the bound set for the file, is full.`,
        mend: 'Free space on the disk or shorten the retention; nothing of this write was kept.',
      });
    case CORRUPT:
      return fault('LOG_CORRUPT', {
        what: `The log ${path} is damaged: ${(error as Error).message}.`,
        mend: 'Restore the file from a copy, or move it away (with its -wal and -shm) and produce the records again.',
      });
    case NOTADB:
      return fault('LOG_UNAVAILABLE', {
        what: `The file ${path} is not a log: it is not a SQLite database.`,
        mend: 'Name another path, or move the file away.',
      });
    case READONLY:
    case CANTOPEN:
      return fault('LOG_UNAVAILABLE', {
        what: `The log ${path} cannot be opened for writing.`,
        why: `SQLite says: ${(error as Error).message}.`,
        mend: 'Check that the folder exists and that this user may write to it and to the file.',
      });
    case IOERR:
      return fault('LOG_UNAVAILABLE', {
        what: `The disk failed under the log ${path}.`,
        why: `SQLite says: ${(error as Error).message}.`,
        mend: 'Check the free space and the health of the disk, then try again.',
      });
    default:
      // A statement that SQLite refuses for another reason is a mistake of this folder, and no one else can mend it.
      return Object.assign(
        new InvariantError(`SQLite refused a statement on ${path}: ${(error as Error).message}`),
        {
          cause: error,
        },
      );
  }
}

function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number')
    return undefined;
  return error.errcode & 0xff;
}

/** What node:sqlite throws where the connection, and with it every statement, is closed. */
function isClosed(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_INVALID_STATE';
}
