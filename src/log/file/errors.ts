/** Errors of the file source. Each names the file, the reason and the fix. */
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
    hint: 'Restore the folder, or give this user read access.',
    cause,
  });
}

export function nameUnreadable(folder: string, name: string): TallystreamError {
  return new TallystreamError('INPUT_UNREADABLE', {
    what: `A file in ${folder} has a name that is not UTF-8: ${JSON.stringify(name)}.`,
    hint: 'Rename it.',
  });
}

/** A file that was not seen before cannot be taken in. */
export function notTakenIn(path: string, cause: unknown): TallystreamError {
  if (cause instanceof LineTooLongError) {
    return new TallystreamError('RECORD_TOO_LARGE', {
      what: `Line ${cause.line} of the file ${path} has more than ${RECORD_VALUE_BYTES_MAX} bytes.`,
      why: 'That is the size limit of a record. No line of the file was read.',
      hint: 'Check that the file has one JSON object per line. If it does, remove this line or move the file away.',
      cause,
    });
  }
  return new TallystreamError('INPUT_UNREADABLE', {
    what: `The file ${path} cannot be read.`,
    why: `The system says: ${messageOf(cause)}. No line of the file was read.`,
    hint: 'Repair the file, give this user read access, or move the file away.',
    cause,
  });
}

/** A file grew or shrank while its lines were counted, so it is being written in place instead of being moved in. */
export function stillWritten(path: string): TallystreamError {
  return new TallystreamError('LOG_UNAVAILABLE', {
    what: `The file ${path} changed while it was being indexed.`,
    why: 'A file must be complete when it appears, and this one is still being written. No line of it was read.',
    hint: 'Write files under a name that begins with a dot or ends in .tmp, or in another folder on the same disk. Rename them when they are complete.',
  });
}

export function gone(path: string, topic: string, file: IndexedFile, cause: unknown): TallystreamError {
  return new TallystreamError('DATA_LOSS', {
    what: `The file ${path} is missing. It contains offsets ${offsetsOf(file)} of topic ${topic}, which have not been read yet.`,
    why: 'It was indexed before. A file may be removed only after the query has committed it.',
    hint: 'Put the file back under the same name, continue without it (failOnDataLoss false), or start the query again with a new checkpoint.',
    cause,
  });
}

export function unreadable(path: string, topic: string, file: IndexedFile, cause: unknown): TallystreamError {
  return new TallystreamError('LOG_UNAVAILABLE', {
    what: `The file ${path}, with offsets ${offsetsOf(file)} of topic ${topic}, cannot be read.`,
    why: `The system says: ${messageOf(cause)}.`,
    hint: 'Give this user read access or check the disk, then try again.',
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
    what: `The file ${path}, with offsets ${offsetsOf(file)} of topic ${topic}, was changed after it was indexed: ${how}.`,
    why: 'A file is read once, with the contents it had when it was indexed. Later changes would be mixed with the old lines or missed.',
    hint: 'Restore the file and put new contents into a file with a new name, or start the query again with a new checkpoint.',
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
