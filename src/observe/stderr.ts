import { writeSync } from 'node:fs';

/** How long a line waits for a reader that has stopped reading, before it is dropped. */
const WAIT_MS_MAX = 1000;
const POLL_MS = 5;

export interface LineWriter {
  /** Writes whole lines before it returns. Never throws. */
  write(lines: string): void;
}

type WriteBytes = (fd: number, bytes: Uint8Array, offset: number) => number;

/**
 * Lines to a file descriptor, synchronously, so that nothing is lost however the process ends. A log that no one can read
 * must not stop the pipeline: a closed pipe silences it, and a pipe that stays full, or a full disk, costs the line.
 */
export function createLineWriter(fd: number, writeBytes: WriteBytes = writeSync): LineWriter {
  const idle = new Int32Array(new SharedArrayBuffer(4));
  let closed = false;
  // After one wait in vain the next lines are tried once each: a stuck reader costs a second, not a second a line.
  let stuck = false;
  let torn = false;

  /** Bytes written, or -1 where none could be. */
  const attempt = (bytes: Uint8Array, offset: number): number => {
    const attempts = stuck ? 1 : WAIT_MS_MAX / POLL_MS;
    for (let i = 0; i < attempts; i++) {
      try {
        return writeBytes(fd, bytes, offset);
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        if (code === 'EPIPE' || code === 'EBADF') closed = true;
        if (code !== 'EAGAIN') return -1;
        if (i + 1 < attempts) Atomics.wait(idle, 0, 0, POLL_MS);
      }
    }
    stuck = true;
    return -1;
  };

  return {
    write(lines) {
      if (closed) return;
      // A line that broke off is ended first, so that it spoils no other.
      const bytes = Buffer.from(torn ? `\n${lines}` : lines);
      for (let offset = 0; offset < bytes.length;) {
        const written = attempt(bytes, offset);
        if (written < 0) {
          torn ||= offset > 0;
          return;
        }
        stuck = false;
        offset += written;
      }
      torn = false;
    },
  };
}
