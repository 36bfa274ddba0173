import { dirname } from 'node:path';
import type { Clock } from '../contracts/clock.ts';
import { TallystreamError } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';

/** A killed process may take a moment to be gone. */
const WAIT_MS_MAX = 2_000;
const ASK_EVERY_MS = 50;

/**
 * Keeps a second producer of the same name out, until `release` is called or the process dies: an exclusive SQLite
 * transaction is a lock that the operating system frees by itself, so a kill leaves nothing to clean up.
 * @throws CHECKPOINT_LOCKED where another process still has it after two seconds
 */
export async function lockName(path: string, name: string, clock: Clock): Promise<{ release(): void }> {
  // Only a resumed delivery needs SQLite here; the others start without loading it.
  const { DatabaseSync } = await import('node:sqlite');
  makeFolder(dirname(path));
  const database = new DatabaseSync(path, { timeout: 0 });
  const askedAtMs = clock.monotonicMs();
  for (;;) {
    try {
      database.exec('BEGIN EXCLUSIVE');
      return { release: () => database.close() };
    } catch (error) {
      if (clock.monotonicMs() - askedAtMs >= WAIT_MS_MAX) {
        database.close();
        throw new TallystreamError('CHECKPOINT_LOCKED', {
          what: `Another producer with the name '${name}' is running.`,
          mend: 'Stop it first, or take another name for --resume.',
          cause: error,
        });
      }
      await clock.sleep(ASK_EVERY_MS);
    }
  }
}
