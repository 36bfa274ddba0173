/** Errors of the files in `<data-dir>/producers`. */
import { TallystreamError } from '../../errors.ts';

/** The position is there, but it cannot be used. */
export function unreadablePosition(path: string, why: string, cause?: unknown): TallystreamError {
  return new TallystreamError('INPUT_UNREADABLE', {
    what: `The position in ${path} cannot be read.`,
    why,
    hint: 'Restore the file, or remove it to deliver the input again from its first line.',
    cause,
  });
}

/** The error to throw if the system could not read the file. */
export function readFailure(path: string, error: unknown): TallystreamError {
  return unreadablePosition(path, reasonOf(error), error);
}

/** The error to throw if the system could not write the file. */
export function writeFailure(path: string, error: unknown): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new TallystreamError('STORAGE_FULL', {
      what: `The position cannot be stored in ${path}.`,
      why: reasonOf(error),
      hint: 'Free some disk space and run the same command again. It finds in the log what was delivered since the position was stored.',
      cause: error,
    });
  }
  if (PLACE_CODES.has(code)) return unusable(path, error);
  return new TallystreamError('DELIVERY_FAILED', {
    what: `The position cannot be stored in ${path}.`,
    why: reasonOf(error),
    hint: 'Check the disk and run the same command again. It finds in the log what was delivered since the position was stored.',
    cause: error,
  });
}

/** The folder, or what is at the path, cannot be used by this user. */
export function unusable(path: string, error: unknown): TallystreamError {
  return new TallystreamError('CONFIG_INVALID', {
    what: `The file ${path} cannot be written.`,
    why: reasonOf(error),
    hint: 'Give this user write access, remove what is in the way, or choose another folder with --data-dir.',
    cause: error,
  });
}

/** The system refuses the path itself: another attempt fails in the same way. */
const PLACE_CODES: ReadonlySet<string> = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOENT',
  'ENOTDIR',
  'EISDIR',
  'EEXIST',
  'ELOOP',
  'ENAMETOOLONG',
]);

function reasonOf(error: unknown): string {
  switch (codeOf(error)) {
    case 'EACCES':
    case 'EPERM':
      return 'This user does not have permission.';
    case 'EROFS':
      return 'The file system is read-only.';
    case 'EISDIR':
      return 'There is a folder at this path.';
    case 'ENOTDIR':
    case 'ENOENT':
      return 'The folder is missing, or a file has its name.';
    case 'ELOOP':
      return 'There is a symbolic link at this path.';
    case 'EEXIST':
      return 'Something else is at this path.';
    case 'ENOSPC':
      return 'The disk is full.';
    case 'EDQUOT':
      return "This user's quota is used up.";
    default:
      return `The system says: ${(error as Error).message}.`;
  }
}

export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^E[A-Z]+$/.test(code) ? code : undefined;
}
