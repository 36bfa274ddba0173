/** Notices a log whose file was deleted or replaced while it is open: the system would let us write into nothing. */
import { statSync } from 'node:fs';
import { movedError } from './errors.ts';

/** Remembers which file is at `path` now, and throws LOG_UNAVAILABLE when called once another or none does. */
export function watchPresence(path: string): () => void {
  const opened = identify(path);
  return () => {
    if (identify(path) === opened) return;
    throw movedError(path);
  };
}

function identify(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats && `${stats.dev}:${stats.ino}`;
}
