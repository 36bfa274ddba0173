/** Asks SQLite whether the checkpoint's file is sound: its pages, rows and constraints, but not its indexes. */
import { statSync } from 'node:fs';
import { allRows, checkpointFile, openViewDatabase } from '../connection.ts';
import { guarded } from '../errors.ts';

export type Integrity =
  | { readonly kind: 'sound' }
  /** SQLite's message for the first problem. */
  | { readonly kind: 'damaged'; readonly problem: string }
  /** The file is larger than the given limit. The check reads every page, so it takes as long as reading the file. */
  | { readonly kind: 'too large'; readonly bytes: number };

/**
 * Writes nothing. Blocks this thread for about 5 ms per MiB if the file is cached in memory.
 * @throws CHECKPOINT_CORRUPT, CHECKPOINT_LOCKED, CONFIG_INVALID (the folder cannot be used)
 */
export function quickCheck({
  location,
  bytesMax,
}: {
  readonly location: string;
  readonly bytesMax: number;
}): Integrity {
  return guarded({ location }, () => {
    const bytes = statSync(checkpointFile(location)).size;
    if (bytes > bytesMax) return { kind: 'too large', bytes };
    const database = openViewDatabase(location);
    try {
      // https://www.sqlite.org/pragma.html#pragma_quick_check; the argument limits the number of problems.
      const [first] = allRows(database.prepare('PRAGMA quick_check(1)'));
      const problem = String(first?.[0]);
      return problem === 'ok' ? { kind: 'sound' } : { kind: 'damaged', problem };
    } finally {
      database.close();
    }
  });
}
