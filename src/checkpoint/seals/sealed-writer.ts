/** Writes rows of a sealed table with their checksums, and updates the seal. Prepared once per runner. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { allRows, firstCell, quoted } from '../connection.ts';
import { crcOfCells } from './row-crc.ts';
import type { SealDraft } from './seal.ts';
import { crcCell } from './sealed-rows.ts';
import type { SealedTable } from './sealed-tables.ts';

export class SealedWriter {
  private readonly database: DatabaseSync;
  private readonly table: SealedTable;
  private readonly selectCrc: StatementSync;
  private readonly upsert: StatementSync;
  private readonly insert: StatementSync;

  constructor(database: DatabaseSync, table: SealedTable) {
    const { name, key, columns, crc } = table;
    const values = `(${[...columns, crc].join(', ')}) VALUES (${[...columns, crc].map(() => '?').join(', ')})`;
    const isKey = key.map((column) => `${column} = ?`).join(' AND ');
    this.database = database;
    this.table = table;
    this.selectCrc = database.prepare(`SELECT ${crc} FROM ${quoted(name)} WHERE ${isKey}`);
    this.upsert = database.prepare(`INSERT OR REPLACE INTO ${quoted(name)} ${values}`);
    this.insert = database.prepare(`INSERT INTO ${quoted(name)} ${values}`);
  }

  /** Inserts a row whose key does not exist yet. */
  add(draft: SealDraft, cells: readonly SQLInputValue[]): void {
    const crc = crcOfCells(cells);
    this.insert.run(...cells, crc);
    draft.of(this.table.name).add(crc);
  }

  /** Inserts or replaces a row; the key comes first among the cells. */
  put(draft: SealDraft, cells: readonly SQLInputValue[]): void {
    const crc = crcOfCells(cells);
    const before = firstCell(this.selectCrc, ...cells.slice(0, this.table.key.length));
    const sum = draft.of(this.table.name);
    if (before !== undefined) sum.remove(crcCell(before));
    this.upsert.run(...cells, crc);
    sum.add(crc);
  }

  /** Inserts a row unless its key exists. Returns whether it was added. */
  addNew(draft: SealDraft, cells: readonly SQLInputValue[]): boolean {
    const key = cells.slice(0, this.table.key.length);
    if (firstCell(this.selectCrc, ...key) !== undefined) return false;
    this.add(draft, cells);
    return true;
  }

  /** Removes the rows that match `where`, such as `batch_id <= ?`, and returns their number. */
  remover(where: string): (draft: SealDraft, ...values: SQLInputValue[]) => number {
    const { name, crc } = this.table;
    const remove = this.database.prepare(`DELETE FROM ${quoted(name)} WHERE ${where} RETURNING ${crc}`);
    return (draft, ...values) => {
      const removed = allRows(remove, ...values);
      for (const [before] of removed) draft.of(name).remove(crcCell(before));
      return removed.length;
    };
  }
}
