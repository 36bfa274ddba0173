/**
 * One runner at a time: an exclusive transaction on a file of its own. The kernel frees it when the process ends in
 * whatever way, so there is never a stale lock to remove. Nothing else may open the file in this process: closing any
 * descriptor of it would give a POSIX lock up.
 */
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import type { Clock } from '../contracts/clock.ts';
import { TallystreamError } from '../errors.ts';
import { firstCell } from './database.ts';
import { isBusy } from './failure.ts';

const RETRY_MS = 25;
/** The `user_version` of a lock's file, which is 0 in one that was never written. */
const CONTENT_NOTED = 1;

export class RunnerLock {
  private readonly database: DatabaseSync;

  constructor(location: string) {
    // It answers at once; waiting is done between tries, where the process can still hear a signal.
    this.database = new DatabaseSync(join(location, 'lock.db'), { returnArrays: true, timeout: 0 });
  }

  get held(): boolean {
    return this.database.isTransaction;
  }

  /** True where this process holds the lock now; some microseconds, so that it can be asked at every commit. */
  tryAcquire(): boolean {
    if (this.held) return true;
    try {
      this.database.exec('BEGIN EXCLUSIVE');
      return true;
    } catch (error) {
      if (isBusy(error)) return false;
      throw error;
    }
  }

  /** Tries again until `timeoutMs` have passed. */
  async acquire(clock: Clock, timeoutMs: number): Promise<boolean> {
    const endMs = clock.monotonicMs() + timeoutMs;
    while (!this.tryAcquire()) {
      const leftMs = endMs - clock.monotonicMs();
      if (leftMs <= 0) return false;
      await clock.sleep(Math.min(RETRY_MS, leftMs));
    }
    return true;
  }

  /**
   * Whether {@link noteContent} was called in this folder, at any time. False, too, where the lock is not held, since
   * its holder lets nobody read.
   */
  get isContentNoted(): boolean {
    return this.held && firstCell(this.database.prepare('PRAGMA user_version')) === CONTENT_NOTED;
  }

  /**
   * Keeps in the lock's own file that the checkpoint beside it has content: one that is found empty later has lost it.
   * Called for every runner; it writes once in the life of a folder. The lock is given up for that moment.
   * @returns false where another process took the lock in that moment
   */
  noteContent(): boolean {
    if (!this.held || this.isContentNoted) return true;
    this.database.exec(`PRAGMA user_version = ${CONTENT_NOTED}; COMMIT`);
    return this.tryAcquire();
  }

  /** Closing ends the transaction. */
  release(): void {
    this.database.close();
  }
}

export function lockedError(location: string, holder: string | undefined): TallystreamError {
  return new TallystreamError('CHECKPOINT_LOCKED', {
    what: `The checkpoint in ${location} is in use by another query process${holder === undefined ? '' : `: ${holder}`}.`,
    why: 'Two at once would count the same events twice.',
    mend: 'Stop the other one first. Where it is stopped and not dead (Ctrl-Z, a frozen container), start with --take-over: when it wakes, its commits are refused.',
  });
}
