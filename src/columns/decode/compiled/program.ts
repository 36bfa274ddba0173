/** Makes functions of the generated text. */
import type { ByteSpace, Column } from '../../column-chunk.ts';
import type { Schema } from '../../schema/schema.ts';
import { anyOrderSource } from './any-order-codegen.ts';
import { leafTypes } from './cell-codegen.ts';
import { MomentReader } from './moment.ts';
import { orderedSource } from './ordered-codegen.ts';
import { readDouble, readNumber, WideNumberReader } from './numbers.ts';
import type { Outcome } from './outcome.ts';
import { skipValue, spaceEnd } from './skip.ts';
import { codeOf, EscapedTextReader, recentTexts, stringEnd } from './text.ts';

/** More columns would make functions that V8 never optimizes (60 KiB of bytecode), slower than the exact path. */
const LEAVES_MAX = 64;

/** Decodes the event in `bytes[start, end)`, which begins with an opening and ends with a closing brace, into `row`. */
export type DecodeRow = (
  columns: readonly Column[],
  space: ByteSpace,
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  row: number,
) => Outcome;

/**
 * What a function is for: keys in schema order without white space, or with one space after each comma and colon; or keys
 * in any order, strangers among them, with any white space.
 */
export type Shape = 'compact' | 'spaced' | 'anyOrder';

/** The function of a schema for one shape of events. */
export function compile(schema: Schema, shape: Shape): DecodeRow {
  const source = shape === 'anyOrder' ? anyOrderSource(schema) : orderedSource(schema, shape);
  // The text holds nothing of the schema but whole numbers (docs/explanation/decoder.md).
  // eslint-disable-next-line typescript/no-implied-eval
  const make = new Function('runtime', source) as (runtime: object) => DecodeRow;
  const recent = leafTypes(schema.fields).map(recentTexts);
  const readers = {
    escaped: new EscapedTextReader(),
    moment: new MomentReader(),
    wide: new WideNumberReader(),
  };
  return make({ codeOf, readDouble, readNumber, recent, skipValue, spaceEnd, stringEnd, ...readers });
}

/** Whether a schema is small enough, and whether this process may make functions of text at all. */
export function canCompile(schema: Schema): boolean {
  if (leafTypes(schema.fields).length > LEAVES_MAX) return false;
  try {
    // eslint-disable-next-line typescript/no-implied-eval
    return new Function('return true')() as boolean;
  } catch {
    // `--disallow-code-generation-from-strings`
    return false;
  }
}
