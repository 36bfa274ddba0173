/**
 * Checkpoints of the version before seals: few of their rows had a checksum, and no table had a count. A runner adds both.
 * A reader sees them unchanged, with a checksum of null for each row without one.
 */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { readAccounting } from '../tables/batch-tables.ts';
import { allRows, eachRow, firstCell } from '../connection.ts';
import { corrupt } from '../errors.ts';
import { readIdentity } from '../open/identity.ts';
import { crcOfCells } from './row-crc.ts';
import { SealDraft } from './seal.ts';
import { laterTables } from './seal-row.ts';
import { checkRows, sumsOf } from './sealed-rows.ts';
import {
  ACCOUNTING,
  COMMITS,
  DEAD_LETTERS,
  DEDUPE_APPENDED,
  DEDUPE_SEGMENTS,
  DUPLICATES,
  LOST_RANGES,
  META,
  PARTITIONS,
  PLANS,
  REDRIVEN,
  SEALED_TABLES,
  sealedAggregate,
  selectionOf,
  type SealedTable,
} from './sealed-tables.ts';
import { createTables } from '../tables/tables.ts';

/** Tables whose rows had no checksum. */
const WITHOUT_CHECKSUM: readonly SealedTable[] = [
  META,
  ACCOUNTING,
  PLANS,
  COMMITS,
  DEAD_LETTERS,
  DUPLICATES,
  REDRIVEN,
  LOST_RANGES,
];
/** Tables whose checksums covered only the bytes, not the number of the row. */
const OF_BYTES_ALONE: readonly SealedTable[] = [DEDUPE_SEGMENTS, DEDUPE_APPENDED];

const ROWS_PER_STEP = 500;

/**
 * Adds a checksum to every row and a seal to every table, within the transaction of a start. Checks existing checksums
 * first; damage to other rows could not be detected before either.
 * @throws CHECKPOINT_CORRUPT
 */
export function sealOldTables(database: DatabaseSync, location: string): SealDraft {
  checkRows(database, PARTITIONS, undefined, location);
  for (const table of OF_BYTES_ALONE) checkBlobs(database, table, location);
  for (const { name } of WITHOUT_CHECKSUM) {
    database.exec(`ALTER TABLE ${name} ADD COLUMN crc32 INTEGER NOT NULL DEFAULT 0`);
  }
  createTables(database);
  for (const table of [...WITHOUT_CHECKSUM, ...OF_BYTES_ALONE]) writeChecksums(database, table);
  database.exec('UPDATE commits SET printed = crc32 WHERE printed <> 0');
  const { queryId, epoch, aggregates } = readIdentity(database, undefined, location);
  readAccounting(database, undefined, location);
  const batchId = (firstCell(database.prepare('SELECT max(batch_id) FROM commits')) as number | null) ?? -1;
  const draft = new SealDraft({ queryId, epoch, batchId, tables: {} });
  const groups = aggregates.map(sealedAggregate);
  for (const table of groups) checkRows(database, table, undefined, location);
  for (const table of [...SEALED_TABLES, ...groups]) {
    draft.of(table.name).addAll(sumsOf({ database, table }));
  }
  return draft;
}

function checkBlobs(database: DatabaseSync, { name, key }: SealedTable, location: string): void {
  for (const [id, crc, entries] of eachRow(
    database.prepare(`SELECT ${key.join(', ')}, crc32, entries FROM ${name} ORDER BY ${key.join(', ')}`),
  )) {
    if (entries instanceof Uint8Array && crc32(entries) === crc) continue;
    throw corrupt(location, `In the stored event ids, ${name} ${String(id)} does not match its checksum.`);
  }
}

/** A few rows at a time, since a statement must not change the table that another one is reading. */
function writeChecksums(database: DatabaseSync, table: SealedTable): void {
  const { name, key } = table;
  const columns = `(${key.join(', ')})`;
  const marks = `(${key.map(() => '?').join(', ')})`;
  const order = `ORDER BY ${key.join(', ')} LIMIT ${ROWS_PER_STEP}`;
  const first = database.prepare(`${selectionOf(table)} ${order}`);
  const next = database.prepare(`${selectionOf(table)} WHERE ${columns} > ${marks} ${order}`);
  if (table.hasBigIntegers === true) for (const each of [first, next]) each.setReadBigInts(true);
  const update = database.prepare(`UPDATE ${name} SET crc32 = ? WHERE ${columns} = ${marks}`);
  let last: SQLInputValue[] | undefined;
  for (;;) {
    const rows = last === undefined ? allRows(first) : allRows(next, ...last);
    if (rows.length === 0) return;
    for (const row of rows) {
      last = row.slice(0, key.length);
      update.run(crcOfCells(row, row.length - 1, key.length), ...last);
    }
  }
}

/** Creates temporary views over the tables without checksums, and an empty table for each table of a later version. */
export function viewOldTables(database: DatabaseSync, isUnsealed: boolean): void {
  const missing = laterTables(database);
  if (!isUnsealed && missing.length === 0) return;
  const old = isUnsealed ? WITHOUT_CHECKSUM.filter((table) => !missing.includes(table)) : [];
  const statements = [
    'PRAGMA query_only = OFF',
    ...old.map(({ name }) => `CREATE TEMP VIEW ${name} AS SELECT *, NULL AS crc32 FROM main.${name}`),
    ...missing.map(({ name, key, columns, crc }) => {
      const all = new Set([...key, ...columns, crc]);
      return `CREATE TEMP TABLE ${name} (${[...all].join(', ')})`;
    }),
    'PRAGMA query_only = ON',
  ];
  database.exec(statements.join(';\n'));
}
