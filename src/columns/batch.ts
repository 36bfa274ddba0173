/**
 * A batch is columns, not objects: one typed vector a leaf of the schema, filled by the decoder straight from the
 * bytes of a chunk. A row object is made only where a person or a handler asks for rows.
 */
import { InvariantError } from '../errors.ts';
import { Dictionary, type DictionarySeed } from './dictionary.ts';
import { leavesOf, type Leaf, type Schema } from './schema.ts';

/** A whole scaled value: a number while it is a safe integer, a bigint beyond. */
export type Scaled = number | bigint;

const TEXT_DECODER = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * The bytes that string positions of a batch point into: the chunk's own bytes, and behind them (in one address space)
 * an arena for strings that had escapes and so stand nowhere as they are.
 */
export class ByteSpace {
  chunk: Uint8Array = new Uint8Array(0);
  arena: Uint8Array = new Uint8Array(1024);
  arenaUsed = 0;

  reset(chunk: Uint8Array): void {
    this.chunk = chunk;
    this.arenaUsed = 0;
  }

  /** Appends `bytes[start, end)` to the arena and returns its position in the common address space. */
  store(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (this.arenaUsed + length > this.arena.length) {
      const grown = new Uint8Array(Math.max(this.arena.length * 2, this.arenaUsed + length));
      grown.set(this.arena.subarray(0, this.arenaUsed));
      this.arena = grown;
    }
    this.arena.set(bytes.subarray(start, end), this.arenaUsed);
    const position = this.chunk.length + this.arenaUsed;
    this.arenaUsed += length;
    return position;
  }

  /** The bytes of `[start, end)`, a view and no copy. A range never spans chunk and arena. */
  slice(start: number, end: number): Uint8Array {
    if (start < this.chunk.length || start === end) return this.chunk.subarray(start, end);
    return this.arena.subarray(start - this.chunk.length, end - this.chunk.length);
  }

  text(start: number, end: number): string {
    return TEXT_DECODER.decode(this.slice(start, end));
  }
}

/** Text as positions in the batch's {@link ByteSpace}: start -1 is null. */
export class StringColumn {
  readonly kind = 'string';
  start: Int32Array;
  end: Int32Array;

  constructor(capacity: number) {
    this.start = new Int32Array(capacity);
    this.end = new Int32Array(capacity);
  }
}

/** Text as codes of a dictionary that outlives the batch: code -1 is null. */
export class DictionaryColumn {
  readonly kind = 'dictionary';
  codes: Int32Array;
  readonly dictionary: Dictionary;

  constructor(capacity: number, seed: DictionarySeed | undefined) {
    this.codes = new Int32Array(capacity);
    this.dictionary = new Dictionary(seed);
  }
}

/**
 * Decimals as scaled integers in doubles, exact while they are safe integers (NaN is null); the few that are not lie
 * in `wide`, and their double is `Infinity`.
 */
export class DecimalColumn {
  readonly kind = 'decimal';
  readonly scale: number;
  values: Float64Array;
  readonly wide = new Map<number, bigint>();

  constructor(capacity: number, scale: number) {
    this.values = new Float64Array(capacity);
    this.scale = scale;
  }

  /** The scaled integer of a row, exact; undefined is null. */
  get(row: number): Scaled | undefined {
    const value = this.values[row] as number;
    if (Number.isNaN(value)) return undefined;
    if (value !== Infinity) return value;
    const exact = this.wide.get(row);
    if (exact === undefined)
      throw new InvariantError(`decimal row ${row} is marked wide but has no wide value`);
    return exact;
  }

  set(row: number, value: Scaled | undefined): void {
    if (value === undefined) this.values[row] = NaN;
    else if (typeof value === 'number') this.values[row] = value;
    else {
      this.values[row] = Infinity;
      this.wide.set(row, value);
    }
  }
}

/** Whole numbers of 32 bits, and microseconds of instants, as doubles: NaN is null. */
export class NumberColumn {
  readonly kind: 'int' | 'timestamp';
  values: Float64Array;

  constructor(capacity: number, kind: 'int' | 'timestamp') {
    this.values = new Float64Array(capacity);
    this.kind = kind;
  }
}

/** 0 false, 1 true, -1 null. */
export class BooleanColumn {
  readonly kind = 'boolean';
  values: Int8Array;

  constructor(capacity: number) {
    this.values = new Int8Array(capacity);
  }
}

export type Column = StringColumn | DictionaryColumn | DecimalColumn | NumberColumn | BooleanColumn;

/** A cell as a person or a handler sees it: decimals as their exact text, instants as ISO text. */
export type Cell = string | number | boolean | null;

/** The decoded rows of one chunk. It is reused from chunk to chunk; `reset` empties it. */
export class ColumnBatch {
  readonly leaves: readonly Leaf[];
  readonly columns: readonly Column[];
  readonly space = new ByteSpace();
  capacity: number;

  /** `seed` keys the dictionaries' hashes, so that nobody can prepare values that collide. */
  constructor(ofSchema: Schema, capacity: number, seed?: DictionarySeed) {
    this.leaves = leavesOf(ofSchema);
    this.columns = this.leaves.map((leaf) => columnFor(leaf, capacity, seed));
    this.capacity = capacity;
  }

  /** Makes the batch ready for a chunk of `count` rows over `bytes`. */
  reset(bytes: Uint8Array, count: number): void {
    this.space.reset(bytes);
    if (count > this.capacity) this.grow(count);
    for (const column of this.columns) if (column.kind === 'decimal') column.wide.clear();
  }

  /** The position of a column by its path; a plan that names a missing one is a fault of ours by then. */
  indexOf(path: string): number {
    const index = this.leaves.findIndex((leaf) => leaf.path === path);
    if (index < 0) throw new InvariantError(`no column ${path} in the schema`);
    return index;
  }

  /** Bytes of distinct texts that the dictionaries hold. */
  get dictionaryBytes(): number {
    return this.columns.reduce(
      (sum, column) => sum + (column.kind === 'dictionary' ? column.dictionary.bytesUsed : 0),
      0,
    );
  }

  /** Forgets all texts. Codes are given out anew, so whoever remembers one must forget it too. */
  clearDictionaries(): void {
    for (const column of this.columns) if (column.kind === 'dictionary') column.dictionary.clear();
  }

  private grow(count: number): void {
    this.capacity = count;
    for (const column of this.columns) {
      switch (column.kind) {
        case 'string':
          column.start = new Int32Array(count);
          column.end = new Int32Array(count);
          break;
        case 'dictionary':
          column.codes = new Int32Array(count);
          break;
        case 'decimal':
        case 'int':
        case 'timestamp':
          column.values = new Float64Array(count);
          break;
        case 'boolean':
          column.values = new Int8Array(count);
          break;
      }
    }
  }
}

function columnFor(leaf: Leaf, capacity: number, seed: DictionarySeed | undefined): Column {
  switch (leaf.type.kind) {
    case 'string':
      return leaf.type.dictionary ? new DictionaryColumn(capacity, seed) : new StringColumn(capacity);
    case 'boolean':
      return new BooleanColumn(capacity);
    case 'int':
    case 'timestamp':
      return new NumberColumn(capacity, leaf.type.kind);
    case 'decimal':
      return new DecimalColumn(capacity, leaf.type.scale);
  }
}
