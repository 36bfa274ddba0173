/**
 * One runner at a time: an exclusive transaction on a separate file. The kernel releases it when the process ends for any
 * reason, so there is never a stale lock to remove. Nothing else may open the file in this process: closing any descriptor
 * of it would release a POSIX lock.
 */
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import type { Clock } from '../../contracts/clock.ts';
import { TallystreamError } from '../../errors.ts';
import {
  holdersOf,
  holderText,
  howToFindHolder,
  isStillRunning,
  type NotedProcess,
} from '../../sqlite/lock-holder.ts';
import { makePrivateFile } from '../../sqlite/make-folder.ts';
import { checkpointFile, firstCell } from '../connection.ts';
import { isBusy } from '../../sqlite/errors.ts';

const RETRY_MS = 25;
/** The `user_version` of the lock file; 0 in a new file. */
const CONTENT_NOTED = 1;

export class RunnerLock {
  private readonly database: DatabaseSync;

  constructor(location: string) {
    makePrivateFile(lockFile(location));
    // Returns at once; we wait between tries, when the process can still handle a signal.
    this.database = new DatabaseSync(lockFile(location), { returnArrays: true, timeout: 0 });
  }

  get held(): boolean {
    return this.database.isTransaction;
  }

  /** Whether this process holds the lock now. Takes some microseconds, so every commit can call it. */
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

  /**
   * Tries again until `timeoutMs` have passed.
   * @param look called before every try
   * @returns whether the lock is held, and the result of the last call of `look`
   */
  async acquire<T>(clock: Clock, timeoutMs: number, look: () => T): Promise<{ isHeld: boolean; seen: T }> {
    const endMs = clock.monotonicMs() + timeoutMs;
    for (;;) {
      const seen = look();
      if (this.tryAcquire()) return { isHeld: true, seen };
      const leftMs = endMs - clock.monotonicMs();
      if (leftMs <= 0) return { isHeld: false, seen };
      await clock.sleep(Math.min(RETRY_MS, leftMs));
    }
  }

  /**
   * Whether {@link noteContent} was ever called in this folder. Also false if the lock is not held, since its holder blocks
   * all readers.
   */
  get isContentNoted(): boolean {
    return this.held && firstCell(this.database.prepare('PRAGMA user_version')) === CONTENT_NOTED;
  }

  /**
   * Notes in the lock file that the checkpoint has content: if it is empty later, it has lost its content. Called for every
   * runner, but writes only once per folder. The lock is released for a moment.
   * @returns false if another process took the lock in that moment
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

function lockFile(location: string): string {
  return join(location, 'lock.db');
}

/**
 * The error for a held lock. It names the process that holds it; the process that was noted last may have ended long ago.
 * @param noted the last runner that took the lock; undefined if it cannot be read
 */
export function lockedError(location: string, noted: NotedProcess | undefined): TallystreamError {
  const path = lockFile(location);
  const [holder] = holdersOf([path]);
  const isNoted =
    noted !== undefined && (holder === undefined ? isStillRunning(noted) : holder.pid === noted.pid);
  const locked = (what: string, hint: string, why = ''): TallystreamError =>
    new TallystreamError('CHECKPOINT_LOCKED', {
      what: `The checkpoint in ${location} is ${what}.`,
      why: `${why}Two queries at once would count the same events twice.`,
      hint,
    });
  if (isNoted) {
    return locked(
      `in use by another query process: ${notedText(noted)}`,
      'Stop the other process first. If it is suspended (Ctrl-Z, a frozen container), start with --take-over; its later commits are rejected.',
    );
  }
  if (holder !== undefined) {
    return locked(`locked by ${holderText(holder)}`, 'Wait until that process has ended, or end it.');
  }
  const ended =
    noted === undefined
      ? ''
      : `Process ${noted.pid}, which took the lock last, no longer runs on this machine. `;
  return locked('locked by another program', howToFindHolder(path), ended);
}

/** The process in the middle of a write, as a sentence. */
export function writerText(location: string): string {
  const path = checkpointFile(location);
  const holders = holdersOf([path, `${path}-shm`]);
  if (holders.length === 0) return howToFindHolder(path);
  return `It is probably ${holders.map(holderText).join(' or ')}, which may be suspended.`;
}

function notedText({ pid, sinceMs }: NotedProcess): string {
  return `process ${pid}, running since ${new Date(sinceMs).toISOString()}`;
}
