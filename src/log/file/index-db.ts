/**
 * The index of the file source: every file and its range of offsets, in one SQLite file. A range is assigned when the
 * transaction with its row is durable, and never changes. So a range means the same lines after any restart. The index
 * belongs to one query and is stored with its checkpoint.
 */
import { randomUUID } from 'node:crypto';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { dirname } from 'node:path';
import { TallystreamError } from '../../errors.ts';
import { makeFolder, makePrivateFile } from '../../sqlite/make-folder.ts';
import { guarded } from '../embedded/errors.ts';
import { watchPresence } from '../embedded/presence.ts';
import { pragma } from '../embedded/schema.ts';

/** "TSFS" (PRAGMA application_id). */
const APPLICATION_ID = 0x54534653;
const SCHEMA_VERSION = 1;
const BUSY_TIMEOUT_MS = 5_000;

/** `lines` are records: blank lines are not counted. Byte positions are those of the content, unpacked if it is packed. */
const SCHEMA = `
  CREATE TABLE source (
    id TEXT NOT NULL,
    folder TEXT NOT NULL,
    shown_key INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE files (
    file_key INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    bytes INTEGER NOT NULL,
    mtime_ms REAL NOT NULL,
    content_bytes INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    first_offset INTEGER NOT NULL,
    lines INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX files_by_offset ON files (first_offset) WHERE lines > 0;
  CREATE TABLE positions (
    file_key INTEGER NOT NULL,
    line INTEGER NOT NULL,
    byte INTEGER NOT NULL,
    PRIMARY KEY (file_key, line)
  ) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** A file as it was when it was seen. */
export interface SeenFile {
  readonly name: string;
  /** On disk. */
  readonly bytes: number;
  readonly mtimeMs: number;
  readonly contentBytes: number;
  /** CRC-32 of the content. */
  readonly checksum: number;
  readonly lines: number;
}

export interface ScannedFile extends SeenFile {
  /** Where lines 1,024, 2,048, … of the content begin. */
  readonly positions: readonly number[];
}

export interface IndexedFile extends SeenFile {
  readonly fileKey: number;
  readonly firstOffset: number;
}

/** Where a line of a file begins; lines count from 0. */
interface LinePosition {
  readonly line: number;
  readonly byte: number;
}

export interface FileIndex {
  readonly path: string;
  /** Differs for every index that is made, so that a query does not take another's offsets for its own. */
  readonly sourceId: string;
  readonly isOpen: boolean;
  /** @throws LOG_UNAVAILABLE if the index is no longer the file that was opened */
  checkPresence(): void;
  find(name: string): IndexedFile | undefined;
  /** The file that holds an offset below the end. */
  fileAt(offset: number): IndexedFile | undefined;
  /** The last noted position at or before a line of the file. */
  positionBefore(fileKey: number, line: number): LinePosition;
  /** Offset after the last line of all files. */
  end(): number;
  /** Offset after the last line of the files that are shown. */
  shownEnd(): number;
  /** Files that were taken in and are not shown yet, up to `max`. */
  waiting(max: number): number;
  /** Takes files in, in this order, after all others, in one durable transaction; those that it has already stay as they are. */
  add(files: readonly ScannedFile[]): void;
  /** Shows the next files, at most `max`, in a durable transaction. Gives how many. */
  show(max: number): number;
  close(): void;
}

/** Lines between two stored positions: a reader that starts between them skips at most this many. */
export const LINES_PER_POSITION = 1024;

/**
 * Opens the index, and creates it if it is missing.
 * @throws CONFIG_INVALID if it is of another folder; LOG_UNAVAILABLE, LOG_CORRUPT, STORAGE_FULL
 */
export function openFileIndex(path: string, folder: string): FileIndex {
  return indexed(path, () => {
    prepareFolder(dirname(path));
    makePrivateFile(path);
    const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    try {
      // EXTRA: the removal of the journal, which is the commit, is durable, too.
      db.exec('PRAGMA synchronous = EXTRA');
      prepare(db, path, folder);
      return fileIndex(db, path);
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

function fileIndex(db: DatabaseSync, path: string): FileIndex {
  const source = db.prepare('SELECT id FROM source').get() as { id: string };
  const statements = prepareStatements(db);
  type Query = 'byName' | 'byOffset' | 'position' | 'end' | 'shownEnd' | 'waiting' | 'last';
  const get = (query: Query, ...values: SQLInputValue[]): unknown =>
    indexed(path, () => statements[query].get(...values));
  const endOf = (query: 'end' | 'shownEnd') => (get(query) as { end: number } | undefined)?.end ?? 0;
  const waiting = (max: number) => (get('waiting', atMost(max)) as { count: number }).count;
  return {
    path,
    sourceId: source.id,
    get isOpen() {
      return db.isOpen;
    },
    checkPresence: watchPresence(path),
    find: (name) => get('byName', name) as IndexedFile | undefined,
    fileAt: (offset) => get('byOffset', offset) as IndexedFile | undefined,
    positionBefore: (fileKey, line) =>
      (get('position', fileKey, line) as LinePosition | undefined) ?? { line: 0, byte: 0 },
    end: () => endOf('end'),
    shownEnd: () => endOf('shownEnd'),
    waiting,
    add: (files) =>
      inTransaction(db, path, () => {
        let firstOffset = endOf('end');
        for (const file of files) {
          // Another process of the same source may have been first; then its range stands.
          if (statements.byName.get(file.name) !== undefined) continue;
          const { name, bytes, mtimeMs, contentBytes, checksum, lines, positions } = file;
          const row = [name, bytes, mtimeMs, contentBytes, checksum, firstOffset, lines];
          const fileKey = statements.add.run(...row).lastInsertRowid;
          for (const [index, byte] of positions.entries()) {
            statements.addPosition.run(fileKey, (index + 1) * LINES_PER_POSITION, byte);
          }
          firstOffset += lines;
        }
      }),
    show: (max) =>
      inTransaction(db, path, () => {
        const count = waiting(max);
        if (count > 0) statements.show.run((get('last', atMost(max)) as { last: number }).last);
        return count;
      }),
    close: () => {
      if (db.isOpen) indexed(path, () => db.close());
    },
  };
}

function prepareStatements(db: DatabaseSync) {
  const columns = `file_key AS fileKey, name, bytes, mtime_ms AS mtimeMs, content_bytes AS contentBytes, checksum,
    first_offset AS firstOffset, lines`;
  return {
    byName: db.prepare(`SELECT ${columns} FROM files WHERE name = ?`),
    byOffset: db.prepare(
      `SELECT ${columns} FROM files WHERE lines > 0 AND first_offset <= ? ORDER BY first_offset DESC LIMIT 1`,
    ),
    position: db.prepare(
      'SELECT line, byte FROM positions WHERE file_key = ? AND line <= ? ORDER BY line DESC LIMIT 1',
    ),
    end: db.prepare('SELECT first_offset + lines AS "end" FROM files ORDER BY file_key DESC LIMIT 1'),
    shownEnd: db.prepare(
      'SELECT first_offset + lines AS "end" FROM files WHERE file_key = (SELECT shown_key FROM source)',
    ),
    waiting: db.prepare(
      'SELECT count(*) AS count FROM (SELECT 1 FROM files WHERE file_key > (SELECT shown_key FROM source) LIMIT ?)',
    ),
    last: db.prepare(
      'SELECT max(file_key) AS last FROM (SELECT file_key FROM files WHERE file_key > (SELECT shown_key FROM source) ORDER BY file_key LIMIT ?)',
    ),
    show: db.prepare('UPDATE source SET shown_key = ?'),
    add: db.prepare(
      `INSERT INTO files (name, bytes, mtime_ms, content_bytes, checksum, first_offset, lines)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    addPosition: db.prepare('INSERT INTO positions (file_key, line, byte) VALUES (?, ?, ?)'),
  };
}

