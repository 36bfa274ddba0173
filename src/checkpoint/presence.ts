/** Notices a checkpoint that was deleted or replaced under its runner: the system would let it commit into nothing. */
import { statSync } from 'node:fs';
import { TallystreamError } from '../errors.ts';
import { checkpointFile } from './database.ts';

/** Remembers which file is the checkpoint now, and throws CHECKPOINT_CORRUPT when called once another or none is. */
export function watchPresence(location: string): () => void {
  const opened = identify(location);
  return () => {
    if (identify(location) === opened) return;
    throw new TallystreamError('CHECKPOINT_CORRUPT', {
      what: `The checkpoint in ${location} was deleted or replaced while the query was running.`,
      why: 'A commit now would be in no file, and another query may have begun in its place.',
      mend: 'Bring the folder back; or start again, which counts from the beginning where the checkpoint is gone.',
    });
  };
}

function identify(location: string): string | undefined {
  const stats = statSync(checkpointFile(location), { throwIfNoEntry: false });
  return stats && `${stats.dev}:${stats.ino}`;
}
