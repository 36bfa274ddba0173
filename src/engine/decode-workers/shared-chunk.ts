/**
 * Memory that two threads share for one chunk: its rows on the way in, and on the way out what a preparer says of them.
 * Sections lie one after the other, each from a multiple of eight bytes on:
 *
 * | section                      | elements                  |
 * |------------------------------|---------------------------|
 * | claim, and whether there is a message | 2 × int32                 |
 * | log timestamps               | float64 a row             |
 * | 64-bit columns               | float64 a row and column  |
 * | value start, value end       | int32 a row, each         |
 * | id hashes, content hashes    | 4 and 2 × int32 a row     |
 * | 32-bit columns               | int32 a row and vector    |
 * | states                       | uint8 a row               |
 * | 8-bit columns                | int8 a row and column     |
 * | the chunk's bytes            | uint8                     |
 *
 * V8 copies shared memory word by word only where source and destination lie alike within a word, and otherwise byte by
 * byte, at a tenth of the speed. So the chunk's bytes begin as far behind a multiple of eight as they did before.
 */
import type { Column } from '../../columns/column-chunk.ts';
import { CONTENT_WORDS, ID_WORDS } from '../../operators/dedupe/row-hasher.ts';

/**
 * Who has a slot. Given out, it holds the number of its task, which is above 0; by compare-and-exchange one thread makes
 * that `claimed`. So no one takes a task twice, nor one of before whose memory has come to hold another.
 */
export const CLAIM = { claimed: -1, done: -2 } as const;
export const CLAIM_AT = 0;
/** Not 0 if the worker posted a message with what does not fit a vector. */
export const MESSAGE_AT = 1;

const FLAG_BYTES = 8;
/** What V8 copies at once. */
const WORD_BYTES = 8;

type Vector = Float64Array | Int32Array | Int8Array;

/** How many vectors of each width the columns of a slot take. */
export interface SlotShape {
  readonly doubles: number;
  readonly words: number;
  readonly bytes: number;
}

export function shapeOf(columns: readonly Column[]): SlotShape {
  const shape = { doubles: 0, words: 0, bytes: 0 };
  for (const column of columns) {
    for (const vector of vectorsOf(column)) {
      if (vector instanceof Float64Array) shape.doubles += 1;
      else if (vector instanceof Int32Array) shape.words += 1;
      else shape.bytes += 1;
    }
  }
  return shape;
}

/** The vectors of a column that has one value a row. */
export function vectorsOf(column: Column): readonly Vector[] {
  switch (column.kind) {
    case 'string':
    case 'array':
      return [column.start, column.end];
    case 'dictionary':
      return [column.codes];
    default:
      return [column.values];
  }
}

/** The bytes that a slot of `rows` rows and `chunkBytes` bytes takes, at most. */
export function slotBytes(shape: SlotShape, rows: number, chunkBytes: number): number {
  const perRow = 8 * (1 + shape.doubles) + 4 * (2 + ID_WORDS + CONTENT_WORDS + shape.words) + 1 + shape.bytes;
  // Beside the sections' own beginnings, the chunk's is moved within its word.
  const sections = 1 + shape.doubles + 4 + shape.words + 1 + shape.bytes + 1;
  return FLAG_BYTES + rows * perRow + chunkBytes + (sections + 1) * WORD_BYTES;
}

/** How far behind a multiple of eight bytes these begin. */
export function phaseOf({ byteOffset }: Uint8Array): number {
  return byteOffset % WORD_BYTES;
}

/** Views of a slot's memory for a number of rows. */
export class SlotViews {
  readonly count: number;
  readonly flags: Int32Array;
  readonly timestampsMs: Float64Array;
  readonly valueStart: Int32Array;
  readonly valueEnd: Int32Array;
  readonly ids: Int32Array;
  readonly contents: Int32Array;
  readonly states: Uint8Array;
  readonly bytes: Uint8Array;
  /** In order of the columns, by width. */
  readonly doubles: readonly Float64Array[];
  readonly words: readonly Int32Array[];
  readonly small: readonly Int8Array[];

  constructor(memory: SharedArrayBuffer, shape: SlotShape, size: SlotSize) {
    const { rows } = size;
    this.count = rows;
    let at = FLAG_BYTES;
    const section = (bytes: number): number => {
      const start = at;
      at = Math.ceil((at + bytes) / WORD_BYTES) * WORD_BYTES;
      return start;
    };
    const doubles = (): Float64Array => new Float64Array(memory, section(rows * 8), rows);
    const words = (each: number): Int32Array => new Int32Array(memory, section(rows * each * 4), rows * each);
    const small = (): Int8Array => new Int8Array(memory, section(rows), rows);
    this.flags = new Int32Array(memory, 0, 2);
    this.timestampsMs = doubles();
    this.doubles = Array.from({ length: shape.doubles }, doubles);
    this.valueStart = words(1);
    this.valueEnd = words(1);
    this.ids = words(ID_WORDS);
    this.contents = words(CONTENT_WORDS);
    this.words = Array.from({ length: shape.words }, () => words(1));
    const { byteOffset } = small();
    this.states = new Uint8Array(memory, byteOffset, rows);
    this.small = Array.from({ length: shape.bytes }, small);
    this.bytes = new Uint8Array(memory, at + size.chunkPhase, size.chunkBytes);
  }
}

/** What a slot holds of a chunk. */
export interface SlotSize {
  readonly rows: number;
  readonly chunkBytes: number;
  /** {@link phaseOf} the chunk's bytes. */
  readonly chunkPhase: number;
}

/** One chunk to prepare. */
export interface SlotTask extends SlotSize {
  /** Unlike that of any other task in progress. */
  readonly number: number;
  readonly memory: SharedArrayBuffer;
  readonly clockMs: number;
}

/** Takes a task, if no one has. */
export function claim({ flags }: SlotViews, { number }: SlotTask): boolean {
  return Atomics.compareExchange(flags, CLAIM_AT, number, CLAIM.claimed) === number;
}
