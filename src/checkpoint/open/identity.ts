/** The row with the query of this checkpoint, its newest runner, and the holder of the lock. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { TallystreamError } from '../../errors.ts';
import type { NotedProcess } from '../../sqlite/lock-holder.ts';
import { fingerprintOf, type Fingerprint } from '../../plan/fingerprint.ts';
import type { StoredAggregate } from '../../plan/query-change.ts';
import type { QueryPlan } from '../../plan/query-plan.ts';
import { firstCell, firstRow, type Cell, type Row } from '../connection.ts';
import { corrupt } from '../errors.ts';
import { SealDraft, type Seal } from '../seals/seal.ts';
import { checkedRows } from '../seals/sealed-rows.ts';
import { META, SEALED_TABLES } from '../seals/sealed-tables.ts';
import { SealedWriter } from '../seals/sealed-writer.ts';
import { parseStored } from '../tables/stored-json.ts';

const HASH_KEY_BYTES = 16;

export interface Identity {
  readonly queryId: string;
  readonly queryName: string;
  readonly topic: string;
  readonly logFormat: string;
  readonly createdAtMs: number;
  /** The epoch of the newest runner. */
  readonly epoch: number;
  /** The process that took the lock last. Only the lock itself shows whether that process still runs. */
  readonly holder: { readonly pid: number; readonly sinceMs: number } | null;
  readonly fingerprint: Fingerprint;
  /** Includes aggregates that the query no longer has. */
  readonly aggregates: readonly StoredAggregate[];
  readonly hashKey: Uint8Array;
}

export function askedFingerprint(plan: QueryPlan, logFormat: string): Fingerprint {
  return { ...fingerprintOf(plan), 'log.type': logFormat };
}

/** First use: the epoch is 0 until a runner raises it. The key is secret, so it comes from the system, not from a seed. */
export function createIdentity(
  database: DatabaseSync,
  asked: { readonly plan: QueryPlan; readonly logFormat: string; readonly nowMs: number },
): SealDraft {
  const { plan, logFormat, nowMs } = asked;
  const hashKey = randomBytes(HASH_KEY_BYTES);
  const queryId = randomUUID();
  const draft = new SealDraft({ queryId, epoch: 0, batchId: -1, tables: {} });
  // Listed from the start, so that a missing table is not mistaken for one that was never created.
  for (const { name } of SEALED_TABLES) draft.of(name);
  new SealedWriter(database, META).add(draft, [
    0,
    queryId,
    plan.name,
    plan.topic,
    logFormat,
    JSON.stringify(askedFingerprint(plan, logFormat)),
    JSON.stringify(plan.aggregates),
    hashKey,
    crc32(hashKey),
    nowMs,
    0,
    null,
    null,
  ]);
  return draft;
}

/** The row as it was written. @throws CHECKPOINT_CORRUPT */
function metaRow(database: DatabaseSync, seal: Seal | undefined, location: string): Row {
  const [row] = checkedRows(database, META, seal, location);
  if (row === undefined) throw corrupt(location, 'The row that names its query is missing.');
  return row;
}

function metaCell(row: Row, column: string): Cell | undefined {
  return row[META.columns.indexOf(column)];
}

/** @throws CHECKPOINT_CORRUPT */
export function readIdentity(database: DatabaseSync, seal: Seal | undefined, location: string): Identity {
  const row = metaRow(database, seal, location);
  const cell = (column: string): Cell | undefined => metaCell(row, column);
  const [hashKey, hashKeyCrc] = [cell('hash_key'), cell('hash_key_crc32')];
  if (seal !== undefined && (seal.queryId !== cell('query_id') || seal.epoch !== cell('epoch'))) {
    throw corrupt(location, 'Its seal belongs to another query, or to another runner than the stored one.');
  }
  if (!(hashKey instanceof Uint8Array) || hashKey.byteLength !== HASH_KEY_BYTES) {
    throw corrupt(location, 'Its hash key is damaged.');
  }
  // With another key no stored id would match, and every duplicate would be counted.
  if (crc32(hashKey) !== hashKeyCrc) {
    throw corrupt(location, 'In the table meta, the hash key does not match its checksum.');
  }
  return {
    queryId: cell('query_id') as string,
    queryName: cell('query_name') as string,
    topic: cell('topic') as string,
    logFormat: cell('log_format') as string,
    createdAtMs: cell('created_at_ms') as number,
    epoch: cell('epoch') as number,
    holder: holderOf(cell('lock_pid'), cell('lock_since_ms')),
    fingerprint: parseStored(cell('fingerprint'), 'description of the query', location) as Fingerprint,
    aggregates: parseStored(
      cell('aggregates'),
      'list of aggregates',
      location,
    ) as unknown as StoredAggregate[],
    hashKey,
  };
}

