/** What a reader sees: the state of one commit, with its seal. */
import type { DatabaseSync } from 'node:sqlite';
import { checkNoted, readNote } from './commit-note.ts';
import { inSnapshot } from '../connection.ts';
import type { Seal } from './seal.ts';
import { readSeal } from './seal-row.ts';

/**
 * Everything that `read` reads belongs to one commit. It gets the seal of that commit, or undefined if the checkpoint is not
 * sealed yet. A nested call uses the existing snapshot.
 * @throws CHECKPOINT_CORRUPT if a later commit was made in this folder
 */
export function inSealedSnapshot<T>(
  database: DatabaseSync,
  location: string,
  read: (seal: Seal | undefined) => T,
): T {
  if (database.isTransaction) return read(readSeal(database, location));
  // Read before the snapshot, which then belongs to the noted commit or a later one.
  const noted = readNote(location);
  return inSnapshot(database, () => {
    const seal = readSeal(database, location);
    if (seal !== undefined) checkNoted(location, seal, noted);
    return read(seal);
  });
}
