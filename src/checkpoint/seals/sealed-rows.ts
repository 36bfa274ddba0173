/** Rows of a sealed table as they are read: each against its checksum, and all of them together against the seal. */
import type { DatabaseSync } from 'node:sqlite';
import { eachRow, firstRow, plainNumber, quoted, type Cell, type Row } from '../connection.ts';
import { corrupt } from '../errors.ts';
import { crcOfCells } from './row-crc.ts';
import { isSame, SealSum, sealOf, sumsInSql, type Seal, type TableSeal } from './seal.ts';
import { selectionOf, type SealedTable } from './sealed-tables.ts';

/** A row with the cells that its checksum covers, in the order of `SealedTable.columns`. */
export interface SealedRow {
  readonly key: Row;
  readonly cells: Row;
  readonly isAsWritten: boolean;
}

/** Whether a row of {@link selectionOf} matches its checksum. Before the seals, some tables had none. */
function isAsWritten(row: Row, table: SealedTable, seal: Seal | undefined): boolean {
  return (seal === undefined && row.at(-1) === null) || matchesChecksum(row, table);
}

export function matchesChecksum(row: Row, { key }: Pick<SealedTable, 'key'>): boolean {
  return crcOfCells(row, row.length - 1, key.length) === row.at(-1);
}

/**
 * All rows in the order of their key, each as it is stored; throws where the rows of the table are not those that the seal
 * counts, after the last one.
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

/** The cells of all rows in the order of their key, once all of them are known to be as written. @throws CHECKPOINT_CORRUPT */
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

/** Rows and sums as SQLite adds them up, which reads no more of a row than its checksum. */
export function sumsOf({
  database,
  table,
  where = '',
}: {
  readonly database: DatabaseSync;
  readonly table: Pick<SealedTable, 'name' | 'crc'>;
  readonly where?: string;
}): TableSeal {
  // An index may be damaged and the table not, or the other way round: what is shown comes from the table.
  const query = `SELECT ${sumsInSql(table.crc)} FROM ${quoted(table.name)} NOT INDEXED ${where}`;
  const [rows, sum, products] = firstRow(database.prepare(query)) as [number, number, number];
  return { rows, sum, products };
}

/** @throws CHECKPOINT_CORRUPT where the rows that were found are not those that the last commit left */
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
      ? `The rows of the table ${name} are not those that the last commit left there.`
      : `The table ${name} has ${rowsText(found.rows)}, and the last commit left ${rowsText(sealed.rows)} there.`;
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

/** A damaged checksum may be no number; then no sum can be right. */
export function crcCell(cell: Cell | undefined): number {
  return typeof cell === 'number' ? cell : NaN;
}

function rowsText(rows: number): string {
  return rows === 1 ? '1 row' : `${rows} rows`;
}

/** Below 0 where `a` comes first, as SQLite orders numbers and text. */
export function compareKeys(a: Row, b: Row): number {
  for (let index = 0; index < a.length; index += 1) {
    const [left, right] = [a[index], b[index]];
    if (left === right) continue;
    if (typeof left === 'number' && typeof right === 'number') return left - right;
    // Two texts compare alike here and there but for a few beyond the basic plane, so only a doubt is looked at twice.
    if (typeof left === 'string' && typeof right === 'string' && left < right) return -1;
    return Buffer.compare(Buffer.from(String(left)), Buffer.from(String(right)));
  }
  return 0;
}
