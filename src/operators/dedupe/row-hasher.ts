/** The keyed hashes by which rows are compared: of what names an event, and of all that it says. */
import type { ColumnBatch } from '../../columns/column-chunk.ts';
import { ContentHasher } from '../../columns/hash/content-hash.ts';
import { HashStage } from '../../columns/hash/hash-stage.ts';
import { IdHasher } from './id-hasher.ts';

export const ID_WORDS = 4;
export const CONTENT_WORDS = 2;

export interface RowHasherOptions {
  /** The columns that name an event. */
  readonly idColumns: readonly string[];
  readonly hashKey: Uint8Array;
  /** How many leaves make an event's content, from the first on; the columns behind them are computed. */
  readonly leafCount: number;
}

/** Hashes many rows of a batch at once, which costs a tenth of hashing them one by one. */
export class RowHasher {
  /** {@link ID_WORDS} words a row: row r has those from 4r on. Another array after a call that needed more room. */
  ids = new Int32Array(0);
  /** {@link CONTENT_WORDS} words a row, likewise. */
  contents = new Int32Array(0);

  private readonly stage: HashStage;
  private readonly idHasher: IdHasher;
  private readonly contentHasher: ContentHasher;

  constructor(batch: ColumnBatch, { idColumns, hashKey, leafCount }: RowHasherOptions) {
    this.stage = new HashStage(batch);
    this.idHasher = new IdHasher(idColumns, batch, hashKey);
    this.contentHasher = new ContentHasher(batch, hashKey, leafCount, this.stage);
  }

  /** Hashes the rows `[from, to)`. The hashes of a row that had a problem mean nothing. */
  hashRows(from: number, to: number): void {
    if (to * ID_WORDS > this.ids.length) this.makeRoom(to, from);
    for (let start = from; start < to;) {
      const end = this.stage.load(start, to);
      this.idHasher.hashBlock(this.stage, start, end, this.ids, start * ID_WORDS);
      this.contentHasher.hashBlock(start, end, this.contents, start * CONTENT_WORDS);
      start = end;
    }
  }

  /** The id as words, for a message. */
  idText(row: number): string {
    return this.idHasher.text(row);
  }

  private makeRoom(rows: number, keep: number): void {
    const { ids, contents } = this;
    this.ids = new Int32Array(rows * ID_WORDS);
    this.ids.set(ids.subarray(0, keep * ID_WORDS));
    this.contents = new Int32Array(rows * CONTENT_WORDS);
    this.contents.set(contents.subarray(0, keep * CONTENT_WORDS));
  }
}
