/** Translates errors of SQLite and of the system into this project's errors. */
import { InvariantError, TallystreamError } from '../errors.ts';
import { storageFailureOf } from '../sqlite/errors.ts';
import { checkpointFile } from './connection.ts';

/** Where a failure happened, for its message. */
export interface FailurePlace {
  readonly location: string;
  /** A sentence that says which process holds the file. Called only if the message needs it. */
  readonly holder?: () => string;
}

/** The error to throw instead of `error`. Our own errors are returned unchanged. */
export function checkpointFailure(error: unknown, place: FailurePlace): unknown {
  if (error instanceof TallystreamError) return error;
  const failure = storageFailureOf(error, checkpointFile(place.location));
  if (failure === undefined) return error;
  const { location } = place;
  switch (failure.kind) {
    case 'locked':
      return busy(place, error);
    case 'full':
      return full(location, error);
    case 'inaccessible':
      return inaccessible(location, failure.reason, error);
    case 'disk':
    case 'memory':
      return unavailable(location, failure.reason, error);
    case 'moved':
      return movedError(location, error);
    case 'damaged':
    case 'not a database':
      return corrupt(location, failure.reason, error);
    case 'statement':
      return unexpected(location, error as Error);
  }
}

function unexpected(location: string, error: Error): InvariantError {
  return new InvariantError(`SQLite rejected a statement on ${location}: ${error.message}`, {
    cause: error,
  });
}

/** Runs `action`. If it fails, throws the error from {@link checkpointFailure}. */
export function guarded<T>(place: FailurePlace, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw checkpointFailure(error, place);
  }
}

/** The same for a generator of rows. */
export function* guardedRows<T>(place: FailurePlace, rows: () => Iterable<T>): Generator<T, void, undefined> {
  try {
    yield* rows();
  } catch (error) {
    throw checkpointFailure(error, place);
  }
}

/** For content that is certainly not what was written. For a failed call, use {@link unavailable}. */
export function corrupt(location: string, why: string, cause?: unknown): TallystreamError {
  return new TallystreamError('CHECKPOINT_CORRUPT', {
    what: `The checkpoint in ${location} is damaged.`,
    why,
    hint: 'Check the disk, and run `tallystream checkpoint verify`. If it finds damage, restore a copy of the folder. Only if you have no copy, move the folder away: the query then reads its topic from the start.',
    cause,
  });
}

/** A call failed, which does not mean that the stored data is damaged. */
function unavailable(location: string, reason: string, cause: unknown): TallystreamError {
  return new TallystreamError('CHECKPOINT_UNAVAILABLE', {
    what: `The checkpoint in ${location} could not be read or written.`,
    why: `${reason} This does not mean that the stored data is damaged: all commits are kept.`,
    hint: 'Look for the cause in the system log (disk, memory, limits of open files and of file sizes), then start again: the query continues after its last commit. Do not change the folder.',
    cause,
  });
}

/** The folder, or a file in it, cannot be opened or written with the permissions of this process. */
export function inaccessible(location: string, reason: string, cause?: unknown): TallystreamError {
  return new TallystreamError('CONFIG_INVALID', {
    what: `The checkpoint folder ${location} cannot be used.`,
    why: `${reason} SQLite must read and write its files there, even to read the checkpoint: readers and the runner share a file.`,
    hint: 'Allow this user to write to the folder, copy the folder to a place where it may write, or set query.checkpoint_location to another folder.',
    cause,
  });
}

function full(location: string, cause: unknown): TallystreamError {
  return new TallystreamError('STORAGE_FULL', {
    what: `The disk is full, or a quota is exceeded: the checkpoint in ${location}, or its temporary file, cannot grow.`,
    why: 'Nothing of the batch was committed.',
    hint: 'Free some space on that disk and on the disk for temporary files. Then start again: the query continues after its last commit.',
    cause,
  });
}

/** The files were moved, deleted or replaced while they were in use. */
export function movedError(location: string, cause?: unknown): TallystreamError {
  return new TallystreamError('CHECKPOINT_CORRUPT', {
    what: `The checkpoint in ${location} was deleted or replaced while the query was running.`,
    why: 'A commit now would be lost, and another query may have started in the same place.',
    hint: 'Restore the folder; or start again. If the checkpoint is gone, the query then counts from the beginning.',
    cause,
  });
}

function busy({ location, holder }: FailurePlace, cause: unknown): TallystreamError {
  return new TallystreamError('CHECKPOINT_LOCKED', {
    what: `The checkpoint in ${location} cannot be written: another process is in the middle of a write.`,
    ...(holder === undefined ? {} : { why: holder() }),
    hint: 'Wait for that process, or end it: its uncommitted changes are rolled back. Then start again.',
    cause,
  });
}
