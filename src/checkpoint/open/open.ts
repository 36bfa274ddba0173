/** Opens a checkpoint for a runner: the folder, the lock, the tables at first use, and a new epoch. */
import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import type { Checkpoint } from '../../contracts/checkpoint.ts';
import type { Clock } from '../../contracts/clock.ts';
import type { NotedProcess } from '../../sqlite/lock-holder.ts';
import { makeFolder, makePrivateFile } from '../../sqlite/make-folder.ts';
import { changeOf, type Position } from '../../plan/query-change.ts';
import type { QueryPlan } from '../../plan/query-plan.ts';
import { createAggregateTables } from '../tables/aggregate-table.ts';
import { checkChange, notesOf, type QueryChangeNote } from './changed-query.ts';
import {
  BUSY_TIMEOUT_MS,
  checkpointFile,
  firstCell,
  inTransaction,
  openDatabase,
  tuneForRunner,
} from '../connection.ts';
import { checkpointFailure, corrupt, guarded, inaccessible } from '../errors.ts';
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
import { createAccounting } from '../tables/batch-tables.ts';
import { checkNoted, readNote } from '../seals/commit-note.ts';
import { sealOldTables } from '../seals/migrate.ts';
import { SqliteCheckpoint } from '../runner.ts';
import { checkTables } from '../tables/schema-check.ts';
import { SealDraft, type Seal } from '../seals/seal.ts';
import { laterTables, readSeal, sealWriter } from '../seals/seal-row.ts';
import { checkRows, checkSeal, sumsOf } from '../seals/sealed-rows.ts';
import { CHECKED_AT_START, COUNTED_AT_START } from '../seals/sealed-tables.ts';
import { createTables, inspectTables } from '../tables/tables.ts';
import { openPresent } from './open-present.ts';

const LOCK_TIMEOUT_MS = 2_000;

export interface CheckpointOptions {
  /** The checkpoint's folder; created at first use. */
  readonly location: string;
  readonly plan: QueryPlan;
  /** The log's kind, since offsets of one mean nothing in another. */
  readonly logFormat: string;
  readonly clock: Clock;
  /** Continues without the lock if its holder is suspended; the holder's later commits are rejected. */
  readonly takeOver: boolean;
  /** How long to wait for the lock, and for another process in the middle of a write. */
  readonly lockTimeoutMs?: number;
  /** Called once for each accepted difference from the query that wrote the checkpoint, after the change is durable. */
  readonly onQueryChanged?: (note: QueryChangeNote) => void;
}

/**
 * Opens the checkpoint of a query, with this process as its newest runner.
 * @throws CHECKPOINT_LOCKED (another runner holds it, or was suspended in the middle of a write), CHECKPOINT_QUERY_CHANGED,
 * CHECKPOINT_VERSION, CHECKPOINT_CORRUPT, CONFIG_INVALID (the folder cannot be used), STORAGE_FULL
 */
export async function openCheckpoint(options: CheckpointOptions): Promise<Checkpoint> {
  return openFor(options);
}

/**
 * Opens an existing checkpoint, for a command that changes it without a query: this process is its newest runner.
 * @throws CHECKPOINT_NOT_FOUND, and the errors of {@link openCheckpoint}
 */
export async function openStoredCheckpoint(
  options: Pick<CheckpointOptions, 'location' | 'clock'>,
): Promise<SqliteCheckpoint> {
  openPresent(options.location).close();
  return openFor({ ...options, takeOver: false });
}

/** Without a plan for the stored query. */
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
  // All its content may still be in the WAL, so the size of the file alone proves nothing.
  const wasNoted = lock.isContentNoted || readNote(location) !== undefined;
  if (inspectTables(database, location) === 'empty' && !isNew && wasNoted) {
    throw corrupt(location, 'Its checkpoint.db is empty, but was not empty when a query last used it.');
  }
  if (hasContent && !lock.noteContent() && !options.takeOver)
    throw lockedError(location, holderHint(location));
  const mode = tuneForRunner(database);
  if (mode !== 'wal')
    throw inaccessible(
      location,
      'Its file system does not support shared memory. It may be a network drive.',
    );
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
 * All in one transaction: a refused start changes nothing, and does not fence a running query. `seenEpoch` was read before
 * the lock was taken. If the epoch has risen since, another runner took over while this process was suspended: this start
 * has lost, and must not fence its successor.
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

/** Creates the tables if there are none, and a seal if it is missing. Returns the draft of the seal. */
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
    // A table of a later version is created empty, with the seal of an empty table.
    if (laterTables(database).length > 0) createTables(database);
    return new SealDraft(seal);
  }
  if (plan === undefined || logFormat === undefined) {
    throw corrupt(location, 'Its tables are missing, but were there when a query last used it.');
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
 * Creates the folder with private permissions: it contains the hash key and rejected events. Returns true if it had no
 * checkpoint.
 */
function prepareFolder(location: string): boolean {
  makeFolder(location);
  return makePrivateFile(checkpointFile(location));
}

/** The process that took the lock last, if it can be read. It is only for an error message, so this never throws. */
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
