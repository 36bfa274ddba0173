/** The tables of a checkpoint. Users may read them with any SQLite client; only a runner writes. */
import type { DatabaseSync } from 'node:sqlite';
import { TallystreamError } from '../../errors.ts';
import { corrupt } from '../errors.ts';
import { firstCell } from '../connection.ts';

/** Incremented with every change of the tables that older versions cannot read. */
const TABLES_VERSION = 4;
/** Without seals, and without checksums for most rows. Readable; the next runner seals it. */
export const UNSEALED_VERSION = 3;
/** "TALY": distinguishes a checkpoint from other SQLite files. */
const APPLICATION_ID = 0x54_41_4c_59;

/** The columns of a dead letter, staged and stored; `partition` and `offset` are keywords of SQL. */
export const DEAD_LETTER_COLUMNS =
  'batch_id, "partition", "offset", reason, field, expected, actual, topic, timestamp_ms, key, value, headers';

const DEAD_LETTER_DEFINITION = `
  batch_id INTEGER NOT NULL, "partition" INTEGER NOT NULL, "offset" INTEGER NOT NULL,
  reason TEXT NOT NULL, field TEXT, expected TEXT NOT NULL, actual TEXT NOT NULL,
  topic TEXT NOT NULL, timestamp_ms INTEGER NOT NULL, key BLOB, value BLOB, headers TEXT`;

/**
 * `history_marks` identifies what was read, so that other records at the same offsets are not mistaken for it. In
 * `data_losses`, a row without `accepted_at_ms` stops every run; `batch_id` is the last committed batch at the acceptance.
 *
 * Dead letters are numbered in order of batch, partition and offset, which is the order of reading. The unique index guards
 * against counting one record twice.
 */
const TABLES = `
  CREATE TABLE IF NOT EXISTS meta (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    query_id TEXT NOT NULL, query_name TEXT NOT NULL, topic TEXT NOT NULL, log_format TEXT NOT NULL,
    fingerprint TEXT NOT NULL, aggregates TEXT NOT NULL, hash_key BLOB NOT NULL, hash_key_crc32 INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    epoch INTEGER NOT NULL, lock_pid INTEGER, lock_since_ms INTEGER, crc32 INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS accounting (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    read INTEGER NOT NULL, accepted INTEGER NOT NULL, invalid INTEGER NOT NULL,
    duplicate INTEGER NOT NULL, late INTEGER NOT NULL, dead_letter_bytes INTEGER NOT NULL,
    crc32 INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS plans (batch_id INTEGER PRIMARY KEY, plan TEXT NOT NULL, crc32 INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS commits (
    batch_id INTEGER PRIMARY KEY,
    read INTEGER NOT NULL, accepted INTEGER NOT NULL, invalid INTEGER NOT NULL,
    duplicate INTEGER NOT NULL, late INTEGER NOT NULL,
    watermark_micros INTEGER, progress TEXT NOT NULL, report TEXT NOT NULL, printed INTEGER NOT NULL DEFAULT 0,
    crc32 INTEGER NOT NULL,
    CHECK (read = accepted + invalid + duplicate + late)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS partitions (
    "partition" INTEGER PRIMARY KEY, next_offset INTEGER NOT NULL, max_event_micros INTEGER, active_at_ms INTEGER NOT NULL,
    crc32 INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS dead_letters (
    id INTEGER PRIMARY KEY, ${DEAD_LETTER_DEFINITION}, crc32 INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS dead_letters_by_position ON dead_letters ("partition", "offset");
  CREATE INDEX IF NOT EXISTS dead_letters_by_reason ON dead_letters (reason);
  CREATE TABLE IF NOT EXISTS duplicates (
    batch_id INTEGER NOT NULL, "partition" INTEGER NOT NULL, "offset" INTEGER NOT NULL, crc32 INTEGER NOT NULL,
    PRIMARY KEY (batch_id, "partition", "offset")
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS dedupe_segments (segment INTEGER PRIMARY KEY, crc32 INTEGER NOT NULL, entries BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS dedupe_appended (batch_id INTEGER PRIMARY KEY, crc32 INTEGER NOT NULL, entries BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS redriven (
    topic_id TEXT NOT NULL, "partition" INTEGER NOT NULL, "offset" INTEGER NOT NULL, crc32 INTEGER NOT NULL,
    PRIMARY KEY (topic_id, "partition", "offset")
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS lost_ranges (
    batch_id INTEGER NOT NULL, "partition" INTEGER NOT NULL, start_offset INTEGER NOT NULL, end_offset INTEGER NOT NULL,
    crc32 INTEGER NOT NULL,
    PRIMARY KEY (batch_id, "partition", start_offset)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS history_marks (
    "partition" INTEGER NOT NULL, next_offset INTEGER NOT NULL, base_offset INTEGER NOT NULL,
    checksum INTEGER NOT NULL, leader_epoch INTEGER, chain TEXT, crc32 INTEGER NOT NULL,
    PRIMARY KEY ("partition", next_offset)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS data_losses (
    id INTEGER PRIMARY KEY, "partition" INTEGER NOT NULL, start_offset INTEGER NOT NULL, end_offset INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('counted', 'unread')), why TEXT NOT NULL, raised_at_ms INTEGER NOT NULL,
    accepted_at_ms INTEGER, batch_id INTEGER, crc32 INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS seal (id INTEGER PRIMARY KEY CHECK (id = 0), seal TEXT NOT NULL) STRICT;
`;

