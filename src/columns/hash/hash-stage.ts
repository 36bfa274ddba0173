/** Where rows lie to be hashed: a block of them at a time, copied into the memory of the hash's kernel. */
import type { ArrayColumn, Column, ColumnBatch, StringColumn } from '../column-chunk.ts';
import { createSipKernel, SLACK_BYTES, STATE_BYTES, type SipFunctions } from './siphash.ts';
import { WASM_PAGE_BYTES, type WasmMemory } from './wasm-memory.ts';

/** Rows of a block; with their texts they stay in the processor's cache. */
export const BLOCK_ROWS_MAX = 512;
/** Bytes of texts of a block with more than one row. */
const BLOCK_BYTES_MAX = 512 * 1024;

/** Addresses of the states, of one column's values, of the hashes, and of the texts. */
const STATES_AT = 0;
const COLUMN_AT = STATES_AT + BLOCK_ROWS_MAX * STATE_BYTES;
const ENDS_AT = COLUMN_AT + BLOCK_ROWS_MAX * 4;
const HASHES_AT = COLUMN_AT + BLOCK_ROWS_MAX * 8;
const TEXTS_AT = HASHES_AT + BLOCK_ROWS_MAX * 16;
/** V8 copies shared memory (chunks may be in it) by words if both sides are aligned alike, else byte by byte. */
const WORD_BYTES = 8;

interface TextColumn {
  readonly text: StringColumn;
  /** The array whose elements they are. */
  readonly array: ArrayColumn | undefined;
}

/** One block of rows of a batch. Hashers share it, so that the texts are copied once. */
export class HashStage {
  private readonly batch: ColumnBatch;
  private readonly texts: readonly TextColumn[];
  private readonly memory: WasmMemory;
  private readonly kernel: SipFunctions;
  private bytes: Uint8Array;
  private words: Int32Array;
  private doubles: Float64Array;
  /** The texts of the block: `[low, high)` of the chunk, and of the arena after it. */
  private low = 0;
  private high = 0;
  /** Where they lie here. */
  private textsAt = TEXTS_AT;
  private arenaLow = 0;
  private arenaHigh = 0;

  constructor(batch: ColumnBatch) {
    this.batch = batch;
    this.texts = batch.columns.flatMap(textsOf);
    const { memory, functions } = createSipKernel(Math.ceil((TEXTS_AT + BLOCK_BYTES_MAX) / WASM_PAGE_BYTES));
    this.memory = memory;
    this.kernel = functions;
    this.bytes = new Uint8Array(memory.buffer);
    this.words = new Int32Array(memory.buffer);
    this.doubles = new Float64Array(memory.buffer);
  }

  /** Takes as many of the rows `[from, to)` as make a block, one at least. Returns where it ends. */
  load(from: number, to: number): number {
    let end = Math.min(to, from + BLOCK_ROWS_MAX);
    while (this.measure(from, end) > BLOCK_BYTES_MAX && end - from > 1) end = from + ((end - from) >> 1);
    const { chunk, arena } = this.batch.space;
    this.textsAt = TEXTS_AT + ((chunk.byteOffset + this.low) % WORD_BYTES);
    const arenaAt = this.textsAt + this.high - this.low;
    this.reserve(arenaAt + (this.arenaHigh - this.arenaLow) + SLACK_BYTES);
    this.bytes.set(chunk.subarray(this.low, this.high), this.textsAt);
    if (this.arenaHigh > this.arenaLow)
      this.bytes.set(arena.subarray(this.arenaLow, this.arenaHigh), arenaAt);
    return end;
  }

  /** The address of a row's state, by its place in the block. */
  stateAt(place: number): number {
    return STATES_AT + place * STATE_BYTES;
  }

  /** Begins this many rows with this state. */
  begin(state: Int32Array, rows: number): void {
    const { words } = this;
    const end = (rows * STATE_BYTES) / 4;
    words.set(state, STATES_AT / 4);
    for (let done = state.length; done < end; done *= 2) {
      words.copyWithin(STATES_AT / 4 + done, STATES_AT / 4, STATES_AT / 4 + Math.min(done, end - done));
    }
  }

  /** Takes the doubles `values[from, to)` in, at most a block of them. */
  absorbNumbers(values: Float64Array, from: number, to: number, states: number, stride: number): void {
    this.doubles.set(values.subarray(from, to), COLUMN_AT / 8);
    this.kernel.numbers(COLUMN_AT, states, stride, to - from);
  }

