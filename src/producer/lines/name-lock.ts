import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../../contracts/clock.ts';
import { TallystreamError } from '../../errors.ts';
import { isBusy } from '../../sqlite/errors.ts';
import { makeFolder, makePrivateFile } from '../../sqlite/make-folder.ts';
import { unusable } from './position-failure.ts';

/** A killed process may take a moment to be gone. */
const WAIT_MS_MAX = 2_000;
const ASK_EVERY_MS = 50;

/**
 * Keeps a second producer of the same name out, until `release` is called or the process dies: an exclusive SQLite
 * transaction is a lock that the operating system frees by itself, so a kill leaves nothing to clean up.
 * @throws CHECKPOINT_LOCKED if another process still has it after two seconds; CONFIG_INVALID if the file cannot be used
 */
export async function lockName(path: string, name: string, clock: Clock): Promise<{ release(): void }> {
  // Only a resumed delivery needs SQLite here; the others start without loading it.
  const { DatabaseSync } = await import('node:sqlite');
  makeLockFile(path);
  const database = inPlace(path, () => new DatabaseSync(path, { timeout: 0 }));
  const askedAtMs = clock.monotonicMs();
  for (;;) {
    try {
      database.exec('BEGIN EXCLUSIVE');
      return { release: () => database.close() };
    } catch (error) {
      if (!isBusy(error)) {
        database.close();
        throw notALock(path, error);
      }
      if (clock.monotonicMs() - askedAtMs >= WAIT_MS_MAX) {
        database.close();
        throw new TallystreamError('CHECKPOINT_LOCKED', {
          what: `Another producer with the name '${name}' is running.`,
          hint: 'Stop it first, or use another name for --resume.',
          cause: error,
        });
      }
      await clock.sleep(ASK_EVERY_MS);
    }
  }
}

/** For its user alone, and never through a link. */
function makeLockFile(path: string): void {
  inPlace(path, () => {
    makeFolder(dirname(path));
    makePrivateFile(path);
    if (!lstatSync(path).isFile()) throw new Error('it is not a file');
  });
}

function inPlace<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw unusable(path, error);
  }
}

function notALock(path: string, error: unknown): TallystreamError {
  return new TallystreamError('CONFIG_INVALID', {
    what: `The lock ${path} cannot be used.`,
    why: `SQLite says: ${(error as Error).message}.`,
    hint: 'Check that this user may write to it. If it is damaged, stop the producer of this name and remove the file: it contains no data.',
    cause: error,
  });
}
