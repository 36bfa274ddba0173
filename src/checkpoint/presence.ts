/** Notices a checkpoint that was deleted or replaced under its runner: the system would let it commit into nothing. */
import { statSync } from 'node:fs';
import { checkpointFile } from './connection.ts';
import { movedError } from './errors.ts';

/** Remembers which file is the checkpoint now, and throws CHECKPOINT_CORRUPT when called once another or none is. */
export function watchPresence(location: string): () => void {
  const opened = identify(location);
  return () => {
    if (identify(location) === opened) return;
    throw movedError(location);
  };
}

function identify(location: string): string | undefined {
  const stats = statSync(checkpointFile(location), { throwIfNoEntry: false });
  return stats && `${stats.dev}:${stats.ino}`;
}
