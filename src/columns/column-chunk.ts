/**
 * A batch is columns, not objects: one typed vector a leaf of the schema, filled by the decoder straight from the
 * bytes of a chunk. A row object is made only where a person or a handler asks for rows.
 */
import { InvariantError } from '../errors.ts';
import { ByteSpace } from './byte-space.ts';
import { Dictionary, type DictionarySeed } from './dictionary.ts';
import {
  leavesOf,
  type ArrayType,
  type FieldType,
  type Leaf,
  type LeafType,
  type PrimitiveType,
  type Schema,
  type StringType,
} from './schema/schema.ts';
import type { LeafPathOf, TypeOfPath } from './schema/paths.ts';

export type { ByteSpace } from './byte-space.ts';

/** A whole scaled value: a number while it is a safe integer, a bigint beyond. */
export type Scaled = number | bigint;

/** What every column does, for every type. The decoders' inner loops use the vectors themselves. */
interface ColumnBehaviour {
  isNull(row: number): boolean;
  setNull(row: number): void;
  /** Makes room for `capacity` rows and carries over the first `keep`. */
  grow(capacity: number, keep: number): void;
  /** Forgets what is kept outside of the vectors; the vectors are written over. */
  empty(): void;
}

/** Text as positions in the batch's {@link ByteSpace}: start -1 is null. */
export class StringColumn implements ColumnBehaviour {
  readonly kind = 'string';
  start: Int32Array;
  end: Int32Array;

  constructor(capacity: number) {
    this.start = new Int32Array(capacity);
    this.end = new Int32Array(capacity);
  }

  isNull(row: number): boolean {
    return (this.start[row] as number) < 0;
  }

  setNull(row: number): void {
    this.start[row] = -1;
    this.end[row] = -1;
  }

  grow(capacity: number, keep: number): void {
    this.start = grown(this.start, new Int32Array(capacity), keep);
    this.end = grown(this.end, new Int32Array(capacity), keep);
  }

  empty(): void {}
}

/** Text as codes of a dictionary that outlives the batch: code -1 is null. */
export class DictionaryColumn implements ColumnBehaviour {
  readonly kind = 'dictionary';
  codes: Int32Array;
  readonly dictionary: Dictionary;

  constructor(capacity: number, seed: DictionarySeed | undefined) {
    this.codes = new Int32Array(capacity);
    this.dictionary = new Dictionary(seed);
  }

  isNull(row: number): boolean {
    return (this.codes[row] as number) < 0;
  }

  setNull(row: number): void {
    this.codes[row] = -1;
  }

  grow(capacity: number, keep: number): void {
    this.codes = grown(this.codes, new Int32Array(capacity), keep);
  }

  /** The dictionary outlives the batch. */
  empty(): void {}
}

/**
 * Decimals as scaled integers in doubles, exact while they are safe integers (NaN is null); the few that are not lie
 * in `wide`, and their double is `Infinity`. Whole numbers of 64 bits (`long`) are decimals of scale 0.
 */
export class DecimalColumn<Kind extends 'decimal' | 'long' = 'decimal' | 'long'> implements ColumnBehaviour {
  readonly kind: Kind;
  readonly scale: number;
  values: Float64Array;
  readonly wide = new Map<number, bigint>();

  constructor(capacity: number, kind: Kind, scale: number) {
    this.kind = kind;
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

  isNull(row: number): boolean {
    return Number.isNaN(this.values[row]);
  }

  setNull(row: number): void {
    this.values[row] = NaN;
  }

  grow(capacity: number, keep: number): void {
    this.values = grown(this.values, new Float64Array(capacity), keep);
  }

  empty(): void {
    this.wide.clear();
  }
}

/** What a {@link NumberColumn} can hold. */
export type NumberKind = 'int' | 'double' | 'timestamp' | 'date';

/**
 * Numbers that a double holds exactly: whole numbers of 32 bits, doubles, microseconds of instants since
 * 1970-01-01T00:00:00Z, days since 1970-01-01. NaN is null; -0 is never stored.
 */
export class NumberColumn<Kind extends NumberKind = NumberKind> implements ColumnBehaviour {
  readonly kind: Kind;
  values: Float64Array;

