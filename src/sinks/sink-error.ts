/** What a sink throws in place of a failure of the system or of SQLite. */
import { InvariantError, TallystreamError } from '../errors.ts';

/** SQLite's primary result code for a full disk (https://www.sqlite.org/rescode.html), and the system's names for it. */
const SQLITE_FULL = 13;
const FULL: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);

/** An error of ours passes as it is; of anything else it says what could not be written. */
export function sinkFailure(error: unknown, place: string): unknown {
  if (error instanceof TallystreamError || error instanceof InvariantError || !(error instanceof Error))
    return error;
  const { code, errcode } = error as Error & { code?: unknown; errcode?: unknown };
  const isFull = FULL.has(code) || (typeof errcode === 'number' && (errcode & 0xff) === SQLITE_FULL);
  return new TallystreamError(isFull ? 'STORAGE_FULL' : 'SINK_FAILED', {
    what: `The output ${place} could not be written.`,
    why: `${typeof errcode === 'number' ? 'SQLite' : 'The system'} says: ${error.message}.`,
    hint: isFull
      ? 'Free some disk space, then start the query again; it continues with this batch.'
      : 'Fix the cause, then start the query again; it continues with this batch.',
    cause: error,
  });
}
