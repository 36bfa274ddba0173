/** The text around what decodes one row, and the comparison of keys. */
import type { Schema } from '../../schema/schema.ts';
import { leafTypes } from './cell-codegen.ts';
import { Outcome } from './outcome.ts';

const TEXT_ENCODER = new TextEncoder();

/**
 * A function for one row from `steps`, which leave the block `attempt` with an `outcome`. The bytes `[start, end)` begin
 * with an opening and end with a closing brace. What an abandoned row appended to arrays is taken back.
 */
export function rowFunction(schema: Schema, steps: string): string {
  const arrays = leafTypes(schema.fields).flatMap(({ kind }, leaf) => (kind === 'array' ? [leaf] : []));
  return `'use strict';
const { clz32 } = Math;
const { codeOf, escaped, moment, readDouble, readNumber, recent, skipValue, spaceEnd, stringEnd, wide } = runtime;
return function decodeRow(columns, space, bytes, view, start, end, row) {
const wordEnd = end - 4;
let at = start, outcome = ${Outcome.decoded}, from = 0, mark = 0, word = 0, found = 0, first = 0, item = 0;
${arrays.map((leaf) => `const used${leaf} = columns[${leaf}].itemsUsed;`).join('\n')}
attempt: {
${steps}
}
${arrays.map((leaf) => `if (outcome !== ${Outcome.decoded}) columns[${leaf}].itemsUsed = used${leaf};`).join('\n')}
return outcome;
}`;
}

/** A text of ASCII and beyond as bytes. */
export function byteLength(text: string): number {
  return TEXT_ENCODER.encode(text).length;
}

/** Whether a text of four bytes or more is at a position, and something after it: four bytes a comparison. */
export function matches(position: string, text: string): string {
  const bytes = TEXT_ENCODER.encode(text);
  const view = new DataView(bytes.buffer);
  const tests = [`${position} + ${bytes.length} < end`];
  for (let at = 0; at < bytes.length; at += 4) {
    // The last word overlaps the one before it where the length is no multiple of four.
    const from = Math.min(at, bytes.length - 4);
    tests.push(`view.getInt32(${position} + ${from}, true) === ${view.getInt32(from, true)}`);
  }
  return tests.join(' && ');
}