  constructor(capacity: number, kind: Kind) {
    this.values = new Float64Array(capacity);
    this.kind = kind;
  }

  isNull(row: number): boolean {
    return Number.isNaN(this.values[row]);
  }

  setNull(row: number): void {
    this.values[row] = NaN;
  }

  grow(capacity: number, keep: number): void {
    this.values = grown(this.values, new Float64Array(capacity), keep);
  }

  empty(): void {}
}

/** 0 false, 1 true, -1 null. */
export class BooleanColumn implements ColumnBehaviour {
  readonly kind = 'boolean';
  values: Int8Array;

  constructor(capacity: number) {
    this.values = new Int8Array(capacity);
  }

  isNull(row: number): boolean {
    return (this.values[row] as number) < 0;
  }

  setNull(row: number): void {
    this.values[row] = -1;
  }

  grow(capacity: number, keep: number): void {
    this.values = grown(this.values, new Int8Array(capacity), keep);
  }

  empty(): void {}
}

/** A column of single values. */
export type PrimitiveColumn = StringColumn | DictionaryColumn | DecimalColumn | NumberColumn | BooleanColumn;

/**
 * Arrays: the elements of a row are `items[start, end)`, and a null among them is the null of `items`. Start -1 is a
 * null row; an empty array has start = end ≥ 0. Elements of invalid rows may be between them.
 */
export class ArrayColumn<Items extends PrimitiveColumn = PrimitiveColumn> implements ColumnBehaviour {
  readonly kind = 'array';
  start: Int32Array;
  end: Int32Array;
  readonly items: Items;
  /** How many places of `items` this chunk has used. */
  itemsUsed = 0;
  /** An element takes two bytes of the chunk at least, so this is at most half of the largest chunk's bytes, doubled. */
  private itemsCapacity: number;

  constructor(capacity: number, items: Items) {
    this.start = new Int32Array(capacity);
    this.end = new Int32Array(capacity);
    this.items = items;
    this.itemsCapacity = capacity;
  }

  /** The place for one more element. The vectors of `items` may be others afterwards. */
  append(): number {
    if (this.itemsUsed === this.itemsCapacity) {
      this.itemsCapacity = Math.max(16, this.itemsCapacity * 2);
      this.items.grow(this.itemsCapacity, this.itemsUsed);
    }
    return this.itemsUsed++;
  }

  isNull(row: number): boolean {
    return (this.start[row] as number) < 0;
  }

  setNull(row: number): void {
    this.start[row] = -1;
    this.end[row] = -1;
  }

  grow(capacity: number, keep: number): void {
    this.start = grown(this.start, new Int32Array(capacity), keep);
    this.end = grown(this.end, new Int32Array(capacity), keep);
  }

  empty(): void {
    this.itemsUsed = 0;
    this.items.empty();
  }
}

export type Column = PrimitiveColumn | ArrayColumn;

/** Columns that are there already, one per leaf, and the bytes that their texts are in. */
export type SharedColumns = Pick<ColumnBatch, 'columns' | 'space'>;

/** The decoded rows of one chunk. It is reused from chunk to chunk; `reset` empties it. */
export class ColumnBatch<S extends Schema = Schema> {
  readonly schema: S;
  readonly leaves: readonly Leaf[];
  readonly columns: readonly Column[];
  readonly space: ByteSpace;
  capacity: number;

  /**
   * `seed` keys the dictionaries' hashes, so that no one can prepare values that collide. Over `shared` columns the batch
   * is a view of them, and must not be reset.
   */
  constructor(ofSchema: S, capacity: number, seed?: DictionarySeed, shared?: SharedColumns) {
    this.schema = ofSchema;
    this.leaves = leavesOf(ofSchema);
    this.columns = shared?.columns ?? this.leaves.map((leaf) => columnFor(leaf.type, capacity, seed));
    this.space = shared?.space ?? new ByteSpace();
    this.capacity = capacity;
  }

