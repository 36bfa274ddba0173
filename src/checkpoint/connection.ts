/** How the checkpoint's SQLite file is opened, and helpers for all its users. */
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { join } from 'node:path';

/** A commit waits this long for another process, which can only be a reader that closes the file, or a fenced runner. */
export const BUSY_TIMEOUT_MS = 5_000;
/** A reader waits this long if a runner starts or ends at the same time. */
const VIEW_BUSY_TIMEOUT_MS = 2_000;

const CACHE_KIB = 2 * 1024;
const TEMP_CACHE_KIB = 2 * 1024;
/**
 * For a new file. Twice SQLite's default: most of the data is event ids in long blobs, and a commit of 100,000 ids needs a
 * fifth less CPU with it. A commit of ten events needs no more. With 16 KiB, small commits begin to cost more.
 */
const PAGE_BYTES = 8 * 1024;
/**
 * The WAL is copied back into the file when it has this many pages, so it stays near 16 MiB, and recovery after a crash
 * reads no more. The copy costs two fsyncs, and one write of every changed page. A shorter WAL would copy the hot pages
 * (accounting, partitions, aggregates) more often, and would slow down more than one small commit in a hundred.
 */
const WAL_CHECKPOINT_PAGES = 2_000;
/** A large commit, or a reader with an old snapshot, makes the WAL longer; it is truncated to this when it restarts. */
const WAL_BYTES_KEPT = 24 * 1024 * 1024;

export type Cell = SQLOutputValue;
export type Row = readonly Cell[];

export function checkpointFile(location: string): string {
  return join(location, 'checkpoint.db');
}

/** Opens the file and changes nothing in it yet, since it may belong to another program. */
export function openDatabase(location: string, busyTimeoutMs: number): DatabaseSync {
  return new DatabaseSync(checkpointFile(location), { returnArrays: true, timeout: busyTimeoutMs });
}

/**
 * Readers open the file like a writer: a read-only connection would leave its shared files behind, and would fail if they
 * are missing. `query_only` then prevents writes.
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
 * Sets up a runner's connection. Every commit is durable when it returns: in WAL mode, `FULL` costs one fsync per commit.
 * Returns the journal mode that the file system supports; it must be `wal`.
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

/** One transaction that holds the write lock from its start, so that what it has read cannot change meanwhile. */
export function inTransaction<T>(database: DatabaseSync, body: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  return finish(database, body);
}

/** Everything that `body` reads belongs to one commit. */
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
    // Some failures, such as a full disk, have already rolled it back.
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

/** A name, quoted for SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** For a statement that reads integers as bigints: safe integers become numbers. */
export function plainNumber(cell: Cell): Cell {
  if (typeof cell !== 'bigint') return cell;
  const number = Number(cell);
  return Number.isSafeInteger(number) ? number : cell;
}
