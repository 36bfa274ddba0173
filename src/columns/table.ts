/** Rows that are kept: a batch that owns its bytes and grows, for what outlives the chunk that it was read from. */
import { InvariantError } from '../errors.ts';
import { ColumnBatch, type Column } from './column-chunk.ts';
import { copyCell } from './copy-cell.ts';
import type { DictionarySeed } from './dictionary.ts';
import type { Leaf, Schema } from './schema/schema.ts';
import { setCell, type Cell } from './set-cell.ts';

const ROWS_AT_FIRST = 16;

const NO_BYTES = new Uint8Array(0);

/**
 * Rows `[0, count)` of {@link batch}. Appending costs the same however many rows there are, and memory is the only
 * bound. Nothing that was appended changes until `clear`.
 */
export class ColumnTable<S extends Schema = Schema> {
  readonly schema: S;
  /** The rows; its capacity is larger than `count`, and its columns' vectors are others as the table grows. */
  readonly batch: ColumnBatch<S>;
  private rows = 0;

  /** `seed` keys the dictionaries' hashes: random words where strangers wrote the texts. */
  constructor(ofSchema: S, seed?: DictionarySeed) {
    this.schema = ofSchema;
    this.batch = new ColumnBatch(ofSchema, ROWS_AT_FIRST, seed);
    this.batch.reset(NO_BYTES, 0);
  }

  get count(): number {
    return this.rows;
  }

  /**
   * Copies a row: `columnIndexes` names, for each leaf of this table, the column of `from` that has its values.
   * @throws TallystreamError `STATE_TOO_LARGE` if the texts have more than 2 GiB.
   */
  appendRow(from: ColumnBatch, columnIndexes: readonly number[], row: number): void {
    const { columns, space } = this.batch;
    if (columnIndexes.length !== columns.length)
      throw new InvariantError(`${columnIndexes.length} columns for a table of ${columns.length}`);
    this.reserve();
    for (let index = 0; index < columns.length; index += 1) {
      const source = columnIndexes[index] as number;
      const column = from.columns[source];
      if (column === undefined) throw new InvariantError(`no column ${source} to copy from`);
      copyCell({ column, space: from.space }, row, { column: columns[index] as Column, space }, this.rows);
    }
    this.rows += 1;
  }

  /**
   * Appends a row of values as people see them, one per leaf, in the order of the schema; see {@link setCell}.
   * @throws RangeError for a value that its leaf cannot have, null if it is required among them; nothing is appended.
   */
  appendCells(cells: readonly Cell[]): void {
    const { columns, leaves, space } = this.batch;
    if (cells.length !== leaves.length)
      throw new InvariantError(`${cells.length} cells for a table of ${leaves.length} columns`);
    this.reserve();
    for (const [index, cell] of cells.entries()) {
      const { path, type, required } = leaves[index] as Leaf;
      if (cell === null && required) throw new RangeError(`${path}: null, but a value is required`);
      setCell(columns[index] as Column, type, space, this.rows, cell, path);
    }
    this.rows += 1;
  }

  /** Forgets all rows, for whoever shares them too, and the texts of the dictionaries. */
  clear(): void {
    this.rows = 0;
    this.batch.reset(NO_BYTES, 0);
    this.batch.clearDictionaries();
  }

  /** Makes room for one more row: twice as much each time, so that all copying together is less than two of each row. */
  private reserve(): void {
    if (this.rows === this.batch.capacity) this.batch.makeRoom(this.rows * 2, this.rows);
  }
}
