/** The keyed 128-bit hash of what names an event: one column or several, each written so that its end is known. */
import type { ColumnBatch } from '../columns/batch.ts';
import { SipHash128 } from '../columns/siphash.ts';
import { valueReader, type ValueReader } from './value-reader.ts';

const ENCODER = new TextEncoder();

export class IdHasher {
  private readonly batch: ColumnBatch;
  private readonly sip: SipHash128;
  private readonly readers: readonly ValueReader[];
  private readonly soleText: { start: Int32Array; end: Int32Array } | undefined;

  constructor(columns: readonly string[], batch: ColumnBatch, hashKey: Uint8Array) {
    this.batch = batch;
    this.sip = new SipHash128(hashKey);
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
    this.sip.reset();
    if (this.soleText !== undefined && (this.soleText.start[row] as number) >= 0) {
      // Nearly always an id is one text, and is hashed from where it lies.
      const id = this.batch.space.slice(this.soleText.start[row] as number, this.soleText.end[row] as number);
      this.sip.update(id, 0, id.length);
    } else {
      const bytes = ENCODER.encode(JSON.stringify(this.cells(row)));
      this.sip.update(bytes, 0, bytes.length);
      // No text ends so: it keeps one text apart from JSON that looks like it.
      this.sip.updateByte(0);
    }
    this.sip.finish();
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
