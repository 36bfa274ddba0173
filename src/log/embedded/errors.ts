/** Translates failures of SQLite and of the system into TallystreamErrors. */
import { InvariantError, TallystreamError, type ErrorCode, type ErrorParts } from '../../errors.ts';
import { holdersOf, holderText, howToFindHolder } from '../../sqlite/lock-holder.ts';
import { storageFailureOf } from '../../sqlite/errors.ts';

/** Runs `act`, and translates a failure of SQLite into a TallystreamError. */
export function guarded<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw sqliteFault(path, error);
  }
}

/** The error to throw for what SQLite or the system threw; anything else comes back as it is. */
function sqliteFault(path: string, error: unknown): unknown {
  if (error instanceof TallystreamError) return error;
  if (isClosed(error)) return new InvariantError(`the log ${path} was used after it was closed`);
  const failure = storageFailureOf(error, path);
  if (failure === undefined) return error;
  const why = failure.reason;
  const fault = (errorCode: ErrorCode, parts: ErrorParts) =>
    new TallystreamError(errorCode, { ...parts, cause: error });
  switch (failure.kind) {
    case 'locked':
      return fault('LOG_UNAVAILABLE', {
        what: `The log ${path} is locked by ${writersOf(path)}.`,
        hint: `Try again. If it stays locked, that process may be suspended in the middle of a write: resume or end it. Its uncommitted records are rolled back. ${howToFindHolder(path)}`,
      });
    case 'full':
      return fault('STORAGE_FULL', {
        what: `The log ${path} cannot grow: the disk is full, or a quota or the size limit of the file is reached.`,
        hint: 'Free some disk space or shorten the retention. None of this write was stored.',
      });
    case 'damaged':
      return fault('LOG_CORRUPT', {
        what: `The log ${path} is damaged.`,
        why,
        hint: 'Restore the file from a copy, or move it away (with its -wal and -shm) and produce the records again.',
      });
    case 'not a database':
      return fault('LOG_UNAVAILABLE', {
        what: `The file ${path} is not a log: it is not a SQLite database.`,
        hint: 'Choose another path, or move the file away.',
      });
    case 'inaccessible':
      return fault('LOG_UNAVAILABLE', {
        what: `The log ${path} cannot be opened for writing.`,
        why,
        hint: 'Check that the folder exists and that this user may write to it and to the file.',
      });
    case 'moved':
      return movedError(path);
    case 'disk':
    case 'memory':
      return fault('LOG_UNAVAILABLE', {
        what: `The log ${path} could not be read or written.`,
        why: `${why} This does not mean that stored records are damaged.`,
        hint: 'Look for the cause in the system log (disk, memory, limits on open files and file sizes), then try again. Do not change the file.',
      });
    case 'statement':
      // A statement that SQLite refuses for another reason is a mistake of this folder, and no one else can fix it.
      return new InvariantError(`SQLite refused a statement on ${path}: ${(error as Error).message}`, {
        cause: error,
      });
  }
}

export function movedError(path: string): TallystreamError {
  return new TallystreamError('LOG_UNAVAILABLE', {
    what: `The log ${path} was deleted or replaced while it was in use.`,
    why: 'New writes would be lost.',
    hint: 'Restore the file, or start again with a new, empty log.',
  });
}

function writersOf(path: string): string {
  const holders = holdersOf([path, `${path}-shm`]);
  return holders.length === 0 ? 'another process' : holders.map(holderText).join(' or ');
}

/** What node:sqlite throws if the connection, and with it every statement, is closed. */
function isClosed(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_INVALID_STATE';
}
