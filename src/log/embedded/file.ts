/** Opening the embedded log's file: the settings of a connection, and the transaction that every writer uses. */
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../contracts/clock.ts';
import { TallystreamError } from '../../errors.ts';
import { makeFolder, makePrivateFile } from '../../sqlite/make-folder.ts';
import { KeylessTurn } from '../shared/append-plan.ts';
import { readAcknowledged, type AcknowledgedWriter } from './acknowledged.ts';
import { checkAcknowledged, openAcknowledged } from './behind.ts';
import { newGeneration } from './chain.ts';
import { isBusy } from '../../sqlite/errors.ts';
import { guarded } from './errors.ts';
import { hasChains, pragma, prepareSchema } from './schema.ts';
import { prepareStatements, type Statements } from './statements.ts';
import { Waiters } from '../shared/waiters.ts';
import { watchPresence } from './presence.ts';

export interface EmbeddedLogOptions {
  /** The SQLite file. Its folder is created if it is missing (not by a read-only log). */
  readonly path: string;
  readonly clock: Clock;
  /** Opens only a file that is there, writes nothing to it, and refuses every call that would. Default false. */
  readonly readOnly?: boolean;
  /** How long a call waits for another process's write, in milliseconds. It blocks this thread. Default 5,000. */
  readonly busyTimeoutMs?: number;
  /** Upper bound of the file in bytes; a write beyond it is STORAGE_FULL. Default: the disk's. */
  readonly fileBytesMax?: number;
}

/** An open file with all that belongs to one connection. */
export interface LogFile {
  readonly path: string;
  readonly clock: Clock;
  readonly readOnly: boolean;
  readonly db: DatabaseSync;
  readonly statements: Statements;
  readonly waiters: Waiters;
  readonly keyless: KeylessTurn;
  /** Throws if the file is no longer the one that was opened. */
  readonly checkPresence: () => void;
  /** Names what this connection appends. */
  readonly generation: Uint8Array;
  /** Keys of the partitions that this connection has appended to. */
  readonly begun: Set<number>;
  /** Records what was acknowledged; undefined if the log is open for reading only. */
  readonly acknowledged: AcknowledgedWriter | undefined;
  /** Writes of this connection so far: PRAGMA data_version shows only those of others. */
  ownWrites: number;
}

/** What the write-ahead log may hold before a commit moves it into the file: a few large appends. */
const WAL_BYTES = 16 * 1024 * 1024;

/** Bodies are read once and in order, so a larger cache makes nothing faster, and would be full of them. */
const CACHE_KIBIBYTES = 1024;
const BUSY_TIMEOUT_MS = 5_000;

/** Each attempt that fails met another process in the moment of opening; this many in a row do not happen by chance. */
const WAL_SWITCH_ATTEMPTS_MAX = 100;

/** @throws LOG_UNAVAILABLE, LOG_CORRUPT, STORAGE_FULL */
export function openLogFile(options: EmbeddedLogOptions): LogFile {
  const { path, clock, readOnly = false, busyTimeoutMs = BUSY_TIMEOUT_MS, fileBytesMax } = options;
  return guarded(path, () => {
    const db = readOnly ? connectReadOnly(path, busyTimeoutMs) : connect(path, busyTimeoutMs);
    try {
      // Read before anything of the log: what is acknowledged by then, the log has.
      const acknowledged = readAcknowledged(path);
      prepareSchema(db, path, { readOnly, knownLogId: acknowledged?.logId });
      if (!readOnly) useWriteAheadLog(db, path);
      const pageBytes = pragma(db, 'page_size') as number;
      db.exec(`PRAGMA synchronous = FULL;
        PRAGMA cache_size = -${CACHE_KIBIBYTES};
        PRAGMA wal_autocheckpoint = ${Math.floor(WAL_BYTES / pageBytes)};
        PRAGMA journal_size_limit = ${2 * WAL_BYTES}`);
      if (fileBytesMax !== undefined)
        db.exec(`PRAGMA max_page_count = ${Math.floor(fileBytesMax / pageBytes)}`);
      const statements = prepareStatements(db, hasChains(db));
      checkAcknowledged(statements, path, acknowledged);
      const waiters = new Waiters();
      const keyless = new KeylessTurn();
      const checkPresence = watchPresence(path);
      const generation = newGeneration();
      const file = { path, clock, readOnly, db, statements, waiters, keyless, checkPresence, generation };
      const writer = readOnly ? undefined : openAcknowledged(db, statements, path, acknowledged);
      return { ...file, begun: new Set(), acknowledged: writer, ownWrites: 0 };
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/**
 * Runs `act` in one transaction that takes the write lock at its start, so that it never has to give up half-way. An
 * error leaves nothing behind.
 * @throws LOG_UNAVAILABLE (read-only, or locked for longer than the busy timeout), STORAGE_FULL, LOG_CORRUPT
 */
export function inTransaction<T>(file: LogFile, act: () => T): T {
  if (file.readOnly) {
    throw new TallystreamError('LOG_UNAVAILABLE', {
      what: `The log ${file.path} is open for reading only.`,
    });
  }
  return guarded(file.path, () => {
    file.statements.begin.run();
    try {
      const result = act();
      file.statements.commit.run();
      file.ownWrites += 1;
      return result;
    } finally {
      // A commit ends the transaction; so does SQLite itself after some failures, such as a full disk.
      if (file.db.isTransaction) file.statements.rollback.run();
    }
  });
}

function connect(path: string, timeout: number): DatabaseSync {
  try {
    makeFolder(dirname(path));
    makePrivateFile(path);
  } catch (cause) {
    throw new TallystreamError('LOG_UNAVAILABLE', {
      what: `The log ${path} cannot be created.`,
      why: `The system says: ${(cause as Error).message}.`,
      hint: 'Choose another path, or give this user write access.',
      cause,
    });
  }
  return new DatabaseSync(path, { timeout });
}

/**
 * A connection that SQLite itself holds read-only leaves its -wal and -shm files behind, so it is used only if
 * nothing can be written; elsewhere an ordinary connection refuses writes, and tidies up when it is the last.
 */
function connectReadOnly(path: string, timeout: number): DatabaseSync {
  if (!existsSync(path)) {
    throw new TallystreamError('LOG_UNAVAILABLE', {
      what: `There is no log at ${path}.`,
      hint: 'Start a producer, or use the path of an existing log.',
    });
  }
  try {
    accessSync(path, constants.W_OK);
    accessSync(dirname(path), constants.W_OK);
  } catch {
    return new DatabaseSync(path, { timeout, readOnly: true });
  }
  const db = new DatabaseSync(path, { timeout });
  db.exec('PRAGMA query_only = ON');
  return db;
}

/**
 * The switch to the write-ahead log does not wait for others as a transaction does: while two processes open a new
 * file, one of them is told "busy" at once. Waiting for the other's write lock and asking again settles it.
 */
function useWriteAheadLog(db: DatabaseSync, path: string): void {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const mode = pragma(db, 'journal_mode = WAL');
      if (mode === 'wal') return;
      throw new TallystreamError('LOG_UNAVAILABLE', {
        what: `The log ${path} cannot use a write-ahead log (SQLite stays in journal mode "${String(mode)}").`,
        why: 'Its file system cannot share memory between processes. Some network drives cannot.',
        hint: 'Put the log on a local disk.',
      });
    } catch (error) {
      if (!isBusy(error) || attempt === WAL_SWITCH_ATTEMPTS_MAX) throw error;
      db.exec('BEGIN IMMEDIATE; COMMIT');
    }
  }
}