/** Temporary tables are in a separate file that disappears with the connection and is invisible to other processes. */
export const STAGING_TABLES = `
  CREATE TEMP TABLE staged_dead_letters (${DEAD_LETTER_DEFINITION}, crc32 INTEGER NOT NULL) STRICT;
  CREATE UNIQUE INDEX temp.staged_dead_letters_in_order ON staged_dead_letters ("partition", "offset");
  CREATE TEMP TABLE staged_duplicates (
    "partition" INTEGER NOT NULL, "offset" INTEGER NOT NULL, crc32 INTEGER NOT NULL,
    PRIMARY KEY ("partition", "offset")
  ) STRICT, WITHOUT ROWID;
`;

/** Creates the missing tables, and sets the format of the file. */
export function createTables(database: DatabaseSync): void {
  database.exec(TABLES);
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${TABLES_VERSION}`);
}

export function storedVersion(database: DatabaseSync): number {
  return Number(firstCell(database.prepare('PRAGMA user_version')));
}

/**
 * After a loss was accepted, the same offsets are read again with other records. From then on an offset can have one dead
 * letter per batch. Called within a transaction.
 */
export function letOffsetsRepeat(database: DatabaseSync): void {
  database.exec(`
    DROP INDEX IF EXISTS dead_letters_by_position;
    CREATE UNIQUE INDEX dead_letters_by_position ON dead_letters ("partition", "offset", batch_id)`);
}

/**
 * Whether the file contains a checkpoint (`ready`), one of the version before seals (`unsealed`), or nothing yet (`empty`).
 * @throws CHECKPOINT_VERSION if another version of the program wrote it; CHECKPOINT_CORRUPT if it is not a checkpoint
 */
export function inspectTables(database: DatabaseSync, location: string): 'empty' | 'unsealed' | 'ready' {
  const tables = firstCell(database.prepare('SELECT count(*) FROM sqlite_schema'));
  if (tables === 0) return 'empty';
  if (firstCell(database.prepare('PRAGMA application_id')) !== APPLICATION_ID) {
    throw corrupt(location, 'Its checkpoint.db is a SQLite file of another program.');
  }
  const version = storedVersion(database);
  if (version === UNSEALED_VERSION) return 'unsealed';
  if (version !== TABLES_VERSION) {
    const isNewer = version > TABLES_VERSION;
    throw new TallystreamError('CHECKPOINT_VERSION', {
      what: `The checkpoint in ${location} has format ${version}; this program reads format ${TABLES_VERSION}.`,
      why: `${isNewer ? 'A newer' : 'An older'} version of tallystream wrote it.`,
      hint: `Run that version${isNewer ? ' or a later one' : ''}; or set another query.checkpoint_location, so that the query reads from the start.`,
    });
  }
  return 'ready';
}
