/** The system's message for a failed call, without the path, which the line already names. */
import { getSystemErrorMessage } from 'node:util';

/** `permission denied (EACCES)`. */
export function systemReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { errno, code } = error as NodeJS.ErrnoException;
  return errno === undefined || code === undefined
    ? error.message
    : `${getSystemErrorMessage(errno)} (${code})`;
}