  /** Two words of 32 bits for each row, low before high, to be filled for {@link absorbWords}. */
  get column(): Int32Array {
    return this.words.subarray(COLUMN_AT / 4, HASHES_AT / 4);
  }

  /** Takes what {@link column} holds in, 64 bits a row. */
  absorbWords(count: number, states: number, stride: number): void {
    this.kernel.words(COLUMN_AT, states, stride, count);
  }

  /** Takes the texts of rows `[from, to)` in, at most a block of them. */
  absorbTexts(column: StringColumn, from: number, to: number, states: number, stride: number): void {
    this.layPositions(column, from, to);
    const [split, below, above] = this.moves();
    this.kernel.texts(COLUMN_AT, ENDS_AT, states, stride, to - from, split, below, above);
  }

  /** Ends the rows of a block into 64 bits each, and writes their two words from `out[at]` on. */
  finish(rows: number, out: Int32Array, at: number): void {
    this.kernel.finish(STATES_AT, HASHES_AT, rows);
    this.copyHashes(rows * 2, out, at);
  }

  /** SipHash-2-4-128 of the texts of rows `[from, to)` into four words each from `out[at]` on; a null's mean nothing. */
  hashTexts(column: StringColumn, from: number, to: number, out: Int32Array, at: number): void {
    this.layPositions(column, from, to);
    const [split, below, above] = this.moves();
    this.kernel.texts128(COLUMN_AT, ENDS_AT, STATES_AT, HASHES_AT, to - from, split, below, above);
    this.copyHashes((to - from) * 4, out, at);
  }

  private copyHashes(words: number, out: Int32Array, at: number): void {
    out.set(this.words.subarray(HASHES_AT / 4, HASHES_AT / 4 + words), at);
  }

  private layPositions({ start, end }: StringColumn, from: number, to: number): void {
    this.words.set(start.subarray(from, to), COLUMN_AT / 4);
    this.words.set(end.subarray(from, to), ENDS_AT / 4);
  }

  /** What makes an address of a text's position, as the kernel wants it. */
  private moves(): readonly [split: number, below: number, above: number] {
    const split = this.batch.space.chunk.length;
    const arenaAt = this.textsAt + this.high - this.low;
    return [split, this.textsAt - this.low, arenaAt - this.arenaLow - split];
  }

  /** Finds where the texts of these rows lie. Returns how many bytes that is. */
  private measure(from: number, to: number): number {
    this.low = this.arenaLow = Infinity;
    this.high = this.arenaHigh = 0;
    for (const { text, array } of this.texts) {
      if (array === undefined) this.widen(text, from, to);
      else {
        for (let row = from; row < to; row += 1)
          this.widen(text, array.start[row] as number, array.end[row] as number);
      }
    }
    this.low = Math.min(this.low, this.high);
    this.arenaLow = Math.min(this.arenaLow, this.arenaHigh);
    return this.high - this.low + this.arenaHigh - this.arenaLow;
  }

  private widen({ start: starts, end: ends }: StringColumn, from: number, to: number): void {
    const split = this.batch.space.chunk.length;
    let { low, high } = this;
    for (let row = from; row < to; row += 1) {
      const start = starts[row] as number;
      const end = ends[row] as number;
      if (start < 0 || start === end) continue;
      if (start < split) {
        if (start < low) low = start;
        if (end > high) high = end;
      } else {
        this.arenaLow = Math.min(this.arenaLow, start - split);
        this.arenaHigh = Math.max(this.arenaHigh, end - split);
      }
    }
    this.low = low;
    this.high = high;
  }

  private reserve(bytes: number): void {
    const missing = Math.ceil((bytes - this.bytes.length) / WASM_PAGE_BYTES);
    if (missing <= 0) return;
    this.memory.grow(missing);
    this.bytes = new Uint8Array(this.memory.buffer);
    this.words = new Int32Array(this.memory.buffer);
    this.doubles = new Float64Array(this.memory.buffer);
  }
}

function textsOf(column: Column): TextColumn[] {
  if (column.kind === 'string') return [{ text: column, array: undefined }];
  if (column.kind === 'array' && column.items.kind === 'string')
    return [{ text: column.items, array: column }];
  return [];
}
