/** Turns what SQLite and the system say into the project's errors. */
import { InvariantError, TallystreamError } from '../errors.ts';
import { storageFailureOf } from '../sqlite/errors.ts';
import { checkpointFile } from './connection.ts';

/** Where a failure happened, for its message. */
export interface FailurePlace {
  readonly location: string;
  /** Finds out which process holds the file, in a sentence; asked only where that matters. */
  readonly holder?: () => string;
}

/** The error that is thrown out of this folder in place of `error`: an error of ours passes as it is. */
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
  return new InvariantError(`SQLite refused what was asked of ${location}: ${error.message}`, {
    cause: error,
  });
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
  return error instanceof Error && 'errcode' in error && storageFailureOf(error, '')?.kind === 'locked';
}

/** For content that is proven not to be what was written; a call that failed is {@link unavailable}. */
export function corrupt(location: string, why: string, cause?: unknown): TallystreamError {
  return new TallystreamError('CHECKPOINT_CORRUPT', {
    what: `The checkpoint in ${location} cannot be read as it was written.`,
    why,
    mend: 'Check the disk, and run `tallystream checkpoint verify`. If it finds damage, put back a copy of the folder. Only if there is none, move the folder away: the query then reads its topic from the start.',
    cause,
  });
}

/** A call failed, and that says nothing about what is stored. */
function unavailable(location: string, reason: string, cause: unknown): TallystreamError {
  return new TallystreamError('CHECKPOINT_UNAVAILABLE', {
    what: `The checkpoint in ${location} could not be read or written.`,
    why: `${reason} That says nothing about what is stored: every commit that was made is kept.`,
    mend: "Look for the cause in the system's log (disk, memory, limits of open files and of file sizes), then start again: the query goes on after its last commit. Keep the folder as it is.",
    cause,
  });
}

/** The folder, or a file in it, cannot be opened or written with the rights of this process. */
export function inaccessible(location: string, reason: string, cause?: unknown): TallystreamError {
  return new TallystreamError('CONFIG_INVALID', {
    what: `The checkpoint folder ${location} cannot be used.`,
    why: `${reason} SQLite needs to read and to write its files there, for a reader too: readers and the runner meet in a shared file.`,
    mend: 'Give this user the right to write to the folder, copy the folder to where it has it, or set query.checkpoint_location to another place.',
    cause,
  });
}

function full(location: string, cause: unknown): TallystreamError {
  return new TallystreamError('STORAGE_FULL', {
    what: `The disk is full, or a quota is reached: the checkpoint in ${location}, or its temporary file, cannot grow.`,
    why: 'Nothing of the batch was committed.',
    mend: 'Free some space on that disk and on the one for temporary files; the query goes on where it was.',
    cause,
  });
}

/** The files were moved, deleted or replaced under their user. */
export function movedError(location: string, cause?: unknown): TallystreamError {
  return new TallystreamError('CHECKPOINT_CORRUPT', {
    what: `The checkpoint in ${location} was deleted or replaced while the query was running.`,
    why: 'A commit now would be in no file, and another query may have begun in its place.',
    mend: 'Bring the folder back; or start again, which counts from the beginning if the checkpoint is gone.',
    cause,
  });
}

function busy({ location, holder }: FailurePlace, cause: unknown): TallystreamError {
  return new TallystreamError('CHECKPOINT_LOCKED', {
    what: `The checkpoint in ${location} cannot be written: another process is in the middle of a write.`,
    ...(holder === undefined ? {} : { why: holder() }),
    mend: 'Wait for that process, or end it; what it has not committed is undone. Then start again.',
    cause,
  });
}
