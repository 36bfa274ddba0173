/** Opening a checkpoint for a runner: the folder, the lock, the tables at first use, and a new epoch. */
import { closeSync, openSync, statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import type { Checkpoint } from '../contracts/checkpoint.ts';
import type { Clock } from '../contracts/clock.ts';
import { makeFolder } from '../make-folder.ts';
import { changeOf, type Position } from '../plan/query-change.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { createAggregateTables } from './aggregate-table.ts';
import { checkChange, notesOf, type QueryChangeNote } from './changed-query.ts';
import {
  BUSY_TIMEOUT_MS,
  checkpointFile,
  firstCell,
  inTransaction,
  openDatabase,
  tuneForRunner,
} from './database.ts';
import { checkpointFailure, corrupt, full, guarded, inaccessible } from './failure.ts';
import {
  askedFingerprint,
  createIdentity,
  type Identity,
  raiseEpoch,
  readHolder,
  readIdentity,
  writeHolder,
  writeQuery,
} from './identity.ts';
import { lockedError, RunnerLock } from './lock.ts';
import { SqliteCheckpoint } from './runner.ts';
import { addTables, createTables, inspectTables } from './tables.ts';

const LOCK_TIMEOUT_MS = 2_000;

export interface CheckpointOptions {
  /** The checkpoint's own folder; made at first use. */
  readonly location: string;
  readonly plan: QueryPlan;
  /** The log's kind, since offsets of one mean nothing in another. */
  readonly logFormat: string;
  readonly clock: Clock;
  /** Goes on without the lock, for a holder that is stopped and not dead: it is refused when it wakes. */
  readonly takeOver: boolean;
  /** How long to wait for the lock, and for a write that another process is in the middle of. */
  readonly lockTimeoutMs?: number;
  /** Told once of each difference from the query that wrote the checkpoint, when it is durable that it is gone on with. */
  readonly onQueryChanged?: (note: QueryChangeNote) => void;
}

/**
 * The checkpoint of a query, with this process as its newest runner.
 * @throws CHECKPOINT_LOCKED (another runner holds it, or was stopped in the middle of a write), CHECKPOINT_QUERY_CHANGED,
 * CHECKPOINT_VERSION, CHECKPOINT_CORRUPT, CONFIG_INVALID (the folder cannot be used), STORAGE_FULL
 */
export async function openCheckpoint(options: CheckpointOptions): Promise<Checkpoint> {
  const { location, clock, takeOver, lockTimeoutMs = LOCK_TIMEOUT_MS } = options;
  const isNew = prepareFolder(location);
  const lock = guarded({ location }, () => new RunnerLock(location));
  try {
    const acquired = takeOver ? lock.tryAcquire() : await lock.acquire(clock, lockTimeoutMs);
    if (!acquired && !takeOver) throw lockedError(location, holderHint(location));
    return openLocked(options, lock, { isNew, busyTimeoutMs: lockTimeoutMs });
  } catch (error) {
    lock.release();
    throw checkpointFailure(error, { location, holder: () => holderHint(location) });
  }
}

function openLocked(
  options: CheckpointOptions,
  lock: RunnerLock,
  { isNew, busyTimeoutMs }: { readonly isNew: boolean; readonly busyTimeoutMs: number },
): Checkpoint {
  const { location, clock } = options;
  const hasContent = statSync(checkpointFile(location)).size > 0;
  const database = openDatabase(location, busyTimeoutMs);
  try {
    // Its content may all be in the WAL as yet, so the size of the file alone says nothing.
    if (inspectTables(database, location) === 'empty' && !isNew && lock.isContentNoted) {
      throw corrupt(location, 'Its checkpoint.db is empty, and was not when a query last used it.');
    }
    if (hasContent && !lock.noteContent() && !options.takeOver) throw lockedError(location, undefined);
    const mode = tuneForRunner(database);
    if (mode !== 'wal')
      throw inaccessible(location, new Error('its file system cannot share memory (is it remote?)'));
    const { identity, epoch, notes } = inTransaction(database, () => begin(database, options, lock.held));
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    for (const note of notes) options.onQueryChanged?.(note);
    return new SqliteCheckpoint({ database, lock, clock, location, identity, epoch });
  } catch (error) {
    database.close();
    throw error;
  }
}

/** All in one transaction: a start that is refused changes nothing, and does not fence whoever is at work. */
function begin(
  database: DatabaseSync,
  { plan, logFormat, clock, location }: CheckpointOptions,
  lockHeld: boolean,
): { identity: Identity; epoch: number; notes: readonly QueryChangeNote[] } {
  if (inspectTables(database, location) === 'empty') {
    createTables(database);
    createAggregateTables(database, plan.aggregates);
    createIdentity(database, { plan, logFormat, nowMs: clock.nowMs() });
  }
  addTables(database);
  const stored = readIdentity(database, location);
  const asked = { fingerprint: askedFingerprint(plan, logFormat), aggregates: plan.aggregates };
  const position = positionOf(database);
  const change = changeOf(stored, asked, position);
  checkChange(change, location);
  createAggregateTables(database, change.added);
  const identity = { ...stored, fingerprint: asked.fingerprint, aggregates: change.aggregates };
  writeQuery(database, identity.fingerprint, identity.aggregates);
  const epoch = raiseEpoch(database);
  if (lockHeld) writeHolder(database, clock.nowMs());
  return { identity, epoch, notes: notesOf(change, position.nextBatchId) };
}

function positionOf(database: DatabaseSync): Position {
  const newest = (table: 'plans' | 'commits'): number =>
    (firstCell(database.prepare(`SELECT max(batch_id) FROM ${table}`)) as number | null) ?? -1;
  const nextBatchId = newest('commits') + 1;
  return { nextBatchId, isPlanned: newest('plans') === nextBatchId };
}

/**
 * The folder is private: the key of the hashes lies in it, and events that were refused. True where there was no
 * checkpoint in it.
 */
function prepareFolder(location: string): boolean {
  try {
    makeFolder(location, 0o700);
    // Made here for its mode. Only where it is missing: closing a file that SQLite has open would give its locks up.
    closeSync(openSync(checkpointFile(location), 'wx', 0o600));
    return true;
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    if (error.code === 'ENOSPC') throw full(location, error);
    if (error.code !== 'EEXIST' || !('syscall' in error) || error.syscall !== 'open')
      throw inaccessible(location, error);
    return false;
  }
}

/** Who holds the lock, where that can be read; a hint must never hide the error that it is for. */
function holderHint(location: string): string | undefined {
  try {
    const database = openDatabase(location, 0);
    try {
      return readHolder(database);
    } finally {
      database.close();
    }
  } catch {
    return undefined;
  }
}
