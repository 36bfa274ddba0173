/** The tables of the embedded log, and how a file is known to be one. */
import type { DatabaseSync } from 'node:sqlite';
import { TallystreamError } from '../errors.ts';
import { schemaMadeBy, schemaProblem, type Schema } from '../stored-schema.ts';

/** "TSLG": marks the file as an embedded log (PRAGMA application_id). */
const APPLICATION_ID = 0x54534c47;
const SCHEMA_VERSION = 1;

/**
 * Large pages suit bodies of up to 1 MiB: against 4,096 bytes, 16,384 double the speed of reading and of appending,
 * while an append of one record costs the same; 65,536 make that append dearer and the rest no faster.
 */
const PAGE_BYTES = 16_384;

/**
 * `partitions` knows the offsets, so that asking for them touches no record. The body stands last in `batches`: what
 * stands before it can then be read without it. AUTOINCREMENT never gives a key a second time, so a reader that holds
 * the key of a partition cannot meet the records of a later topic of the same name.
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
    body BLOB NOT NULL,
    UNIQUE (partition_key, base_offset)
  ) STRICT;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

export function pragma(db: DatabaseSync, name: string): unknown {
  const row = db.prepare(`PRAGMA ${name}`).get();
  return row && Object.values(row)[0];
}

/**
 * Makes the tables in a new file; several processes may do so at once, and the first wins.
 * @throws LOG_UNAVAILABLE where the file belongs to another program or to a newer version of this one; LOG_CORRUPT if the
 * definition of a table is damaged
 */
export function prepareSchema(db: DatabaseSync, path: string, readOnly: boolean): void {
  if (checkOwner(db, path) === 'ours') {
    checkTables(db, path);
    return;
  }
  if (readOnly) {
    throw new TallystreamError('LOG_UNAVAILABLE', {
      what: `The log ${path} is empty: no producer has written to it yet.`,
      mend: 'Start a producer, or name the path of the log that one writes to.',
    });
  }
  // Both hold only for a file without tables. In another they would wait for the write lock, so they stand here.
  db.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA auto_vacuum = INCREMENTAL`);
  db.exec('BEGIN IMMEDIATE');
  try {
    // Another process may have made the tables while this one waited for the lock.
    if (checkOwner(db, path) === 'empty') db.exec(SCHEMA);
    db.exec('COMMIT');
  } finally {
    if (db.isTransaction) db.exec('ROLLBACK');
  }
}

let tablesMade: Schema | undefined;

/** A column that lost its name would be read as undefined, and a query would count nothing, and that for ever. */
function checkTables(db: DatabaseSync, path: string): void {
  tablesMade ??= schemaMadeBy((model) => model.exec(SCHEMA));
  const problem = schemaProblem(db, tablesMade);
  if (problem === undefined) return;
  throw new TallystreamError('LOG_CORRUPT', {
    what: `The log ${path} is damaged: the definition of its tables is not what was written.`,
    why: problem,
    mend: 'Restore the file from a copy, or move it away (with its -wal and -shm) and produce the records again.',
  });
}

function checkOwner(db: DatabaseSync, path: string): 'ours' | 'empty' {
  // The tables are counted first: where another process makes them between these reads, the marks are seen with them.
  const { tables } = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number };
  const version = pragma(db, 'user_version') as number;
  const owner = pragma(db, 'application_id') as number;
  if (owner === APPLICATION_ID && version <= SCHEMA_VERSION) return 'ours';
  if (owner === APPLICATION_ID) {
    throw new TallystreamError('LOG_UNAVAILABLE', {
      what: `The log ${path} was written by a newer version of Tallystream.`,
      why: `Its layout is ${version}; this version reads up to ${SCHEMA_VERSION}.`,
      mend: 'Update Tallystream, or name another path.',
    });
  }
  if (owner === 0 && version === 0 && tables === 0) return 'empty';
  throw new TallystreamError('LOG_UNAVAILABLE', {
    what: `The file ${path} is a SQLite database, but not a log of Tallystream.`,
    mend: 'Name another path, or move the file away.',
  });
}
