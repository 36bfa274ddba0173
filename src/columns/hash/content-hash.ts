/** One hash for what an event says, however it is written: two rows hash alike exactly when their fields are equal. */
import type { ArrayColumn, BooleanColumn, Column, ColumnBatch, DecimalColumn } from '../column-chunk.ts';
import { EntryDigests } from './entry-digests.ts';
import { BLOCK_ROWS_MAX, HashStage } from './hash-stage.ts';
import { initialState, STATE_BYTES } from './siphash.ts';

/** The length of an array that is null; none is that long. */
const NULL_LENGTH = -1;

/**
 * Hashes rows of one batch with a keyed 64-bit SipHash-2-4 over their leaves in schema order, in words of 64 bits. Each
 * leaf is written so that its end is known from its beginning: texts and arrays after their length, numbers as one word,
 * wide decimals as two more after an infinity, dictionary texts as their own digest. So two different rows never
 * write the same words. Texts are hashed as they lie, unescaped; no string is made.
 */
export class ContentHasher {
  /** The hash of the row that {@link hash} met last: two words. */
  readonly words = new Int32Array(2);

  private readonly columns: readonly Column[];
  private readonly digests: EntryDigests;
  private readonly stage: HashStage;
  private readonly initial: Int32Array;
  private readonly wide = new Int32Array(4);

  /**
   * Over the first `leafCount` leaves, all if left out. Hashers of one batch may share a `stage`.
   * @throws RangeError if `key` is not 16 bytes.
   */
  constructor(
    batch: ColumnBatch,
    key: Uint8Array,
    leafCount = batch.leaves.length,
    stage = new HashStage(batch),
  ) {
    this.columns = batch.columns.slice(0, leafCount);
    this.stage = stage;
    this.digests = new EntryDigests(key);
    this.initial = initialState(key, 64);
  }

  /** Hashes a row of the batch that has no problem; `words` holds the hash afterwards. */
  hash(row: number): void {
    this.stage.load(row, row + 1);
    this.hashBlock(row, row + 1, this.words, 0);
  }

  /** Hashes the rows `[from, to)`, which {@link HashStage.load} has taken, into two words each from `out[at]` on. */
  hashBlock(from: number, to: number, out: Int32Array, at: number): void {
    this.stage.begin(this.initial, to - from);
    for (const column of this.columns) this.absorb(column, from, to, this.stage.stateAt(0), STATE_BYTES);
    this.stage.finish(to - from, out, at);
  }

  /** Takes a column's rows in, no more than a block; with a stride of 0 into one state, as elements of one array. */
  private absorb(column: Column, from: number, to: number, states: number, stride: number): void {
    switch (column.kind) {
      case 'string':
        this.stage.absorbTexts(column, from, to, states, stride);
        return;
      case 'dictionary':
        this.digests.copy(column, from, to, this.stage.column);
        this.stage.absorbWords(to - from, states, stride);
        return;
      case 'decimal':
      case 'long':
        this.stage.absorbNumbers(column.values, from, to, states, stride);
        if (column.wide.size > 0) this.absorbWide(column, from, to, states, stride);
        return;
      case 'int':
      case 'double':
      case 'timestamp':
      case 'date':
        // -0 is never stored, so equal numbers have equal bits.
        this.stage.absorbNumbers(column.values, from, to, states, stride);
        return;
      case 'boolean':
        this.absorbBooleans(column, from, to, states, stride);
        return;
      case 'array':
        this.absorbArrays(column, from, to, states, stride);
        return;
    }
  }

  /** Two's complement in 128 bits: a decimal has at most 38 digits, which is less than 2^127. */
  private absorbWide(column: DecimalColumn, from: number, to: number, states: number, stride: number): void {
    for (let row = from; row < to; row += 1) {
      if (column.values[row] !== Infinity) continue;
      const value = column.get(row) as bigint;
      for (let word = 0; word < 4; word += 1)
        this.wide[word] = Number(BigInt.asIntN(32, value >> BigInt(word * 32)));
      this.stage.column.set(this.wide);
      this.stage.absorbWords(2, states + (row - from) * stride, 0);
    }
  }

  private absorbBooleans(
    column: BooleanColumn,
    from: number,
    to: number,
    states: number,
    stride: number,
  ): void {
    const words = this.stage.column;
    for (let row = from; row < to; row += 1) {
      const at = (row - from) * 2;
      words[at] = column.values[row] as number;
      words[at + 1] = 0;
    }
    this.stage.absorbWords(to - from, states, stride);
  }

  /** The number of elements, then each of them, whose own ends are known from their beginnings. */
  private absorbArrays(column: ArrayColumn, from: number, to: number, states: number, stride: number): void {
    for (let row = from; row < to; row += 1) {
      const state = states + (row - from) * stride;
      const start = column.start[row] as number;
      const end = column.end[row] as number;
      const words = this.stage.column;
      words[0] = start < 0 ? NULL_LENGTH : end - start;
      words[1] = 0;
      this.stage.absorbWords(1, state, 0);
      for (let at = start < 0 ? end : start; at < end; at += BLOCK_ROWS_MAX)
        this.absorb(column.items, at, Math.min(end, at + BLOCK_ROWS_MAX), state, 0);
    }
  }
}
