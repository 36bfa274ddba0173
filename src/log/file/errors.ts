/** What can be wrong with a file or a folder of the file source, in words that say which file, why, and how to mend it. */
import { RECORD_VALUE_BYTES_MAX } from '../../contracts/log.ts';
import { TallystreamError } from '../../errors.ts';
import type { IndexedFile } from './index-db.ts';
import { LineTooLongError } from './lines.ts';

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

/** The folder cannot be listed. */
export function folderUnavailable(folder: string, cause: unknown): TallystreamError {
  return new TallystreamError('LOG_UNAVAILABLE', {
    what: `The folder ${folder} cannot be listed.`,
    why: `The system says: ${messageOf(cause)}.`,
    mend: 'Bring the folder back, or let this user read it.',
    cause,
  });
}

export function nameUnreadable(folder: string, name: string): TallystreamError {
  return new TallystreamError('INPUT_UNREADABLE', {
    what: `A file in ${folder} has a name that is not UTF-8: ${JSON.stringify(name)}.`,
    mend: 'Rename it.',
  });
}

/** A file that was not seen before cannot be taken in. */
export function notTakenIn(path: string, cause: unknown): TallystreamError {
  if (cause instanceof LineTooLongError) {
    return new TallystreamError('RECORD_TOO_LARGE', {
      what: `Line ${cause.line} of the file ${path} has more than ${RECORD_VALUE_BYTES_MAX} bytes.`,
      why: 'A record holds no more. Nothing of the file was read.',
      mend: 'Is it really one JSON object a line? Otherwise take the line out, or move the file away.',
      cause,
    });
  }
  return new TallystreamError('INPUT_UNREADABLE', {
    what: `The file ${path} cannot be read.`,
    why: `The system says: ${messageOf(cause)}. Nothing of the file was read.`,
    mend: 'Mend the file or let this user read it, or move it away.',
    cause,
  });
}

/** A file grew or shrank while its lines were counted: it was not moved in, but is written where it lies. */
export function stillWritten(path: string): TallystreamError {
  return new TallystreamError('LOG_UNAVAILABLE', {
    what: `The file ${path} changed while it was looked at.`,
    why: 'Files are taken to be complete when they appear, and this one is still being written. Nothing of it was read.',
    mend: 'Write files under a name that begins with a dot or ends in .tmp, or in another folder of the same disk, and rename them when they are complete.',
  });
}

export function gone(path: string, topic: string, file: IndexedFile, cause: unknown): TallystreamError {
  return new TallystreamError('DATA_LOSS', {
    what: `The file ${path} is gone, with offsets ${offsetsOf(file)} of topic ${topic}, which are still to be read.`,
    why: 'It was seen and has its place in the order; files may go only when the query has committed them.',
    mend: 'Put the file back under its name, go on without it (failOnDataLoss false), or start the query again with a new checkpoint.',
    cause,
  });
}

export function unreadable(path: string, topic: string, file: IndexedFile, cause: unknown): TallystreamError {
  return new TallystreamError('LOG_UNAVAILABLE', {
    what: `The file ${path}, with offsets ${offsetsOf(file)} of topic ${topic}, cannot be read.`,
    why: `The system says: ${messageOf(cause)}.`,
    mend: 'Let this user read the file, or check the disk, and try again.',
    cause,
  });
}

/** `how` is a part of a sentence: `it had 10 bytes and has 12`. */
export function changed(
  path: string,
  topic: string,
  file: IndexedFile,
  how: string,
  cause?: unknown,
): TallystreamError {
  return new TallystreamError('LOG_CORRUPT', {
    what: `The file ${path}, with offsets ${offsetsOf(file)} of topic ${topic}, was changed after it was seen: ${how}.`,
    why: 'A file is read once and as it was when it was seen; a later content under its name would be mixed with it, or missed.',
    mend: 'Put the file back as it was and give new content a name of its own, or start the query again with a new checkpoint.',
    cause,
  });
}

function offsetsOf({ firstOffset, lines }: IndexedFile): string {
  if (lines === 0) return 'none';
  return `${firstOffset} to ${firstOffset + lines - 1}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
