/** Says of a sum that does not fit which measure of which group it is. */
import type { GroupCell } from '../../contracts/batch.ts';
import { TallystreamError } from '../../errors.ts';

/** The error with its place in front; any other error as it is. */
export function overflowIn(error: unknown, place: string): unknown {
  if (!(error instanceof TallystreamError) || error.code !== 'SUM_OVERFLOW') return error;
  return new TallystreamError('SUM_OVERFLOW', {
    what: `${place}: ${error.what}`,
    ...(error.why !== undefined && { why: error.why }),
    ...(error.hint !== undefined && { hint: error.hint }),
    cause: error.cause,
  });
}

export function groupText(key: readonly GroupCell[]): string {
  return `Group ${JSON.stringify(key)}`;
}
