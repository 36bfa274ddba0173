/** `orderBy`: sort keys, and how rows compare by them. */
import type { Column, ColumnBatch, DictionaryColumn, StringColumn } from '../../columns/column-chunk.ts';
import { compareScaled } from '../../columns/values/decimal.ts';
import type { Schema } from '../../columns/schema/schema.ts';
import type { PathOfKind } from '../../columns/schema/paths.ts';
import { TallystreamError } from '../../errors.ts';
import type { Expr, Kind } from '../../plan/expression/expr.ts';
import { nodeOf, type Expression } from '../../plan/expression/node.ts';
import { outputName } from '../../plan/expression/text.ts';
import { fieldOfExpression, leafColumn, rowsOf, withRows, type FrameParts } from './parts.ts';

/** Kinds that have an order. */
export type SortableKind = Exclude<Kind, 'array' | 'struct'>;

/** Paths that rows can be ordered by. */
export type SortPath<S extends Schema> = PathOfKind<S, SortableKind>;

/** What to order by, and how. */
export interface SortKey<Path extends string = string> {
  readonly sortBy: Path | { readonly node: Expression };
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

/** How nulls are ordered relative to values. */
export interface SortOptions {
  readonly nulls?: 'first' | 'last';
}

/** Smallest first. Nulls come first unless `nulls` says otherwise (as Spark's `asc`). */
export function asc(by: Expr<SortableKind>, options?: SortOptions): SortKey<never>;
export function asc<const Path extends string>(by: Path, options?: SortOptions): SortKey<Path>;
export function asc(by: string | Expr<SortableKind>, { nulls = 'first' }: SortOptions = {}): SortKey {
  return Object.freeze({ sortBy: by, descending: false, nullsFirst: nulls === 'first' });
}

/** Largest first. Nulls come last unless `nulls` says otherwise (as Spark's `desc`). */
export function desc(by: Expr<SortableKind>, options?: SortOptions): SortKey<never>;
export function desc<const Path extends string>(by: Path, options?: SortOptions): SortKey<Path>;
export function desc(by: string | Expr<SortableKind>, { nulls = 'last' }: SortOptions = {}): SortKey {
  return Object.freeze({ sortBy: by, descending: true, nullsFirst: nulls === 'first' });
}

/** The rows sorted by these keys, the first key first. Rows that are equal keep their order. @throws USAGE */
export function ordered<S extends Schema>(
  parts: FrameParts<S>,
  keys: readonly (string | SortKey | { readonly node: Expression })[],
): FrameParts<S> {
  const comparisons = keys.map((key) => {
    const isKey = typeof key === 'object' && 'sortBy' in key;
    return comparisonOf(parts, isKey ? key : { sortBy: key, descending: false, nullsFirst: true });
  });
  const rows = rowsOf(parts).sort((a, b) => {
    for (const compare of comparisons) {
      const order = compare(a, b);
      if (order !== 0) return order;
    }
    return 0;
  });
  return withRows(parts, rows);
}

type Comparison = (rowA: number, rowB: number) => number;

function comparisonOf(parts: FrameParts, { sortBy, descending, nullsFirst }: SortKey): Comparison {
  const column = columnOf(parts, sortBy);
  const compare = compareValues(column, parts.batch);
  const sign = descending ? -1 : 1;
  const nullSign = nullsFirst ? -1 : 1;
  return (a, b) => {
    const nullA = column.isNull(a);
    const nullB = column.isNull(b);
    if (nullA || nullB) return nullA === nullB ? 0 : nullA ? nullSign : -nullSign;
    return sign * compare(a, b);
  };
}

function columnOf(parts: FrameParts, sortBy: SortKey['sortBy']): Column {
  if (typeof sortBy === 'string') return leafColumn(parts, sortBy, 'orderBy');
  const node = nodeOf(sortBy);
  const { columns } = fieldOfExpression(parts, 'key', node, 'orderBy');
  const [column] = columns;
  if (column !== undefined && columns.length === 1) return column;
  throw noOrder(outputName(node), 'struct');
}

/** Of two rows that are not null. */
function compareValues(column: Column, batch: ColumnBatch): Comparison {
  switch (column.kind) {
    case 'string':
      return compareTexts(column, batch);
    case 'dictionary':
      return compareCodes(column);
    case 'decimal':
    case 'long':
      return (a, b) => compareScaled(column.get(a) as number | bigint, column.get(b) as number | bigint);
    case 'int':
    case 'double':
    case 'timestamp':
    case 'date':
    case 'boolean':
      return (a, b) => compareScaled(column.values[a] as number, column.values[b] as number);
    case 'array':
      throw noOrder('the column', 'array');
  }
}

/** The order of UTF-8 bytes is that of code points. */
function compareTexts(column: StringColumn, { space }: ColumnBatch): Comparison {
  return (a, b) => {
    const bytesA = space.slice(column.start[a] as number, column.end[a] as number);
    const bytesB = space.slice(column.start[b] as number, column.end[b] as number);
    return compareBytes(bytesA, bytesB);
  };
}

/** Each text of the dictionary gets its place among all of them once; rows compare places. */
function compareCodes({ codes, dictionary }: DictionaryColumn): Comparison {
  const bytesOf = (code: number): Uint8Array =>
    dictionary.bytes.subarray(dictionary.startOf(code), dictionary.endOf(code));
  const inOrder = Int32Array.from({ length: dictionary.size }, (_, code) => code).sort((a, b) =>
    compareBytes(bytesOf(a), bytesOf(b)),
  );
  const places = new Int32Array(dictionary.size);
  inOrder.forEach((code, place) => (places[code] = place));
  return (a, b) => (places[codes[a] as number] as number) - (places[codes[b] as number] as number);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    if (a[at] !== b[at]) return (a[at] as number) - (b[at] as number);
  }
  return a.length - b.length;
}

function noOrder(name: string, kind: string): TallystreamError {
  return new TallystreamError('USAGE', {
    what: `orderBy: ${name} is of type ${kind}, which cannot be ordered.`,
    hint: 'Order by a field of it, or by its size.',
  });
}
