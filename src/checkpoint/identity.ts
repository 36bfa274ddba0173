/** The one row that says whose checkpoint this is, which runner is the newest, and who holds the lock. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { formatEpochMs } from '../columns/timestamp.ts';
import { TallystreamError } from '../errors.ts';
import { fingerprintOf, type Fingerprint } from '../plan/fingerprint.ts';
import type { StoredAggregate } from '../plan/query-change.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { firstCell, firstRow } from './database.ts';
import { corrupt } from './failure.ts';
import { parseStored } from './stored-json.ts';

const HASH_KEY_BYTES = 16;

export interface Identity {
  readonly queryId: string;
  readonly queryName: string;
  readonly topic: string;
  readonly fingerprint: Fingerprint;
  /** Those that are no longer asked for too. */
  readonly aggregates: readonly StoredAggregate[];
  readonly hashKey: Uint8Array;
}

export function askedFingerprint(plan: QueryPlan, logFormat: string): Fingerprint {
  return { ...fingerprintOf(plan), 'log.type': logFormat };
}

/** First use: the epoch is 0 until a runner raises it. The key is secret, so it comes from the system and no seed. */
export function createIdentity(
  database: DatabaseSync,
  asked: { readonly plan: QueryPlan; readonly logFormat: string; readonly nowMs: number },
): void {
  const { plan, logFormat, nowMs } = asked;
  const hashKey = randomBytes(HASH_KEY_BYTES);
  database
    .prepare('INSERT INTO meta VALUES (0, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, NULL, NULL)')
    .run(
      randomUUID(),
      plan.name,
      plan.topic,
      logFormat,
      JSON.stringify(askedFingerprint(plan, logFormat)),
      JSON.stringify(plan.aggregates),
      hashKey,
      crc32(hashKey),
      nowMs,
    );
}

/** @throws CHECKPOINT_CORRUPT */
export function readIdentity(database: DatabaseSync, location: string): Identity {
  const row = firstRow(
    database.prepare(
      'SELECT query_id, query_name, topic, fingerprint, aggregates, hash_key, hash_key_crc32 FROM meta',
    ),
  );
  if (row === undefined) throw corrupt(location, 'It does not say which query it belongs to.');
  const [queryId, queryName, topic, fingerprint, aggregates, hashKey, hashKeyCrc] = row;
  if (!(hashKey instanceof Uint8Array) || hashKey.byteLength !== HASH_KEY_BYTES) {
    throw corrupt(location, 'The key of its hashes is damaged.');
  }
  // With another key no remembered id would be found again, and every duplicate would count.
  if (crc32(hashKey) !== hashKeyCrc) {
    throw corrupt(location, 'In the table meta, the key of the hashes does not match its checksum.');
  }
  return {
    queryId: queryId as string,
    queryName: queryName as string,
    topic: topic as string,
    fingerprint: parseStored(fingerprint, 'description of the query', location) as Fingerprint,
    aggregates: parseStored(aggregates, 'list of aggregates', location) as unknown as StoredAggregate[],
    hashKey,
  };
}

/** The query as it is from now on. Called within the transaction that makes the tables of what was added. */
export function writeQuery(
  database: DatabaseSync,
  fingerprint: Fingerprint,
  aggregates: readonly StoredAggregate[],
): void {
  database
    .prepare('UPDATE meta SET fingerprint = ?, aggregates = ?')
    .run(JSON.stringify(fingerprint), JSON.stringify(aggregates));
}

/** Makes the caller the newest runner: whoever had the checkpoint before is refused from now on. */
export function raiseEpoch(database: DatabaseSync): number {
  return Number(firstCell(database.prepare('UPDATE meta SET epoch = epoch + 1 RETURNING epoch')));
}

/** Remembers this process as the lock's holder, for the message that the next starter gets. */
export function writeHolder(database: DatabaseSync, nowMs: number): void {
  database.prepare('UPDATE meta SET lock_pid = ?, lock_since_ms = ?').run(process.pid, nowMs);
}

/**
 * The last process that took the lock, in words. A hint only: the lock itself says whether anybody holds it, and a
 * process on another machine has a number that means nothing here.
 */
export function readHolder(database: DatabaseSync): string | undefined {
  const row = firstRow(
    database.prepare('SELECT lock_pid, lock_since_ms FROM meta WHERE lock_pid IS NOT NULL'),
  );
  return row && `process ${String(row[0])}, running since ${formatEpochMs(Number(row[1]))}`;
}

export function fencedError(location: string, epochs: { own: number; stored: number }): TallystreamError {
  return new TallystreamError('CHECKPOINT_FENCED', {
    what: `The checkpoint in ${location} was taken over by another query process: it is at epoch ${epochs.stored}, and this process has epoch ${epochs.own}.`,
    why: 'Nothing of the batch in hand was committed; the other process reads it again.',
    mend: 'Leave the other one running. To go on here instead, stop it and start this query again.',
  });
}
