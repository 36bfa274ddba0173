/**
 * One runner at a time: an exclusive transaction on a file of its own. The kernel frees it when the process ends in
 * whatever way, so there is never a stale lock to remove. Nothing else may open the file in this process: closing any
 * descriptor of it would give a POSIX lock up.
 */
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import type { Clock } from '../contracts/clock.ts';
import { TallystreamError } from '../errors.ts';
import {
  holdersOf,
  holderText,
  howToFindHolder,
  isStillRunning,
  type NotedProcess,
} from '../sqlite/lock-holder.ts';
import { makePrivateFile } from '../sqlite/make-folder.ts';
import { checkpointFile, firstCell } from './connection.ts';
import { isBusy } from './errors.ts';

const RETRY_MS = 25;
/** The `user_version` of a lock's file, which is 0 in one that was never written. */
const CONTENT_NOTED = 1;

export class RunnerLock {
  private readonly database: DatabaseSync;

  constructor(location: string) {
    makePrivateFile(lockFile(location));
    // It answers at once; waiting is done between tries, where the process can still hear a signal.
    this.database = new DatabaseSync(lockFile(location), { returnArrays: true, timeout: 0 });
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

  /**
   * Tries again until `timeoutMs` have passed.
   * @param look called before every try
   * @returns whether the lock is held, and what the last look saw
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

function lockFile(location: string): string {
  return join(location, 'lock.db');
}

/**
 * The lock is taken. It names the process that holds it; the one that noted its number last may have ended long ago.
 * @param noted the last runner that took the lock; undefined if that cannot be read
 */
export function lockedError(location: string, noted: NotedProcess | undefined): TallystreamError {
  const path = lockFile(location);
  const [holder] = holdersOf([path]);
  const isNoted =
    noted !== undefined && (holder === undefined ? isStillRunning(noted) : holder.pid === noted.pid);
  const locked = (what: string, mend: string, why = ''): TallystreamError =>
    new TallystreamError('CHECKPOINT_LOCKED', {
      what: `The checkpoint in ${location} is ${what}.`,
      why: `${why}Two queries at once would count the same events twice.`,
      mend,
    });
  if (isNoted) {
    return locked(
      `in use by another query process: ${notedText(noted)}`,
      'Stop the other one first. If it is suspended (Ctrl-Z, a frozen container), start with --take-over: when it wakes, its commits are refused.',
    );
  }
  if (holder !== undefined) {
    return locked(`locked by ${holderText(holder)}`, 'Wait until that process has ended, or end it.');
  }
  const ended =
    noted === undefined
      ? ''
      : `Process ${noted.pid}, which took the lock last, does not run on this machine any more. `;
  return locked('locked by another program', howToFindHolder(path), ended);
}

/** Who is in the middle of a write, as a sentence. */
export function writerText(location: string): string {
  const path = checkpointFile(location);
  const holders = holdersOf([path, `${path}-shm`]);
  if (holders.length === 0) return howToFindHolder(path);
  return `It is probably ${holders.map(holderText).join(' or ')}, which may be suspended.`;
}

function notedText({ pid, sinceMs }: NotedProcess): string {
  return `process ${pid}, running since ${new Date(sinceMs).toISOString()}`;
}
