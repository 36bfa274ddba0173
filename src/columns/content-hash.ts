/** One hash for what an event says, however it is written: two rows hash alike exactly when their fields are equal. */
import type {
  ArrayColumn,
  Column,
  ColumnBatch,
  DecimalColumn,
  DictionaryColumn,
  StringColumn,
} from './batch.ts';
import type { ByteSpace } from './byte-space.ts';
import { SipHash128 } from './siphash.ts';

/** The length of a text or an array that is null; none is that long. */
const NULL_LENGTH = -1;

const NARROW = 1;
const WIDE = 2;

/**
 * Hashes rows of one batch with a keyed 128-bit SipHash over their leaves in schema order. Each leaf is written so that
 * its end is known from its beginning (texts and arrays after their length, numbers in a fixed size after a tag), so two different
 * rows never write the same bytes. Texts are hashed from where they lie, unescaped; no string is made.
 */
export class ContentHasher {
  private readonly batch: ColumnBatch;
  private readonly leafCount: number;
  private readonly sip: SipHash128;
  private readonly double = new Float64Array(1);
  private readonly doubleWords = new Int32Array(this.double.buffer);

  /** Over the first `leafCount` leaves, all where left out. @throws RangeError where `key` is not 16 bytes. */
  constructor(batch: ColumnBatch, key: Uint8Array, leafCount = batch.leaves.length) {
    this.batch = batch;
    this.leafCount = leafCount;
    this.sip = new SipHash128(key);
  }

  /** The hash of the row hashed last: four words. */
  get words(): Int32Array {
    return this.sip.words;
  }

  /** Hashes a row of the batch that has no problem; `words` holds the hash afterwards. */
  hash(row: number): void {
    this.sip.reset();
    const columns = this.batch.columns;
    for (let index = 0; index < this.leafCount; index++) this.hashCell(columns[index] as Column, row);
    this.sip.finish();
  }

  private hashCell(column: Column, row: number): void {
    switch (column.kind) {
      case 'string':
        this.hashText(this.batch.space, column, row);
        return;
      case 'dictionary':
        this.hashEntry(column, row);
        return;
      case 'decimal':
      case 'long':
        this.hashDecimal(column, row);
        return;
      case 'int':
      case 'double':
      case 'timestamp':
      case 'date':
        this.hashNumber(column.values[row] as number);
        return;
      case 'boolean':
        this.sip.updateByte((column.values[row] as number) + 1);
        return;
      case 'array':
        this.hashArray(column, row);
        return;
    }
  }

  private hashText(space: ByteSpace, column: StringColumn, row: number): void {
    const start = column.start[row] as number;
    if (start < 0) {
      this.sip.updateInt32(NULL_LENGTH);
      return;
    }
    const end = column.end[row] as number;
    const chunkLength = space.chunk.length;
    this.sip.updateInt32(end - start);
    if (start < chunkLength) this.sip.update(space.chunk, start, end);
    else this.sip.update(space.arena, start - chunkLength, end - chunkLength);
  }

  /** The text of a code and not the code, which depends on what came before. */
  private hashEntry(column: DictionaryColumn, row: number): void {
    const code = column.codes[row] as number;
    if (code < 0) {
      this.sip.updateInt32(NULL_LENGTH);
      return;
    }
    const dictionary = column.dictionary;
    const start = dictionary.startOf(code);
    const end = dictionary.endOf(code);
    this.sip.updateInt32(end - start);
    this.sip.update(dictionary.bytes, start, end);
  }

  /** The number of elements, then each of them, whose own ends are known from their beginnings. */
  private hashArray(column: ArrayColumn, row: number): void {
    const start = column.start[row] as number;
    const end = column.end[row] as number;
    this.sip.updateInt32(start < 0 ? NULL_LENGTH : end - start);
    if (start < 0) return;
    for (let at = start; at < end; at++) this.hashCell(column.items, at);
  }

  private hashDecimal(column: DecimalColumn, row: number): void {
    const value = column.values[row] as number;
    if (value === Infinity) this.hashWide(column.get(row) as bigint);
    else this.hashNumber(value);
  }

  /** NaN is null. -0 is never stored, so equal numbers have equal bits. */
  private hashNumber(value: number): void {
    if (Number.isNaN(value)) {
      this.sip.updateByte(0);
      return;
    }
    this.sip.updateByte(NARROW);
    this.double[0] = value;
    this.sip.updateInt32(this.doubleWords[0] as number);
    this.sip.updateInt32(this.doubleWords[1] as number);
  }

  /** Two's complement in 128 bits: a decimal has at most 38 digits, which is less than 2^127. */
  private hashWide(value: bigint): void {
    this.sip.updateByte(WIDE);
    for (let shift = 0n; shift < 128n; shift += 32n)
      this.sip.updateInt32(Number(BigInt.asIntN(32, value >> shift)));
  }
}