  /** Makes the batch ready for a chunk of `count` rows over `bytes`. */
  reset(bytes: Uint8Array, count: number): void {
    this.space.reset(bytes);
    if (count > this.capacity) {
      this.capacity = count;
      for (const column of this.columns) column.grow(count, 0);
    }
    for (const column of this.columns) column.empty();
  }

  /** Gives every column room for `capacity` rows, and keeps the first `keep` of them. */
  makeRoom(capacity: number, keep: number): void {
    for (const column of this.columns) column.grow(capacity, keep);
    this.capacity = capacity;
  }

  /** The position of a column by its path; a plan that names a missing one is a fault of ours by then. */
  indexOf(path: string): number {
    const index = this.leaves.findIndex((leaf) => leaf.path === path);
    if (index >= 0) return index;
    throw new InvariantError(`no column ${path} in the schema`);
  }

  /** The column of a path that the schema's type knows, as the kind that it is. */
  column<Path extends LeafPathOf<S>>(path: Path): ColumnAtPath<S, Path> {
    return this.columns[this.indexOf(path)] as Column as ColumnAtPath<S, Path>;
  }

  /** Bytes of distinct texts that the dictionaries hold. */
  get dictionaryBytes(): number {
    return this.columns.reduce((sum, column) => sum + (dictionaryOf(column)?.bytesUsed ?? 0), 0);
  }

  /** Forgets all texts. Codes are reused afterwards, so callers must not keep any. */
  clearDictionaries(): void {
    for (const column of this.columns) dictionaryOf(column)?.clear();
  }
}

function dictionaryOf(column: Column): Dictionary | undefined {
  if (column.kind === 'array') return dictionaryOf(column.items);
  return column.kind === 'dictionary' ? column.dictionary : undefined;
}

function grown<T extends Int32Array | Float64Array | Int8Array>(from: T, to: T, keep: number): T {
  if (keep > 0) to.set(from.subarray(0, keep));
  return to;
}

/** A column for values of a type, with room for `capacity` rows. */
export function columnFor(type: LeafType, capacity: number, seed?: DictionarySeed): Column {
  return type.kind === 'array'
    ? new ArrayColumn(capacity, primitiveColumn(type.element, capacity, seed))
    : primitiveColumn(type, capacity, seed);
}

function primitiveColumn(
  type: PrimitiveType,
  capacity: number,
  seed: DictionarySeed | undefined,
): PrimitiveColumn {
  switch (type.kind) {
    case 'string':
      return type.dictionary ? new DictionaryColumn(capacity, seed) : new StringColumn(capacity);
    case 'boolean':
      return new BooleanColumn(capacity);
    case 'int':
    case 'double':
    case 'timestamp':
    case 'date':
      return new NumberColumn(capacity, type.kind);
    case 'decimal':
      return new DecimalColumn(capacity, 'decimal', type.scale);
    case 'long':
      return new DecimalColumn(capacity, 'long', 0);
  }
}

/** Which column a type is kept in, for the compiler. */
type PrimitiveColumnOf<Type extends PrimitiveType> =
  Type extends StringType<infer Dictionary>
    ? Dictionary extends true
      ? DictionaryColumn
      : StringColumn
    : Type['kind'] extends 'boolean'
      ? BooleanColumn
      : Type['kind'] extends 'decimal' | 'long'
        ? DecimalColumn<Type['kind']>
        : Type['kind'] extends NumberKind
          ? NumberColumn<Type['kind']>
          : never;

type ArrayColumnOf<Items> = Items extends PrimitiveColumn ? ArrayColumn<Items> : never;

/** The column of a type: `ColumnOf<DateType>` is a `NumberColumn<'date'>`. A struct has none of its own. */
export type ColumnOf<Type extends FieldType> =
  Type extends ArrayType<infer Element>
    ? ArrayColumnOf<PrimitiveColumnOf<Element>>
    : Type extends PrimitiveType
      ? PrimitiveColumnOf<Type>
      : never;

export type ColumnAtPath<S extends Schema, Path extends LeafPathOf<S>> = ColumnOf<TypeOfPath<S, Path>>;

/** Every column of a schema by its path. */
export type ColumnsOf<S extends Schema> = {
  readonly [Path in LeafPathOf<S>]: ColumnAtPath<S, Path>;
};