function holderOf(pid: Cell | undefined, sinceMs: Cell | undefined): Identity['holder'] {
  return typeof pid === 'number' ? { pid, sinceMs: sinceMs as number } : null;
}

/** The epoch of the newest runner; 0 before the first. */
export function storedEpoch(database: DatabaseSync): number {
  const hasMeta = firstCell(
    database.prepare("SELECT count(*) FROM pragma_table_xinfo('meta') WHERE name = 'epoch'"),
  );
  return hasMeta === 0 ? 0 : Number(firstCell(database.prepare('SELECT epoch FROM meta')) ?? 0);
}

/** Changes the one row; called within a transaction. */
export class MetaWriter {
  private readonly database: DatabaseSync;
  private readonly location: string;
  private readonly rows: SealedWriter;

  constructor(database: DatabaseSync, location: string) {
    this.database = database;
    this.location = location;
    this.rows = new SealedWriter(database, META);
  }

  /** Stores the changed query. Called within the transaction that creates the tables of added aggregates. */
  writeQuery(draft: SealDraft, fingerprint: Fingerprint, aggregates: readonly StoredAggregate[]): void {
    this.put(draft, {
      fingerprint: JSON.stringify(fingerprint),
      aggregates: JSON.stringify(aggregates),
    });
  }

  /** Makes the caller the newest runner: commits of the previous runner are rejected from now on. */
  raiseEpoch(draft: SealDraft): number {
    draft.epoch += 1;
    this.put(draft, { epoch: draft.epoch });
    return draft.epoch;
  }

  /** Stores this process as the lock's holder, for the message to the next process that starts. */
  writeHolder(draft: SealDraft, nowMs: number): void {
    this.put(draft, { lock_pid: process.pid, lock_since_ms: nowMs });
  }

  private put(draft: SealDraft, changed: Readonly<Record<string, Cell>>): void {
    const row = metaRow(this.database, draft.done(), this.location);
    this.rows.put(
      draft,
      META.columns.map((column, index) => changed[column] ?? (row[index] as Cell)),
    );
  }
}

/** The last process that took the lock. The lock itself shows whether it is held now. */
export function readHolder(database: DatabaseSync): NotedProcess | undefined {
  const row = firstRow(
    database.prepare('SELECT lock_pid, lock_since_ms FROM meta WHERE lock_pid IS NOT NULL'),
  );
  return row && { pid: Number(row[0]), sinceMs: Number(row[1]) };
}

export function fencedError(location: string, epochs: { own: number; stored: number }): TallystreamError {
  return new TallystreamError('CHECKPOINT_FENCED', {
    what: `The checkpoint in ${location} was taken over by another query process: it is at epoch ${epochs.stored}, and this process has epoch ${epochs.own}.`,
    why: 'Nothing of the current batch was committed; the other process reads it again.',
    hint: 'Let the other process run. To continue here instead, stop the other process and start this query again.',
  });
}

/** Another runner raised the epoch between this runner's first read of the checkpoint and its start. */
export function overtakenError(
  location: string,
  epochs: { readonly seen: number; readonly stored: number },
): TallystreamError {
  return new TallystreamError('CHECKPOINT_FENCED', {
    what: `The checkpoint in ${location} was taken over by another query process while this one was starting: it went from epoch ${epochs.seen} to ${epochs.stored}.`,
    why: 'This process was suspended, or another one started at the same time. Nothing was changed.',
    hint: 'Let the other process run. To continue here instead, stop the other process and start this query again.',
  });
}