function prepareFolder(folder: string): void {
  try {
    makeFolder(folder);
  } catch (cause) {
    throw new TallystreamError('LOG_UNAVAILABLE', {
      what: `The folder ${folder} for the index of a file source cannot be created.`,
      why: `The system says: ${(cause as Error).message}.`,
      hint: 'Choose another folder, or give this user write access.',
      cause,
    });
  }
}

/** SQLite takes no Infinity for a limit. */
function atMost(count: number): number {
  return Math.min(count, Number.MAX_SAFE_INTEGER);
}

function prepare(db: DatabaseSync, path: string, folder: string): void {
  if (checkOwner(db, path) === 'empty') {
    inTransaction(db, path, () => {
      // Another process may have made the tables while this one waited for the lock.
      if (checkOwner(db, path) === 'ours') return;
      db.exec(SCHEMA);
      db.prepare('INSERT INTO source (id, folder) VALUES (?, ?)').run(randomUUID(), folder);
    });
  }
  const source = db.prepare('SELECT folder FROM source').get() as { folder: string };
  if (source.folder === folder) return;
  throw new TallystreamError('CONFIG_INVALID', {
    what: `The index ${path} belongs to the files in ${source.folder}, not to those in ${folder}.`,
    why: 'Files are identified by name, so a file of the other folder could be mistaken for one that was already read.',
    hint: 'Use the folder that the index belongs to, or start the query again with a new checkpoint.',
  });
}

function checkOwner(db: DatabaseSync, path: string): 'ours' | 'empty' {
  const { tables } = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number };
  const version = pragma(db, 'user_version') as number;
  const owner = pragma(db, 'application_id') as number;
  if (owner === APPLICATION_ID && version <= SCHEMA_VERSION) return 'ours';
  if (owner === 0 && version === 0 && tables === 0) return 'empty';
  throw new TallystreamError('LOG_UNAVAILABLE', {
    what: `The file ${path} is not an index of a file source that this version can read.`,
    why:
      owner === APPLICATION_ID
        ? 'A newer version created it.'
        : 'It is a SQLite database that another program created.',
    hint: 'Update Tallystream, or choose another folder for the index.',
  });
}

function inTransaction<T>(db: DatabaseSync, path: string, act: () => T): T {
  return indexed(path, () => {
    db.exec('BEGIN IMMEDIATE');
    try {
      const result = act();
      db.exec('COMMIT');
      return result;
    } finally {
      if (db.isTransaction) db.exec('ROLLBACK');
    }
  });
}

/** Translates failures of SQLite, and says how to repair an index, which cannot be rebuilt. */
function indexed<T>(path: string, act: () => T): T {
  try {
    return guarded(path, act);
  } catch (error) {
    if (!(error instanceof TallystreamError) || error.code !== 'LOG_CORRUPT') throw error;
    const { what, cause } = error;
    const hint =
      'Restore it from a copy together with the checkpoint of its query, or start the query again with a new checkpoint.';
    throw new TallystreamError('LOG_CORRUPT', { what, hint, cause });
  }
}
