/** What frames are made of: columns that are shared between them, and which rows of the columns are theirs. */
import { columnFor, ColumnBatch, type Column, type SharedColumns } from '../../columns/column-chunk.ts';
import { tooMuchText, TEXT_BYTES_MAX } from '../../columns/copy-cell.ts';
import { leavesOf, optional, schema, type Field, type Schema } from '../../columns/schema/schema.ts';
import type { ColumnTable } from '../../columns/table.ts';
import type { TimeZone } from '../../columns/values/timezone.ts';
import { TallystreamError } from '../../errors.ts';
import { compileInto } from '../../operators/expression/write.ts';
import { columnTypeOf } from '../../plan/expression/analyze.ts';
import type { Expression } from '../../plan/expression/node.ts';
import { fieldAt } from '../scope.ts';

/** What a frame's expressions and aggregates need besides its rows. */
export interface FrameContext {
  /** Whose clocks tell the days and hours of instants, and show them. */
  readonly zone: TimeZone;
  /** 16 bytes that seed the hash of approximate counts. */
  readonly hashKey: Uint8Array;
}

/** Frozen: an operation makes others, and copies no row. */
export interface FrameParts<S extends Schema = Schema> {
  /** A view: it is never reset, and its columns may have more rows than the frame. */
  readonly batch: ColumnBatch<S>;
  /** The rows of the batch that the frame has, in its order; undefined if they are `[0, count)`. */
  readonly rows: Int32Array | undefined;
  readonly count: number;
  /** How many rows of the columns are filled, at least; none of `rows` is beyond. */
  readonly extent: number;
  readonly context: FrameContext;
}

/** The rows that a table has now. */
export function partsOf<S extends Schema>(
  { batch, count }: ColumnTable<S>,
  context: FrameContext,
): FrameParts<S> {
  return Object.freeze({ batch, rows: undefined, count, extent: count, context });
}

/** The row of the batch that a frame has at a place. */
export function rowAt({ rows }: FrameParts, place: number): number {
  return rows === undefined ? place : (rows[place] as number);
}

/** All rows of the batch that a frame has, as its own vector. */
export function rowsOf({ rows, count }: FrameParts): Int32Array {
  return rows?.slice() ?? Int32Array.from({ length: count }, (_, row) => row);
}

/** The same columns with other rows. */
export function withRows<S extends Schema>(parts: FrameParts<S>, rows: Int32Array): FrameParts<S> {
  return Object.freeze({ ...parts, rows, count: rows.length });
}

/** A field of the root with the columns of its leaves. */
export interface FieldColumns {
  readonly field: Field;
  readonly columns: readonly Column[];
}

/** Every field of a frame. */
export function fieldsOf({ batch }: FrameParts): readonly FieldColumns[] {
  let at = 0;
  return batch.schema.fields.map((field) => {
    const start = at;
    at += leavesOf({ fields: [field] }).length;
    return { field, columns: batch.columns.slice(start, at) };
  });
}

/**
 * The same rows with other fields, over columns that are there already. `where` says whose they are, for the message.
 * @throws TallystreamError `USAGE` if two fields have one name
 */
export function withFields(parts: FrameParts, fields: readonly FieldColumns[], where: string): FrameParts {
  const ofSchema = named(where, () => schema(fields.map(({ field }) => field)));
  const shared: SharedColumns = {
    columns: fields.flatMap(({ columns }) => columns),
    space: parts.batch.space,
  };
  return Object.freeze({
    ...parts,
    batch: new ColumnBatch<Schema>(ofSchema, parts.extent, undefined, shared),
  });
}

/** The field at a path, under the last name of it. @throws TallystreamError `USAGE` if there is none */
export function fieldOfPath({ batch }: FrameParts, path: string, where: string): FieldColumns {
  const field = fieldAt(batch.schema, path);
  if (field === undefined) throw noColumn(batch, path, where);
  const isInside = (leaf: string): boolean => leaf === path || leaf.startsWith(`${path}.`);
  const columns = batch.columns.filter((_, index) =>
    isInside((batch.leaves[index] as { path: string }).path),
  );
  return {
    field: Object.freeze({ ...field, name: lastName(path), required: isPresent(batch.schema, path) }),
    columns,
  };
}

/** The column of a leaf. @throws TallystreamError `USAGE` if there is none */
export function leafColumn({ batch }: FrameParts, path: string, where: string): Column {
  const index = batch.leaves.findIndex((leaf) => leaf.path === path);
  if (index < 0) throw noColumn(batch, path, where);
  return batch.columns[index] as Column;
}

/** `city` of `location.city`. */
export function lastName(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}

/** `name`, or if a field has it one like it that none has. */
export function freeName(name: string, fields: readonly FieldColumns[]): string {
  const taken = new Set(fields.map(({ field }) => field.name));
  let free = name;
  while (taken.has(free)) free += "'";
  return free;
}

/** Whether every row has something at a path: the field is required, and so is every struct around it. */
function isPresent(ofSchema: Schema, path: string): boolean {
  const names = path.split('.');
  return names.every((_, index) => fieldAt(ofSchema, names.slice(0, index + 1).join('.'))?.required === true);
}

/**
 * What an expression gives, as a field: a column that is there already where it names one, otherwise one that is
 * computed for the rows of the frame. It may be null, whatever it is made of.
 * @throws TallystreamError `USAGE` for an expression or a name that makes no sense; `EXPRESSION_FAILED` for a row that
 * has no value; `STATE_TOO_LARGE`
 */
export function fieldOfExpression(
  parts: FrameParts,
  name: string,
  expression: Expression,
  where: string,
): FieldColumns {
  const node = expression.kind === 'alias' ? expression.of : expression;
  if (node.kind === 'column') {
    const { field, columns } = fieldOfPath(parts, node.path, where);
    return { field: named(where, () => optional(name, field.type, field.doc)), columns };
  }
  const { batch, extent, count, context } = parts;
  const field = named(where, () => optional(name, columnTypeOf(node, batch.schema, where), 'Computed.'));
  const column = columnFor(field.type, extent);
  const write = compileInto(node, batch, context.zone, column);
  for (let place = 0; place < count; place += 1) write(rowAt(parts, place));
  if (batch.space.chunk.length + batch.space.arenaUsed > TEXT_BYTES_MAX) throw tooMuchText();
  return { field, columns: [column] };
}

function named<T>(where: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new TallystreamError('USAGE', {
      what: `${where}: ${error.message}.`,
      hint: "Give each column a different name, such as total.times(2).alias('double').",
    });
  }
}

function noColumn(batch: ColumnBatch, path: string, where: string): TallystreamError {
  return new TallystreamError('USAGE', {
    what: `${where}: there is no column ${JSON.stringify(path)}.`,
    hint: `The columns are ${batch.leaves.map((leaf) => leaf.path).join(', ')}.`,
  });
}
