/** The tables of the embedded log, and how a file is known to be one. */
import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { TallystreamError } from '../../errors.ts';
import { schemaMadeBy, schemaProblem, type Schema } from '../../sqlite/stored-schema.ts';
import { LOG_ID_BYTES } from './acknowledged.ts';

/** "TSLG": marks the file as an embedded log (PRAGMA application_id). */
const APPLICATION_ID = 0x54534c47;
/** Since 2 the log has an id and chains. */
const SCHEMA_VERSION = 2;
const CHAINS_SINCE = 2;

/**
 * Large pages suit bodies of up to 1 MiB: against 4,096 bytes, 16,384 double the speed of reading and of appending,
 * while an append of one record costs the same; 65,536 make that append dearer and the rest no faster.
 */
const PAGE_BYTES = 16_384;

/**
 * `generations` says from which offset on a connection has appended to a partition for the first time. After an older copy
 * was put back, the first append opens a generation, so the offset at which the two histories part is among them.
 */
const HISTORY_TABLES = `
  CREATE TABLE log_identity (id INTEGER PRIMARY KEY CHECK (id = 0), log_id BLOB NOT NULL) STRICT;
  CREATE TABLE generations (
    partition_key INTEGER NOT NULL,
    start_offset INTEGER NOT NULL,
    generation BLOB NOT NULL,
    PRIMARY KEY (partition_key, start_offset)
  ) STRICT, WITHOUT ROWID;
`;

/** Of a log that a version without chains made. The chain comes after the body here, and is read with it or seldom. */
const UPGRADE = `
  ALTER TABLE partitions ADD COLUMN chain BLOB;
  ALTER TABLE batches ADD COLUMN chain BLOB;
  ${HISTORY_TABLES}
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * `partitions` has the offsets and the chain's value at the latest one, so that reading them touches no record. The body is
 * the last column of `batches`, so that the others can be read without it. AUTOINCREMENT never reuses a key, so a reader
 * that holds the key of a partition cannot meet the records of a later topic of the same name.
 */
const SCHEMA = `
  CREATE TABLE topics (
    topic_key INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    id TEXT NOT NULL,
    partitions INTEGER NOT NULL,
    retention_ms INTEGER,
    retention_bytes INTEGER
  ) STRICT;
  CREATE TABLE partitions (
    partition_key INTEGER PRIMARY KEY AUTOINCREMENT,
    topic_key INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    earliest INTEGER NOT NULL DEFAULT 0,
    latest INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    chain BLOB,
    UNIQUE (topic_key, partition)
  ) STRICT;
  CREATE TABLE batches (
    batch_key INTEGER PRIMARY KEY,
    partition_key INTEGER NOT NULL,
    base_offset INTEGER NOT NULL,
    count INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    timestamp_ms_max REAL NOT NULL,
    checksum INTEGER NOT NULL,
    chain BLOB,
    body BLOB NOT NULL,
    UNIQUE (partition_key, base_offset)
  ) STRICT;
  ${HISTORY_TABLES}
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

export function pragma(db: DatabaseSync, name: string): unknown {
  const row = db.prepare(`PRAGMA ${name}`).get();
  return row && Object.values(row)[0];
}

/**
 * Makes the tables in a new file, and what an older version did not have; several processes may do so at once, and the
 * first wins.
 * @param knownLogId the id that the acknowledged file gives the log at this path, which an older version did not store
 * @throws LOG_UNAVAILABLE if the file belongs to another program or to a newer version of this one; LOG_CORRUPT if the
 * definition of a table is damaged
 */
export function prepareSchema(
  db: DatabaseSync,
  path: string,
  { readOnly, knownLogId }: { readonly readOnly: boolean; readonly knownLogId: Uint8Array | undefined },
): void {
  const owner = checkOwner(db, path);
  if (owner === 'ours') checkTables(db, path);
  if (owner === 'ours' && (readOnly || hasChains(db))) return;
  if (readOnly) {
    throw new TallystreamError('LOG_UNAVAILABLE', {
      what: `The log ${path} is empty: no producer has written to it yet.`,
      hint: 'Start a producer, or use the path of an existing log.',
    });
  }
  // Both hold only for a file without tables. In another they would wait for the write lock, so they stand here.
  if (owner === 'empty') db.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA auto_vacuum = INCREMENTAL`);
  db.exec('BEGIN IMMEDIATE');
  try {
    // Another process may have made the tables while this one waited for the lock.
    const isEmpty = checkOwner(db, path) === 'empty';
    if (isEmpty || !hasChains(db)) {
      db.exec(isEmpty ? SCHEMA : UPGRADE);
      const logId = (isEmpty ? undefined : knownLogId) ?? randomBytes(LOG_ID_BYTES);
      db.prepare('INSERT INTO log_identity VALUES (0, ?)').run(logId);
    }
    db.exec('COMMIT');
  } finally {
    if (db.isTransaction) db.exec('ROLLBACK');
  }
}

let tablesMade: Schema | undefined;

/** A column that lost its name would be read as undefined, and a query would count nothing, and that forever. */
function checkTables(db: DatabaseSync, path: string): void {
  tablesMade ??= schemaMadeBy((model) => model.exec(SCHEMA));
  const problem = schemaProblem(db, tablesMade);
  if (problem === undefined) return;
  throw new TallystreamError('LOG_CORRUPT', {
    what: `The log ${path} is damaged: its table definitions were changed.`,
    why: problem,
    hint: 'Restore the file from a copy, or move it away (with its -wal and -shm) and produce the records again.',
  });
}

/** False in a log that a version without chains made and that nothing has written to since. */
export function hasChains(db: DatabaseSync): boolean {
  return (pragma(db, 'user_version') as number) >= CHAINS_SINCE;
}

function checkOwner(db: DatabaseSync, path: string): 'ours' | 'empty' {
  // The tables are counted first: if another process creates them between these reads, the marks are seen with them.
  const { tables } = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number };
  const version = pragma(db, 'user_version') as number;
  const owner = pragma(db, 'application_id') as number;
  if (owner === APPLICATION_ID && version <= SCHEMA_VERSION) return 'ours';
  if (owner === APPLICATION_ID) {
    throw new TallystreamError('LOG_UNAVAILABLE', {
      what: `The log ${path} was written by a newer version of Tallystream.`,
      why: `Its schema version is ${version}; this version reads up to ${SCHEMA_VERSION}.`,
      hint: 'Update Tallystream, or choose another path.',
    });
  }
  if (owner === 0 && version === 0 && tables === 0) return 'empty';
  throw new TallystreamError('LOG_UNAVAILABLE', {
    what: `The file ${path} is a SQLite database, but not a Tallystream log.`,
    hint: 'Choose another path, or move the file away.',
  });
}
