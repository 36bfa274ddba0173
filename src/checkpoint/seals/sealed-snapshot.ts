/** What a reader sees: the state of one commit, with the seal that says what belongs to it. */
import type { DatabaseSync } from 'node:sqlite';
import { checkNoted, readNote } from './commit-note.ts';
import { inSnapshot } from '../connection.ts';
import type { Seal } from './seal.ts';
import { readSeal } from './seal-row.ts';

/**
 * Everything that `read` reads is of one commit, whose seal it is given: undefined in a checkpoint that was not sealed yet.
 * Within another call the snapshot is there already.
 * @throws CHECKPOINT_CORRUPT where a later commit was made in this folder
 */
export function inSealedSnapshot<T>(
  database: DatabaseSync,
  location: string,
  read: (seal: Seal | undefined) => T,
): T {
  if (database.isTransaction) return read(readSeal(database, location));
  // Before the snapshot, which is then of the commit that is noted or of a later one.
  const noted = readNote(location);
  return inSnapshot(database, () => {
    const seal = readSeal(database, location);
    if (seal !== undefined) checkNoted(location, seal, noted);
    return read(seal);
  });
}
