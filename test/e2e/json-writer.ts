/** JSON as other people's programs write it: any spacing, any order of keys, any escape, any form of a number. */

/** A seeded generator of the tests' own (mulberry32), so that what is tested does not make its own input. */
export class Dice {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** From 0 up to, and not with, 1. */
  unit(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  below(bound: number): number {
    return Math.floor(this.unit() * bound);
  }

  chance(part: number): boolean {
    return this.unit() < part;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  shuffled<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, order: this.unit() }))
      .toSorted((a, b) => a.order - b.order)
      .map(({ item }) => item);
  }
}

/** A number of hundredths, to be written in any form that is exactly it. */
export class Hundredths {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

/** A whole number, to be written in any form that is exactly it. */
export class Whole {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** Text that stands in the line as it is. */
export class Verbatim {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Value = string | boolean | null | Hundredths | Whole | Verbatim | Fields;
export type Fields = readonly (readonly [name: string, value: Value])[];

/** Writes an object; plain where `style` is left out. */
export function writeObject(fields: Fields, style?: Dice): string {
  if (style === undefined) {
    return `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${writeValue(value)}`).join(',')}}`;
  }
  const spaced = style.chance(0.6);
  const gap = (): string => (spaced ? style.pick(['', ' ', ' ', '  ', '\t', ' \t', '\r']) : '');
  const members = style
    .shuffled(fields)
    .map(
      ([name, value]) =>
        `${gap()}${writeText(name, style)}${gap()}:${gap()}${writeValue(value, style)}${gap()}`,
    );
  return `{${members.length === 0 ? gap() : members.join(',')}}`;
}

function writeValue(value: Value, style?: Dice): string {
  if (typeof value === 'string') return writeText(value, style);
  if (typeof value === 'boolean' || value === null) return String(value);
  if (value instanceof Hundredths) return writeHundredths(value.value, style);
  if (value instanceof Whole) return writeWhole(value.value, style);
  if (value instanceof Verbatim) return value.text;
  return writeObject(value, style);
}

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '/': '\\/',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function writeText(text: string, style?: Dice): string {
  if (style === undefined || style.chance(0.7)) return JSON.stringify(text);
  let written = '';
  for (const character of text) {
    const must = character === '"' || character === '\\' || character < ' ';
    const short = SHORT[character];
    if (short !== undefined && (must || style.chance(0.5)) && style.chance(0.7)) written += short;
    else if (must || style.chance(0.3)) written += escapes(character, style);
    else written += character;
  }
  return `"${written}"`;
}

/** One `\uXXXX`, or the two of a surrogate pair, in small or capital letters. */
function escapes(character: string, style: Dice): string {
  return Array.from({ length: character.length }, (_, index) => {
    const digits = character.charCodeAt(index).toString(16).padStart(4, '0');
    return `\\u${style.chance(0.5) ? digits : digits.toUpperCase()}`;
  }).join('');
}

export function plainHundredths(value: bigint): string {
  return `${value / 100n}.${String(value % 100n).padStart(2, '0')}`;
}

function writeHundredths(value: bigint, style?: Dice): string {
  const plain = plainHundredths(value);
  if (style === undefined || style.chance(0.6)) return plain;
  const e = style.pick(['e', 'E']);
  switch (style.below(6)) {
    case 0:
      return `${value}${e}-2`;
    case 1:
      // 1250 is written as 1.250E+1, and 7 as 7E-2.
      return scientific(String(value), -2, e);
    case 2:
      return `${plain}${'0'.repeat(1 + style.below(4))}`;
    case 3:
      return `${plain}${e}${style.pick(['', '+', '-'])}0`;
    case 4:
      return plain.replace(/\.?0+$/, '');
    default:
      return `0.${String(value).padStart(5, '0')}${e}+${Math.max(5, String(value).length) - 2}`;
  }
}

function writeWhole(value: number, style?: Dice): string {
  if (style === undefined || style.chance(0.7)) return String(value);
  switch (style.below(4)) {
    case 0:
      return `${value}.0`;
    case 1:
      return `${value}0e-1`;
    case 2:
      return value % 100 === 0 ? `${value / 100}e2` : `${value}e0`;
    default:
      return scientific(String(value), 0, 'E');
  }
}

/** The digits with a point behind the first: `1250` and -2 is `1.250E+1`. */
function scientific(digits: string, exponent: number, e: string): string {
  const power = digits.length - 1 + exponent;
  const sign = power < 0 ? '-' : '+';
  const fraction = digits.slice(1);
  return `${digits[0] as string}${fraction === '' ? '' : `.${fraction}`}${e}${sign}${Math.abs(power)}`;
}
