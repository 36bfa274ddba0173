/** Opens the checkpoint that is there, for reading. */
import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { TallystreamError } from '../../errors.ts';
import { checkpointFile, openViewDatabase } from '../connection.ts';
import { corrupt, guarded } from '../errors.ts';
import { checkTables } from '../tables/schema-check.ts';
import { readNote } from '../seals/commit-note.ts';
import { viewOldTables } from '../seals/migrate.ts';
import { inspectTables } from '../tables/tables.ts';

/**
 * The file, for reading, once it is known to be a checkpoint of this version.
 * @throws CHECKPOINT_NOT_FOUND, CHECKPOINT_VERSION, CHECKPOINT_CORRUPT, CONFIG_INVALID (the folder cannot be used)
 */
export function openPresent(location: string): DatabaseSync {
  const place = { location };
  const stats = guarded(place, () => statSync(checkpointFile(location), { throwIfNoEntry: false }));
  if (stats === undefined) throw notFound(location);
  const database = guarded(place, () => openViewDatabase(location));
  try {
    // A runner makes the file first and its tables then, in one transaction.
    const tables = guarded(place, () => inspectTables(database, location));
    if (tables === 'empty' && readNote(location) !== undefined) {
      throw corrupt(location, 'Its checkpoint.db is empty, and was not when a query last used it.');
    }
    if (tables === 'empty') throw notFound(location);
    guarded(place, () => checkTables(database, location));
    guarded(place, () => viewOldTables(database, tables === 'unsealed'));
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function notFound(location: string): TallystreamError {
  return new TallystreamError('CHECKPOINT_NOT_FOUND', {
    what: `There is no checkpoint in ${location}.`,
    why: 'The query makes it when it runs for the first time.',
    hint: 'Run the query first, or check query.name, query.checkpoint_location, the topic and the data folder.',
  });
}
