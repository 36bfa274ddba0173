/** Detects a checkpoint that was deleted or replaced while its runner uses it: its commits would be lost unnoticed. */
import { statSync } from 'node:fs';
import { checkpointFile } from '../connection.ts';
import { movedError } from '../errors.ts';

/** Returns a function that throws CHECKPOINT_CORRUPT if the checkpoint's file is no longer the same one. */
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
