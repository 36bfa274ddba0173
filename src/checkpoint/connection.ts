/** How the checkpoint's SQLite file is opened, and what every user of it needs. */
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { join } from 'node:path';

/** A commit waits this long for another process, which can only be a reader that closes the file or a zombie. */
export const BUSY_TIMEOUT_MS = 5_000;
/** A reader waits this long where a runner starts or ends in the same moment. */
const VIEW_BUSY_TIMEOUT_MS = 2_000;

const CACHE_KIB = 2 * 1024;
const TEMP_CACHE_KIB = 2 * 1024;
/**
 * Of a new file. Twice SQLite's own: most of what is written are remembered ids in long blobs, where a commit of 100,000
 * ids takes a fifth less CPU for it; one of ten events takes no more. At 16 KiB small commits begin to cost more.
 */
const PAGE_BYTES = 8 * 1024;
/**
 * The WAL is copied back into the file when it has this many pages, so it stays near 16 MiB, and recovery
 * after a crash reads no more. The copy costs two fsyncs and every page that changed, once: a shorter WAL would copy the
 * hot pages (accounting, partitions, aggregates) more often, and slow down more than one small commit in a hundred.
 */
const WAL_CHECKPOINT_PAGES = 2_000;
/** A large commit, or a reader that held on to an old state, makes the WAL longer; it is cut to this when it starts again. */
const WAL_BYTES_KEPT = 24 * 1024 * 1024;

export type Cell = SQLOutputValue;
export type Row = readonly Cell[];

export function checkpointFile(location: string): string {
  return join(location, 'checkpoint.db');
}

/** Opens the file as it is and changes nothing in it yet, since it may be somebody else's. */
export function openDatabase(location: string, busyTimeoutMs: number): DatabaseSync {
  return new DatabaseSync(checkpointFile(location), { returnArrays: true, timeout: busyTimeoutMs });
}

/**
 * Readers open the file like a writer: a connection that may only read would leave its shared files behind, and could
 * not work where they are missing. `query_only` takes the right to write back.
 */
export function openViewDatabase(location: string): DatabaseSync {
  const database = openDatabase(location, VIEW_BUSY_TIMEOUT_MS);
  try {
    database.exec('PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = FILE');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Sets a runner's connection up. Every commit is durable when it returns: in WAL mode `FULL` costs one fsync each.
 * Answers the journal mode that the file system made possible, which has to be `wal`.
 */
export function tuneForRunner(database: DatabaseSync): Cell | undefined {
  database.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
  const mode = firstCell(database.prepare('PRAGMA journal_mode = WAL'));
  database.exec(`
    PRAGMA synchronous = FULL;
    PRAGMA temp_store = FILE;
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
    PRAGMA cache_size = -${CACHE_KIB};
    PRAGMA temp.cache_size = -${TEMP_CACHE_KIB};
    PRAGMA wal_autocheckpoint = ${WAL_CHECKPOINT_PAGES};
    PRAGMA journal_size_limit = ${WAL_BYTES_KEPT};
  `);
  return mode;
}

/** One transaction that holds the write lock from its start, so that nothing it has read can change under it. */
export function inTransaction<T>(database: DatabaseSync, body: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  return finish(database, body);
}

/** Everything that `body` reads is of one commit. */
export function inSnapshot<T>(database: DatabaseSync, body: () => T): T {
  database.exec('BEGIN');
  return finish(database, body);
}

function finish<T>(database: DatabaseSync, body: () => T): T {
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

export function firstRow(statement: StatementSync, ...values: SQLInputValue[]): Row | undefined {
  return statement.get(...values) as Row | undefined;
}

export function firstCell(statement: StatementSync, ...values: SQLInputValue[]): Cell | undefined {
  return firstRow(statement, ...values)?.[0];
}

export function allRows(statement: StatementSync, ...values: SQLInputValue[]): Row[] {
  return statement.all(...values) as unknown as Row[];
}

export function eachRow(statement: StatementSync, ...values: SQLInputValue[]): Iterable<Row> {
  return statement.iterate(...values) as unknown as Iterable<Row>;
}

/** A name as SQL reads it, whatever stands in it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Of a statement that reads integers as bigints: those that are safe as numbers are numbers. */
export function plainNumber(cell: Cell): Cell {
  if (typeof cell !== 'bigint') return cell;
  const number = Number(cell);
  return Number.isSafeInteger(number) ? number : cell;
}
