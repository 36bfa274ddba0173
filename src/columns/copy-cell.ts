/** Single values from one batch's column to another's, of the same type: no text is decoded on the way. */
import { InvariantError, TallystreamError } from '../errors.ts';
import {
  type ArrayColumn,
  type ByteSpace,
  type Column,
  type DictionaryColumn,
  type StringColumn,
} from './column-chunk.ts';

/** Positions of texts are 32-bit. */
export const TEXT_BYTES_MAX = 2 ** 31 - 1;

/** A place that values come from or go to. */
export interface Place {
  readonly column: Column;
  /** The bytes that the texts of `column` point into. */
  readonly space: ByteSpace;
}

/**
 * Copies one value. Text may change between its own column and a dictionary; all else has to be of one kind.
 * @throws TallystreamError `STATE_TOO_LARGE` if the texts of `to` would have more than 2 GiB.
 */
export function copyCell(from: Place, fromRow: number, to: Place, toRow: number): void {
  const [source, target] = [from.column, to.column];
  switch (target.kind) {
    case 'string':
    case 'dictionary':
      copyText(source, from.space, fromRow, target, to.space, toRow);
      return;
    case 'decimal':
    case 'long':
      if (source.kind !== target.kind || source.scale !== target.scale) throw mismatch(source, target);
      target.set(toRow, source.get(fromRow));
      return;
    case 'int':
    case 'double':
    case 'timestamp':
    case 'date':
      if (source.kind !== target.kind) throw mismatch(source, target);
      target.values[toRow] = source.values[fromRow] as number;
      return;
    case 'boolean':
      if (source.kind !== target.kind) throw mismatch(source, target);
      target.values[toRow] = source.values[fromRow] as number;
      return;
    case 'array':
      if (source.kind !== target.kind) throw mismatch(source, target);
      copyArray(source, from.space, fromRow, target, to.space, toRow);
      return;
  }
}

function copyText(
  source: Column,
  fromSpace: ByteSpace,
  fromRow: number,
  target: StringColumn | DictionaryColumn,
  toSpace: ByteSpace,
  toRow: number,
): void {
  if (source.kind === 'dictionary') {
    const code = source.codes[fromRow] as number;
    if (code < 0) {
      target.setNull(toRow);
      return;
    }
    const { dictionary } = source;
    putText(target, toSpace, toRow, dictionary.bytes, dictionary.startOf(code), dictionary.endOf(code));
    return;
  }
  if (source.kind !== 'string') throw mismatch(source, target);
  const start = source.start[fromRow] as number;
  if (start < 0) {
    target.setNull(toRow);
    return;
  }
  const end = source.end[fromRow] as number;
  const chunkLength = fromSpace.chunk.length;
  if (start < chunkLength) putText(target, toSpace, toRow, fromSpace.chunk, start, end);
  else putText(target, toSpace, toRow, fromSpace.arena, start - chunkLength, end - chunkLength);
}

/** Puts the text of `bytes[start, end)`, which is UTF-8, into a row. @throws `STATE_TOO_LARGE` as {@link copyCell} */
export function putText(
  target: StringColumn | DictionaryColumn,
  space: ByteSpace,
  row: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (target.kind === 'dictionary') {
    target.codes[row] = target.dictionary.encode(bytes, start, end);
    return;
  }
  if (space.chunk.length + space.arenaUsed + (end - start) > TEXT_BYTES_MAX) throw tooMuchText();
  const position = space.store(bytes, start, end);
  target.start[row] = position;
  target.end[row] = position + (end - start);
}

function copyArray(
  source: ArrayColumn,
  fromSpace: ByteSpace,
  fromRow: number,
  target: ArrayColumn,
  toSpace: ByteSpace,
  toRow: number,
): void {
  const from = source.start[fromRow] as number;
  if (from < 0) {
    target.setNull(toRow);
    return;
  }
  const length = (source.end[fromRow] as number) - from;
  const first = target.itemsUsed;
  for (let index = 0; index < length; index++) {
    const at = target.append();
    copyCell(
      { column: source.items, space: fromSpace },
      from + index,
      { column: target.items, space: toSpace },
      at,
    );
  }
  target.start[toRow] = first;
  target.end[toRow] = first + length;
}

function mismatch(from: Column, to: Column): InvariantError {
  return new InvariantError(`a value of kind ${from.kind} cannot go into a column of kind ${to.kind}`);
}

/** The error of a batch whose texts have more bytes than that. */
export function tooMuchText(): TallystreamError {
  return new TallystreamError('STATE_TOO_LARGE', {
    what: 'The texts of one batch are larger than 2 GiB.',
    why: 'A handler gets all rows of a batch at once, and positions of texts are 32-bit.',
    hint: 'Read fewer events per batch, or select fewer columns.',
  });
}
