/** The text of the parts that read one value into its cell. `at` is before the value, and after it afterwards. */
import type { ArrayType, Field, LeafType, PrimitiveType } from '../../schema/schema.ts';
import { EXACT_DIGITS } from './numbers.ts';
import { Outcome } from './outcome.ts';

/** What a part does with a value that it does not handle: the exact path takes the whole row. */
export const UNUSUAL = `{ outcome = ${Outcome.unusual}; break attempt; }`;

/** The same where only the order of keys or the white space is another one than the function is for. */
export const OTHER_SHAPE = `{ outcome = ${Outcome.otherShape}; break attempt; }`;

/** `true`, `null` and the beginning of `false`, as little-endian words. */
const TRUE_WORD = 0x65_75_72_74;
const NULL_WORD = 0x6c_6c_75_6e;
const FALS_WORD = 0x73_6c_61_66;

/** As {@link UNUSUAL} for a value that starts at `from`: white space before it is but another habit. */
export const FAILED = `{ outcome = bytes[from] <= 0x20 ? ${Outcome.otherShape} : ${Outcome.unusual}; break attempt; }`;

/** Where the white space of an array may be: nowhere, one space after each comma, or anywhere. */
export type Gaps = 'none' | 'single' | 'any';

/** The vectors that the cells of one column are in, and the cell's index, as expressions. */
interface Place {
  readonly column: string;
  readonly vector: (name: 'start' | 'end' | 'codes' | 'values') => string;
  /** The texts met last, of text that is kept once. */
  readonly recent: string;
  readonly index: string;
}

/** Makes the cell of a leaf null. */
function nullCell(type: LeafType, leaf: number): string {
  return nullAt(type, placeOf(leaf));
}

/** Reads the value of a leaf; null too where it is `optional`. */
export function readCell(type: LeafType, leaf: number, optional: boolean, gaps: Gaps): string {
  const place = placeOf(leaf);
  if (type.kind === 'array') return readArray(type, leaf, optional, gaps);
  return readPrimitive(type, place, optional);
}

function placeOf(leaf: number): Place {
  return {
    column: `columns[${leaf}]`,
    vector: (name) => `columns[${leaf}].${name}`,
    recent: `recent[${leaf}]`,
    index: 'row',
  };
}

/** The elements' vectors are others whenever `append` had no room. */
function itemsOf(leaf: number): Place {
  const items = `columns[${leaf}].items`;
  return {
    column: items,
    vector: (name) => `${items}.${name}`,
    recent: `recent[${leaf}]`,
    index: 'item',
  };
}

function nullAt(type: LeafType, { vector, index }: Place): string {
  switch (type.kind) {
    case 'string':
      return type.dictionary
        ? `${vector('codes')}[${index}] = -1;`
        : `${vector('start')}[${index}] = -1; ${vector('end')}[${index}] = -1;`;
    case 'array':
      return `${vector('start')}[${index}] = -1; ${vector('end')}[${index}] = -1;`;
    case 'boolean':
      return `${vector('values')}[${index}] = -1;`;
    default:
      return `${vector('values')}[${index}] = NaN;`;
  }
}

export const IS_NULL = `at < wordEnd && view.getInt32(at, true) === ${NULL_WORD}`;

/** The end of a chain of `if`s: null, or nothing that is handled. */
function otherwise(type: LeafType, place: Place, optional: boolean): string {
  return optional
    ? `else if (${IS_NULL}) { at += 4; ${nullAt(type, place)} } else ${FAILED}`
    : `else ${FAILED}`;
}

