/** The ledger of batches in a SQLite file of the user's. All of it runs in the caller's transaction. */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { BatchIdentity } from '../contracts/sink.ts';
import { LEDGER, type Noted } from './once.ts';

export function createLedger(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE IF NOT EXISTS ${LEDGER} (
      query_id TEXT NOT NULL,
      name TEXT NOT NULL,
      batch_id INTEGER NOT NULL,
      epoch INTEGER NOT NULL,
      PRIMARY KEY (query_id, name)
    ) WITHOUT ROWID
  `);
}

export function notedIn(database: DatabaseSync, queryId: string, name: string): Noted | undefined {
  const sql = `SELECT batch_id, epoch FROM ${LEDGER} WHERE query_id = ? AND name = ?`;
  return notedOf(rowOf(database, sql, queryId, name));
}

/** The last batch and the newest runner over all names of a query. */
export function newestIn(database: DatabaseSync, queryId: string): Noted | undefined {
  const sql = `SELECT max(batch_id), max(epoch) FROM ${LEDGER} WHERE query_id = ?`;
  return notedOf(rowOf(database, sql, queryId));
}

export function noteIn(
  database: DatabaseSync,
  { queryId, batchId, epoch }: BatchIdentity,
  name: string,
): void {
  database
    .prepare(
      `INSERT INTO ${LEDGER} (query_id, name, batch_id, epoch) VALUES (?, ?, ?, ?)
       ON CONFLICT (query_id, name) DO UPDATE SET batch_id = excluded.batch_id, epoch = excluded.epoch`,
    )
    .run(queryId, name, batchId, epoch);
}

/** From now on every runner of a lower epoch is refused. */
export function raiseEpoch(database: DatabaseSync, queryId: string, epoch: number): void {
  database.prepare(`UPDATE ${LEDGER} SET epoch = ?2 WHERE query_id = ?1 AND epoch < ?2`).run(queryId, epoch);
}

/** One transaction that holds the write lock from its start, so that nothing it has read can change under it. */
export function inTransaction<T>(database: DatabaseSync, body: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = body();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // Some failures, a full disk for one, have already rolled it back.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** The connection may be the user's: how it gives rows is said for each statement. */
function rowOf(
  database: DatabaseSync,
  sql: string,
  ...values: string[]
): readonly SQLOutputValue[] | undefined {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  statement.setReadBigInts(false);
  return statement.get(...values) as unknown as readonly SQLOutputValue[] | undefined;
}

function notedOf(row: readonly SQLOutputValue[] | undefined): Noted | undefined {
  const [batchId, epoch] = row ?? [];
  return typeof batchId === 'number' && typeof epoch === 'number' ? { batchId, epoch } : undefined;
}
