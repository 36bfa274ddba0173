/** Opening a checkpoint for a runner: the folder, the lock, the tables at first use, and a new epoch. */
import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import type { Checkpoint } from '../contracts/checkpoint.ts';
import type { Clock } from '../contracts/clock.ts';
import type { NotedProcess } from '../sqlite/lock-holder.ts';
import { makeFolder, makePrivateFile } from '../sqlite/make-folder.ts';
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
} from './connection.ts';
import { checkpointFailure, corrupt, guarded, inaccessible } from './errors.ts';
import {
  askedFingerprint,
  createIdentity,
  type Identity,
  MetaWriter,
  overtakenError,
  readHolder,
  readIdentity,
  storedEpoch,
} from './identity.ts';
import { lockedError, RunnerLock, writerText } from './lock.ts';
import { createAccounting } from './batch-tables.ts';
import { checkNoted, readNote } from './seals/commit-note.ts';
import { sealOldTables } from './seals/migrate.ts';
import { SqliteCheckpoint } from './runner.ts';
import { checkTables } from './schema-check.ts';
import { SealDraft, type Seal } from './seals/seal.ts';
import { laterTables, readSeal, sealWriter } from './seals/seal-row.ts';
import { checkRows, checkSeal, sumsOf } from './seals/sealed-rows.ts';
import { CHECKED_AT_START, COUNTED_AT_START } from './seals/sealed-tables.ts';
import { createTables, inspectTables } from './tables.ts';
import { openPresent } from './open-present.ts';

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
  return openFor(options);
}

/**
 * The checkpoint that is there, for a command that changes it and knows no query: this process is its newest runner.
 * @throws CHECKPOINT_NOT_FOUND, and what {@link openCheckpoint} throws
 */
export async function openStoredCheckpoint(
  options: Pick<CheckpointOptions, 'location' | 'clock'>,
): Promise<SqliteCheckpoint> {
  openPresent(options.location).close();
  return openFor({ ...options, takeOver: false });
}

/** Without a plan for the query that is stored. */
type OpenOptions = Omit<CheckpointOptions, 'plan' | 'logFormat'> &
  Partial<Pick<CheckpointOptions, 'plan' | 'logFormat'>>;

async function openFor(options: OpenOptions): Promise<SqliteCheckpoint> {
  const { location, clock, takeOver, lockTimeoutMs = LOCK_TIMEOUT_MS } = options;
  const isNew = guarded({ location }, () => prepareFolder(location));
  const lock = guarded({ location }, () => new RunnerLock(location));
  let database: DatabaseSync | undefined;
  try {
    const opened = openDatabase(location, lockTimeoutMs);
    database = opened;
    const acquired = await lock.acquire(clock, takeOver ? 0 : lockTimeoutMs, () => storedEpoch(opened));
    if (!acquired.isHeld && !takeOver) throw lockedError(location, holderHint(location));
    return openLocked(options, lock, { database, isNew, seenEpoch: acquired.seen });
  } catch (error) {
    database?.close();
    lock.release();
    throw checkpointFailure(error, { location, holder: () => writerText(location) });
  }
}

function openLocked(
  options: OpenOptions,
  lock: RunnerLock,
  found: { readonly database: DatabaseSync; readonly isNew: boolean; readonly seenEpoch: number },
): SqliteCheckpoint {
  const { location, clock } = options;
  const { database, isNew, seenEpoch } = found;
  const hasContent = statSync(checkpointFile(location)).size > 0;
  // Its content may all be in the WAL as yet, so the size of the file alone says nothing.
  const wasNoted = lock.isContentNoted || readNote(location) !== undefined;
  if (inspectTables(database, location) === 'empty' && !isNew && wasNoted) {
    throw corrupt(location, 'Its checkpoint.db is empty, and was not when a query last used it.');
  }
  if (hasContent && !lock.noteContent() && !options.takeOver)
    throw lockedError(location, holderHint(location));
  const mode = tuneForRunner(database);
  if (mode !== 'wal') throw inaccessible(location, 'Its file system cannot share memory (is it remote?).');
  const { identity, epoch, notes, seal } = inTransaction(database, () =>
    begin(database, options, { lockHeld: lock.held, seenEpoch }),
  );
  database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  for (const note of notes) options.onQueryChanged?.(note);
  return new SqliteCheckpoint({ database, lock, clock, location, identity, epoch, seal });
}

interface Begun {
  readonly identity: Identity;
  readonly epoch: number;
  readonly notes: readonly QueryChangeNote[];
  readonly seal: Seal;
}

/**
 * All in one transaction: a start that is refused changes nothing, and does not fence whoever is at work. `seenEpoch` was
 * read before the lock was taken. If it has risen since, another runner took over while this process was suspended: this
 * start has lost, and must not fence its successor.
 */
function begin(
  database: DatabaseSync,
  options: OpenOptions,
  { lockHeld, seenEpoch }: { readonly lockHeld: boolean; readonly seenEpoch: number },
): Begun {
  const { plan, logFormat, clock, location } = options;
  const draft = prepareTables(database, options, seenEpoch);
  const sealed = draft.done();
  for (const table of CHECKED_AT_START) checkRows(database, table, sealed, location);
  for (const table of COUNTED_AT_START) checkSeal(table, sumsOf({ database, table }), sealed, location);
  const stored = readIdentity(database, sealed, location);
  const meta = new MetaWriter(database, location);
  const finish = (identity: Identity, notes: readonly QueryChangeNote[]): Begun => {
    const epoch = meta.raiseEpoch(draft);
    if (lockHeld) meta.writeHolder(draft, clock.nowMs());
    const seal = draft.done();
    sealWriter(database)(seal);
    return { identity, epoch, notes, seal };
  };
  if (plan === undefined || logFormat === undefined) return finish(stored, []);
  const asked = { fingerprint: askedFingerprint(plan, logFormat), aggregates: plan.aggregates };
  const position = positionOf(database);
  const change = changeOf(stored, asked, position);
  checkChange(change, location);
  createAggregateTables(database, change.added);
  const identity = { ...stored, fingerprint: asked.fingerprint, aggregates: change.aggregates };
  meta.writeQuery(draft, identity.fingerprint, identity.aggregates);
  return finish(identity, notesOf(change, position.nextBatchId));
}

/** New tables if there are none, and a seal for those that have none; returns what they hold then. */
function prepareTables(
  database: DatabaseSync,
  { plan, logFormat, clock, location }: OpenOptions,
  seenEpoch: number,
): SealDraft {
  const found = inspectTables(database, location);
  if (found !== 'empty') {
    checkTables(database, location);
    const stored = storedEpoch(database);
    if (stored !== seenEpoch) throw overtakenError(location, { seen: seenEpoch, stored });
  }
  if (found === 'unsealed') return sealOldTables(database, location);
  const seal = found === 'ready' ? readSeal(database, location) : undefined;
  if (seal !== undefined) {
    checkNoted(location, seal);
    // A table that came with a later version of the program is made empty, and its seal is that of an empty one.
    if (laterTables(database).length > 0) createTables(database);
    return new SealDraft(seal);
  }
  if (plan === undefined || logFormat === undefined) {
    throw corrupt(location, 'Its tables were there, and are gone.');
  }
  createTables(database);
  createAggregateTables(database, plan.aggregates);
  const draft = createIdentity(database, { plan, logFormat, nowMs: clock.nowMs() });
  createAccounting(database, draft);
  return draft;
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
  makeFolder(location);
  return makePrivateFile(checkpointFile(location));
}

/** Who took the lock last, if that can be read; a hint must never hide the error that it is for. */
function holderHint(location: string): NotedProcess | undefined {
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
