/** The keyed 128-bit hash of what names an event: one column or several, each written so that its end is known. */
import type { ColumnBatch, StringColumn } from '../../columns/column-chunk.ts';
import type { HashStage } from '../../columns/hash/hash-stage.ts';
import { initialState, SipHash128 } from '../../columns/hash/siphash.ts';
import { valueReader, type ValueReader } from '../aggregate/value-reader.ts';

const ENCODER = new TextEncoder();

export class IdHasher {
  private readonly batch: ColumnBatch;
  private readonly sip: SipHash128;
  private readonly readers: readonly ValueReader[];
  private readonly initial: Int32Array;
  private readonly soleText: StringColumn | undefined;

  constructor(columns: readonly string[], batch: ColumnBatch, hashKey: Uint8Array) {
    this.batch = batch;
    this.sip = new SipHash128(hashKey);
    this.initial = initialState(hashKey, 128);
    const found = columns.map((path) => batch.columns[batch.indexOf(path)]);
    this.readers = found.flatMap((column) =>
      column === undefined ? [] : [valueReader(column, batch.space)],
    );
    const [only] = found;
    this.soleText = found.length === 1 && only?.kind === 'string' ? only : undefined;
  }

  /** The hash of the row hashed last: four words. */
  get words(): Int32Array {
    return this.sip.words;
  }

  hash(row: number): void {
    if (this.soleText !== undefined && (this.soleText.start[row] as number) >= 0) {
      // Nearly always an id is one text, and is hashed from where it lies.
      const id = this.batch.space.slice(this.soleText.start[row] as number, this.soleText.end[row] as number);
      this.sip.hash(id);
    } else {
      // No text ends in NUL: it keeps one text apart from JSON that looks like it.
      this.sip.hash(ENCODER.encode(`${JSON.stringify(this.cells(row))}\0`));
    }
  }

  /** Hashes the rows `[from, to)`, which `stage` has loaded, into four words each from `out[at]` on. */
  hashBlock(stage: HashStage, from: number, to: number, out: Int32Array, at: number): void {
    const { soleText } = this;
    if (soleText !== undefined) {
      stage.begin(this.initial, to - from);
      stage.hashTexts(soleText, from, to, out, at);
    }
    for (let row = from; row < to; row += 1) {
      if (soleText !== undefined && (soleText.start[row] as number) >= 0) continue;
      this.hash(row);
      out.set(this.words, at + (row - from) * 4);
    }
  }

  /** The id as words, for a message. */
  text(row: number): string {
    const cells = this.cells(row);
    return cells.length === 1 ? String(cells[0]) : JSON.stringify(cells);
  }

  private cells(row: number) {
    return this.readers.map((reader) => reader.cell(reader.at(row)));
  }
}
