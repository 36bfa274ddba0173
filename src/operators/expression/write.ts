/** Values of an expression written into a column, for `withColumn`. */
import { InvariantError } from '../../errors.ts';
import { type Column, type ColumnBatch, type StringColumn } from '../../columns/column-chunk.ts';
import type { ByteSpace } from '../../columns/byte-space.ts';
import type { TimeZone } from '../../columns/values/timezone.ts';
import type { ExpressionLike } from '../../plan/expression/node.ts';
import { compileExpression } from './compile.ts';
import type { Evaluator, TextEvaluator } from './evaluator.ts';

/** Writes the value of a row of the batch into the same row of the column. */
export type ColumnWriter = (row: number) => void;

/**
 * Compiles an expression to a writer into `column`, which has the type that `columnTypeOf` gives the expression and room
 * for the rows of the batch; text may go into a dictionary column as well. `space` is where the text of `column` lies:
 * the batch's own where the column is read together with the batch, and then text that a column holds already is pointed
 * at and not copied. Whoever owns the column empties it between two chunks. The writer throws as the functions of
 * {@link compileExpression} do.
 * @throws TallystreamError `USAGE` as {@link compileExpression} does.
 * @throws InvariantError for a column of another type.
 */
export function compileInto(
  expression: ExpressionLike,
  batch: ColumnBatch,
  zone: TimeZone,
  column: Column,
  space: ByteSpace = batch.space,
): ColumnWriter {
  return writerOf(compileExpression(expression, batch, zone), column, space);
}

function writerOf(of: Evaluator, column: Column, space: ByteSpace): ColumnWriter {
  switch (column.kind) {
    case 'string':
      if (of.kind === 'string') return textWriter(of, column, space);
      break;
    case 'dictionary':
      if (of.kind === 'string') {
        const encode = encoder();
        return (row) => {
          const text = of.at(row);
          if (text === undefined) return column.setNull(row);
          const length = encode(text);
          column.codes[row] = column.dictionary.encode(encode.bytes, 0, length);
        };
      }
      break;
    case 'decimal':
    case 'long':
      if (of.kind === column.kind && of.scale === column.scale) return (row) => column.set(row, of.at(row));
      break;
    case 'int':
    case 'double':
    case 'timestamp':
    case 'date':
      if (of.kind === column.kind) return (row) => void (column.values[row] = of.at(row) ?? NaN);
      break;
    case 'boolean':
      if (of.kind === 'boolean') {
        return (row) => {
          const value = of.at(row);
          if (value === undefined) column.setNull(row);
          else column.values[row] = value ? 1 : 0;
        };
      }
      break;
    case 'array':
      break;
  }
  throw new InvariantError(`a column of ${column.kind} cannot hold what an expression of ${of.kind} gives`);
}

function textWriter(of: TextEvaluator, column: StringColumn, space: ByteSpace): ColumnWriter {
  const { bytes } = of;
  if (bytes !== undefined && bytes.space === space) {
    return (row) => {
      column.start[row] = bytes.column.start[row] as number;
      column.end[row] = bytes.column.end[row] as number;
    };
  }
  const encode = encoder();
  return (row) => {
    const text = of.at(row);
    if (text === undefined) return column.setNull(row);
    const length = encode(text);
    const start = space.store(encode.bytes, 0, length);
    column.start[row] = start;
    column.end[row] = start + length;
  };
}

const ENCODER = new TextEncoder();
const BYTES_AT_FIRST = 256;
/** No code unit of UTF-16 becomes more bytes of UTF-8 than this. */
const BYTES_PER_UNIT_MAX = 3;

/** Text as UTF-8 in a buffer that is used again: the number of its bytes. */
function encoder(): { (text: string): number; bytes: Uint8Array } {
  const encode = (text: string): number => {
    const needed = text.length * BYTES_PER_UNIT_MAX;
    if (needed > encode.bytes.length) encode.bytes = new Uint8Array(needed * 2);
    return ENCODER.encodeInto(text, encode.bytes).written;
  };
  encode.bytes = new Uint8Array(BYTES_AT_FIRST);
  return encode;
}
