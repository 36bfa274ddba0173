/** Turns what SQLite says into the project's errors: the one place that knows its result codes. */
import { InvariantError, TallystreamError } from '../errors.ts';

// Primary result codes, https://www.sqlite.org/rescode.html; an extended code has its primary one in the low byte.
const ERROR = 1;
const PERM = 3;
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** Where a failure happened, for its message. */
export interface FailurePlace {
  readonly location: string;
  /** Finds out which process holds the lock, in words; asked only where that matters. */
  readonly holder?: () => string | undefined;
}

/** The error that is thrown out of this folder in place of `error`: an error of ours passes as it is. */
export function checkpointFailure(error: unknown, place: FailurePlace): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  // A number beyond 2^53 can only have been written by somebody else.
  if (error.code === 'ERR_OUT_OF_RANGE') return corrupt(place.location, error.message, error);
  const code = primaryCode(error);
  if (code === undefined) return error;
  switch (code) {
    case BUSY:
    case LOCKED:
      return busy(place, error);
    case FULL:
      return full(place.location, error);
    case PERM:
    case READONLY:
    case CANTOPEN:
      return inaccessible(place.location, error);
    case IOERR:
    case CORRUPT:
    case NOTADB:
      return corrupt(place.location, `SQLite says: ${error.message}.`, error);
    case ERROR:
      // The general code: only a table or column that somebody took away is a fault of the file.
      if (/^no such (table|column)|has no column named/.test(error.message))
        return corrupt(place.location, error.message, error);
      return unexpected(place.location, error);
    default:
      return unexpected(place.location, error);
  }
}

function unexpected(location: string, error: Error): InvariantError {
  return new InvariantError(`SQLite refused what was asked of ${location}: ${error.message}`);
}

/** Runs `action`, and throws what {@link checkpointFailure} makes of its failure. */
export function guarded<T>(place: FailurePlace, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw checkpointFailure(error, place);
  }
}

/** The same for what is read row by row. */
export function* guardedRows<T>(place: FailurePlace, rows: () => Iterable<T>): Generator<T, void, undefined> {
  try {
    yield* rows();
  } catch (error) {
    throw checkpointFailure(error, place);
  }
}

export function isBusy(error: unknown): boolean {
  return error instanceof Error && primaryCode(error) === BUSY;
}

export function corrupt(location: string, why: string, cause?: unknown): TallystreamError {
  return new TallystreamError('CHECKPOINT_CORRUPT', {
    what: `The checkpoint in ${location} cannot be read as it was written.`,
    why,
    mend: 'Check the disk, then put back a copy of the folder; or delete the folder, and the query reads its topic from the start.',
    cause,
  });
}

/** The folder, or a file in it, cannot be opened or written with the rights of this process. */
export function inaccessible(location: string, cause: Error): TallystreamError {
  return new TallystreamError('CONFIG_INVALID', {
    what: `The checkpoint folder ${location} cannot be used: ${cause.message}.`,
    why: 'SQLite needs to read and to write its files there, for a reader too: readers and the runner meet in a shared file.',
    mend: 'Give this user the right to write to the folder, copy the folder to where it has it, or set query.checkpoint_location to another place.',
    cause,
  });
}

export function full(location: string, cause: unknown): TallystreamError {
  return new TallystreamError('STORAGE_FULL', {
    what: `The disk is full: the checkpoint in ${location}, or its temporary file, cannot grow.`,
    why: 'Nothing of the batch was committed.',
    mend: 'Free some space on that disk and on the one for temporary files; the query goes on where it was.',
    cause,
  });
}

function busy(place: FailurePlace, cause: unknown): TallystreamError {
  const holder = place.holder?.();
  return new TallystreamError('CHECKPOINT_LOCKED', {
    what: `The checkpoint in ${place.location} cannot be written: another process is in the middle of a write.`,
    why: `It is probably a process that was stopped there, and has not ended${holder === undefined ? '' : ` (${holder})`}.`,
    mend: 'End that process (kill -9 is safe: its unfinished write is undone), then start again.',
    cause,
  });
}

function primaryCode(error: Error): number | undefined {
  return 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}
