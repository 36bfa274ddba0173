/** The seal in the checkpoint: one row, written in every transaction that changes another table. */
import type { DatabaseSync } from 'node:sqlite';
import { allRows, firstRow } from '../connection.ts';
import { corrupt } from '../errors.ts';
import { parseSeal, sealText, type Seal } from './seal.ts';
import { SEALED_TABLES, type SealedTable } from './sealed-tables.ts';
import { storedVersion, UNSEALED_VERSION } from '../tables/tables.ts';

/**
 * The seal of this snapshot; undefined in a checkpoint of the version before seals.
 * @throws CHECKPOINT_CORRUPT
 */
export function readSeal(database: DatabaseSync, location: string): Seal | undefined {
  if (!hasSealTable(database)) {
    if (storedVersion(database) === UNSEALED_VERSION) return undefined;
    throw corrupt(location, 'Its seal, which has the number of rows of each table, is missing.');
  }
  const seal = parseSeal(firstRow(database.prepare('SELECT seal FROM seal'))?.[0]);
  if (seal === undefined)
    throw corrupt(location, 'Its seal, in the table seal, does not match its checksum.');
  return seal;
}

/** Writes a seal in the transaction whose changes it covers. */
export function sealWriter(database: DatabaseSync): (seal: Seal) => void {
  const put = database.prepare('INSERT OR REPLACE INTO seal VALUES (0, ?)');
  return (seal) => void put.run(sealText(seal));
}

function hasSealTable(database: DatabaseSync): boolean {
  return tableNames(database).has('seal');
}

function tableNames(database: DatabaseSync): ReadonlySet<string> {
  const query = "SELECT name FROM main.sqlite_schema WHERE type = 'table'";
  return new Set(allRows(database.prepare(query)).map(([name]) => name as string));
}

/**
 * Tables of a later version than the one that wrote the file. A missing table that is in the seal does not count: it existed
 * once, and reading it reports that it is gone.
 */
export function laterTables(database: DatabaseSync): SealedTable[] {
  const names = tableNames(database);
  const missing = SEALED_TABLES.filter(({ name }) => !names.has(name));
  if (missing.length === 0 || !names.has('seal')) return missing;
  const seal = parseSeal(firstRow(database.prepare('SELECT seal FROM seal'))?.[0]);
  return missing.filter(({ name }) => seal?.tables[name] === undefined);
}