function readPrimitive(type: PrimitiveType, place: Place, optional: boolean): string {
  const { column, vector, index } = place;
  const values = vector('values');
  const rest = otherwise(type, place, optional);
  const call = (...attempts: string[]): string => {
    const calls = attempts.map((attempt, index) => (index === 0 ? '' : 'if (at < 0) ') + `at = ${attempt};`);
    const read = `${calls.join(' ')} if (at < 0) ${FAILED}`;
    return optional ? `if (${IS_NULL}) { at += 4; ${nullAt(type, place)} } else { ${read} }` : read;
  };
  switch (type.kind) {
    case 'string':
      return `from = at; if (bytes[at] === 0x22) { ${type.dictionary ? readCode(place) : readText(place)} } ${rest}`;
    case 'boolean':
      return [
        'from = at; word = at < wordEnd ? view.getInt32(at, true) : 0;',
        `if (word === ${TRUE_WORD}) { at += 4; ${values}[${index}] = 1; }`,
        `else if (word === ${FALS_WORD} && bytes[at + 4] === 0x65) { at += 5; ${values}[${index}] = 0; }`,
        rest,
      ].join('\n');
    case 'int':
      return call(
        `readNumber(bytes, from = at, ${values}, ${index}, 0, ${2 ** 31})`,
        `wide.intAt(bytes, from, ${column}, ${index})`,
      );
    case 'long':
      return call(
        `readNumber(bytes, from = at, ${values}, ${index}, 0, Infinity)`,
        `wide.longAt(bytes, from, ${column}, ${index})`,
      );
    case 'decimal': {
      const { precision, scale } = type;
      const limit = precision > EXACT_DIGITS ? 'Infinity' : String(10 ** precision);
      return call(
        `readNumber(bytes, from = at, ${values}, ${index}, ${scale}, ${limit})`,
        `wide.decimalAt(bytes, from, ${column}, ${index}, ${precision}, ${scale})`,
      );
    }
    case 'double':
      return call(`readDouble(bytes, from = at, ${values}, ${index})`);
    case 'timestamp':
      return call(`moment.timestamp(bytes, view, from = at, end, ${values}, ${index})`);
    case 'date':
      return call(`moment.date(bytes, view, from = at, end, ${values}, ${index})`);
  }
}

/**
 * Goes to the quote that ends the text at `at`, four bytes at a time: a byte's high bit in `found` says that it is a
 * quote, a backslash, below the space or beyond ASCII. A borrow can only mark bytes after such a one, so the first that
 * is marked is right. Sean Anderson, "Bit Twiddling Hacks", has it for the zero byte.
 */
const TO_QUOTE = `
found = 0;
while (at <= wordEnd) {
  word = view.getInt32(at, true);
  found = (((word ^ 0x22222222) - 0x01010101) | ((word ^ 0x5c5c5c5c) - 0x01010101) | (word - 0x20202020) | word) & ${0x8080_8080 | 0};
  if (found !== 0) { at += (31 - clz32(found & -found)) >> 3; break; }
  at += 4;
}
if (found === 0 || bytes[at] !== 0x22) at = stringEnd(bytes, at, end);`;

function readText({ column, vector, index }: Place): string {
  return `mark = ++at; ${TO_QUOTE}
if (at >= 0) { ${vector('start')}[${index}] = mark; ${vector('end')}[${index}] = at++; }
${orEscaped(column, index)}`;
}

function readCode({ column, vector, recent, index }: Place): string {
  return `mark = ++at; ${TO_QUOTE}
if (at >= 0) ${vector('codes')}[${index}] = codeOf(${column}.dictionary, ${recent}, bytes, view, mark, at++);
${orEscaped(column, index)}`;
}

function orEscaped(column: string, index: string): string {
  return `else { at = escaped.read(bytes, mark, end, space, ${column}, ${index}) + 1; if (at === 0) ${UNUSUAL} }`;
}

function readArray(type: ArrayType, leaf: number, optional: boolean, gaps: Gaps): string {
  const array = `columns[${leaf}]`;
  const space = gaps === 'any' ? 'at = spaceEnd(bytes, at);' : '';
  const behindComma = gaps === 'single' ? `if (bytes[at++] !== 0x20) ${OTHER_SHAPE}` : space;
  return `from = at; if (bytes[at] === 0x5b) {
    first = ${array}.itemsUsed;
    at++; ${space}
    if (bytes[at] === 0x5d) at++;
    else for (;;) {
      item = ${array}.append();
      ${readPrimitive(type.element, itemsOf(leaf), type.containsNull)}
      ${space}
      if (bytes[at] === 0x2c) { at++; ${behindComma} continue; }
      if (bytes[at] !== 0x5d) ${gaps === 'any' ? UNUSUAL : OTHER_SHAPE}
      at++;
      break;
    }
    ${array}.start[row] = first; ${array}.end[row] = ${array}.itemsUsed;
  } ${otherwise(type, placeOf(leaf), optional)}`;
}

/** Makes all cells of fields null; `from` is the first leaf in them. */
export function nullCells(fields: readonly Pick<Field, 'type'>[], from: number): string {
  return leafTypes(fields)
    .map((type, index) => nullCell(type, from + index))
    .join(' ');
}

/** The types of the leaves of fields, those of structs among them, in schema order. */
export function leafTypes(fields: readonly Pick<Field, 'type'>[]): readonly LeafType[] {
  return fields.flatMap(({ type }) => (type.kind === 'struct' ? leafTypes(type.fields) : [type]));
}
