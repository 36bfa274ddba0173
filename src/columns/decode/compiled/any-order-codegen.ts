/** The text of a function for events whose keys are in any order, strangers among them, with any white space. */
import type { Field, Schema } from '../../schema/schema.ts';
import { IS_NULL, leafTypes, nullCells, readCell, UNUSUAL } from './cell-codegen.ts';
import { byteLength, matches, rowFunction } from './row-codegen.ts';

const TEXT_ENCODER = new TextEncoder();

/** Fields whose presence one number notes, a bit each. */
const BITS = 31;

const SPACE = 'if (bytes[at] <= 0x20) at = spaceEnd(bytes, at);';

/** A key that is there twice, or has escapes, is left to the exact path. */
export function anyOrderSource(schema: Schema): string {
  const writer = new AnyOrderWriter();
  return rowFunction(schema, `${writer.object(schema.fields, 0)}\nif (at !== end) ${UNUSUAL}`);
}

class AnyOrderWriter {
  private objects = 0;

  /** Reads the object whose brace is at `at`; the first leaf in it is `leaf`. */
  object(fields: readonly Field[], leaf: number): string {
    const id = this.objects++;
    const words = Array.from({ length: Math.ceil(fields.length / BITS) }, (_, word) => `seen${id}_${word}`);
    let next = leaf;
    const cases = fields.map((field, index) => {
      const from = next;
      next += leafTypes([field]).length;
      const seen = `seen${id}_${Math.floor(index / BITS)}`;
      const bit = 1 << (index % BITS);
      return `case ${index}: if ((${seen} & ${bit}) !== 0) ${UNUSUAL} ${seen} |= ${bit};
${this.value(field, from)}
break;`;
    });
    return `${words.map((word) => `let ${word} = 0;`).join(' ')}
at++; ${SPACE}
if (bytes[at] === 0x7d) at++;
else for (;;) {
  if (bytes[at] !== 0x22) ${UNUSUAL}
  let field${id} = -1;
  ${findKey(fields, `field${id}`)}
  if (field${id} < 0) {
    at = stringEnd(bytes, at + 1, end) + 1;
    if (at === 0) ${UNUSUAL}
  }
  ${SPACE}
  if (bytes[at] !== 0x3a) ${UNUSUAL}
  at++; ${SPACE}
  switch (field${id}) {
${cases.join('\n')}
default:
  at = skipValue(bytes, at, end, 0);
  if (at < 0) ${UNUSUAL}
  }
  if (at >= end) ${UNUSUAL}
  ${SPACE}
  if (bytes[at] === 0x2c) { at++; ${SPACE} continue; }
  if (bytes[at] !== 0x7d) ${UNUSUAL}
  at++;
  break;
}
${absentCells(fields, leaf, id)}`;
  }

  private value({ type, required }: Field, leaf: number): string {
    if (type.kind !== 'struct') return readCell(type, leaf, !required, 'any');
    const otherwise = required ? '' : `else if (${IS_NULL}) { at += 4; ${nullCells(type.fields, leaf)} }`;
    return `if (bytes[at] === 0x7b) {
${this.object(type.fields, leaf)}
} ${otherwise} else ${UNUSUAL}`;
  }
}

/** Sets `field` to the index of the key whose quote is at `at`, which is after the key then. */
function findKey(fields: readonly Field[], field: string): string {
  const keys = fields.map(({ name }, index) => ({ index, literal: JSON.stringify(name) }));
  const found = ({ index, literal }: (typeof keys)[number]): string =>
    `{ ${field} = ${index}; at += ${byteLength(literal)}; }`;
  const byWord = Map.groupBy(
    keys.filter(({ literal }) => byteLength(literal) > 4),
    ({ literal }) => firstWord(literal),
  );
  const cases = Array.from(
    byWord,
    ([word, all]) =>
      `case ${word}: ${all.map((key) => `if (${matches('at', key.literal)}) ${found(key)}`).join(' else ')} break;`,
  );
  const short = keys
    .filter(({ literal }) => byteLength(literal) <= 4)
    .map((key) => `if (${matchesShort(key.literal)}) ${found(key)}`);
  return `if (at + 5 < end) {
  switch (view.getInt32(at + 1, true)) {
${cases.join('\n')}
  }
  ${short.map((test) => `if (${field} < 0) ${test}`).join('\n  ')}
}`;
}

/** The four bytes after the quote. */
function firstWord(literal: string): number {
  return new DataView(TEXT_ENCODER.encode(literal).buffer).getInt32(1, true);
}

/** Whether a key of one or two bytes, with its quotes, is at `at`. */
function matchesShort(literal: string): string {
  return Array.from(TEXT_ENCODER.encode(literal), (byte, index) => `bytes[at + ${index}] === ${byte}`).join(
    ' && ',
  );
}

/** Makes the cells of absent fields null; a required one that is absent is for the exact path to say. */
function absentCells(fields: readonly Field[], leaf: number, id: number): string {
  let next = leaf;
  return fields
    .map((field, index) => {
      const from = next;
      next += leafTypes([field]).length;
      const absent = field.required ? UNUSUAL : `{ ${nullCells([field], from)} }`;
      return `if ((seen${id}_${Math.floor(index / BITS)} & ${1 << (index % BITS)}) === 0) ${absent}`;
    })
    .join('\n');
}
