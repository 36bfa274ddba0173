/** What the system says of a call that failed, without the path, which the line names already. */
import { getSystemErrorMessage } from 'node:util';

/** `permission denied (EACCES)`. */
export function systemReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { errno, code } = error as NodeJS.ErrnoException;
  return errno === undefined || code === undefined
    ? error.message
    : `${getSystemErrorMessage(errno)} (${code})`;
}
