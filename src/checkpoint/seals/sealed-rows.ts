/** Reads rows of a sealed table: checks each row against its checksum, and all rows together against the seal. */
import type { DatabaseSync } from 'node:sqlite';
import { eachRow, firstRow, plainNumber, quoted, type Cell, type Row } from '../connection.ts';
import { corrupt } from '../errors.ts';
import { crcOfCells } from './row-crc.ts';
import { isSame, SealSum, sealOf, sumsInSql, type Seal, type TableSeal } from './seal.ts';
import { selectionOf, type SealedTable } from './sealed-tables.ts';

/** A row with the cells covered by its checksum, in the order of `SealedTable.columns`. */
export interface SealedRow {
  readonly key: Row;
  readonly cells: Row;
  readonly isAsWritten: boolean;
}

/** Whether a row of {@link selectionOf} matches its checksum. Before seals, some tables had no checksums. */
function isAsWritten(row: Row, table: SealedTable, seal: Seal | undefined): boolean {
  return (seal === undefined && row.at(-1) === null) || matchesChecksum(row, table);
}

export function matchesChecksum(row: Row, { key }: Pick<SealedTable, 'key'>): boolean {
  return crcOfCells(row, row.length - 1, key.length) === row.at(-1);
}

/**
 * All rows in the order of their key, as stored. If the rows are not those of the seal, this throws after the last row.
 * @throws CHECKPOINT_CORRUPT
 */
export function* storedRows(
  database: DatabaseSync,
  table: SealedTable,
  seal: Seal | undefined,
  location: string,
): Generator<SealedRow, void, undefined> {
  const found = new SealSum();
  const keyCells = table.key.length;
  const statement = database.prepare(`${selectionOf(table)} ORDER BY ${table.key.join(', ')}`);
  let before: Row | undefined;
  if (table.hasBigIntegers === true) statement.setReadBigInts(true);
  for (const stored of eachRow(statement)) {
    const row = table.hasBigIntegers === true ? stored.map(plainNumber) : stored;
    const key = row.slice(0, keyCells);
    if (before !== undefined && compareKeys(before, key) >= 0) throw misordered(table, key, location);
    before = key;
    found.add(crcCell(row.at(-1)));
    yield { key, cells: row.slice(keyCells, -1), isAsWritten: isAsWritten(row, table, seal) };
  }
  checkSeal(table, found, seal, location);
}

/** The cells of all rows in the order of their key, returned after all of them are checked. @throws CHECKPOINT_CORRUPT */
export function checkedRows(
  database: DatabaseSync,
  table: SealedTable,
  seal: Seal | undefined,
  location: string,
): Row[] {
  return Array.from(storedRows(database, table, seal, location), (row) => {
    if (!row.isAsWritten) throw unlike(table, row.key, location);
    return row.cells;
  });
}

/** The same without keeping the rows. @throws CHECKPOINT_CORRUPT */
export function checkRows(
  database: DatabaseSync,
  table: SealedTable,
  seal: Seal | undefined,
  location: string,
): void {
  for (const row of storedRows(database, table, seal, location)) {
    if (!row.isAsWritten) throw unlike(table, row.key, location);
  }
}

/** Rows and sums, computed by SQLite, which only reads the checksum of each row. */
export function sumsOf({
  database,
  table,
  where = '',
}: {
  readonly database: DatabaseSync;
  readonly table: Pick<SealedTable, 'name' | 'crc'>;
  readonly where?: string;
}): TableSeal {
  // Only the index or only the table may be damaged. Results come from the table.
  const query = `SELECT ${sumsInSql(table.crc)} FROM ${quoted(table.name)} NOT INDEXED ${where}`;
  const [rows, sum, products] = firstRow(database.prepare(query)) as [number, number, number];
  return { rows, sum, products };
}

/** @throws CHECKPOINT_CORRUPT if the rows are not those of the last commit */
export function checkSeal(
  { name }: Pick<SealedTable, 'name'>,
  found: TableSeal,
  seal: Pick<Seal, 'tables'> | undefined,
  location: string,
): void {
  if (seal === undefined) return;
  const sealed = sealOf(seal, name);
  if (isSame(found, sealed)) return;
  const why =
    found.rows === sealed.rows
      ? `The rows of the table ${name} are not those of the last commit.`
      : `The table ${name} has ${rowsText(found.rows)}, but had ${rowsText(sealed.rows)} after the last commit.`;
  throw corrupt(location, why);
}

/** The error for a row that does not match its checksum. */
export function unlike({ name }: Pick<SealedTable, 'name'>, key: Row, location: string): Error {
  return corrupt(location, `In the table ${name}, the row ${keyText(key)} does not match its checksum.`);
}

export function misordered({ name }: Pick<SealedTable, 'name'>, key: Row, location: string): Error {
  return corrupt(location, `In the table ${name}, the row ${keyText(key)} is not in the order of its key.`);
}

export function keyText(key: Row): string {
  return key.map(String).join(':');
}

/** A damaged checksum may not be a number; then no sum can match. */
export function crcCell(cell: Cell | undefined): number {
  return typeof cell === 'number' ? cell : NaN;
}

function rowsText(rows: number): string {
  return rows === 1 ? '1 row' : `${rows} rows`;
}

/** Below 0 if `a` comes first, in SQLite's order of numbers and text. */
export function compareKeys(a: Row, b: Row): number {
  for (let index = 0; index < a.length; index += 1) {
    const [left, right] = [a[index], b[index]];
    if (left === right) continue;
    if (typeof left === 'number' && typeof right === 'number') return left - right;
    // JavaScript and SQLite order texts equally, except for a few characters beyond the basic plane, checked below.
    if (typeof left === 'string' && typeof right === 'string' && left < right) return -1;
    return Buffer.compare(Buffer.from(String(left)), Buffer.from(String(right)));
  }
  return 0;
}
