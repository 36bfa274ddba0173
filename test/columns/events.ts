/** Events for the tests of the decoder: a schema with every type, and JSON that is right, odd or broken. */
import fc from 'fast-check';
import { ColumnBatch, type Column } from '../../src/columns/column-chunk.ts';
import { createDecoder, type DecoderOptions } from '../../src/columns/decode/decoder.ts';
import type { Problem } from '../../src/columns/decode/problem.ts';
import { optional, required, schema, types } from '../../src/columns/schema/schema.ts';
import type { Value } from './oracle.ts';

export const BYTES_MAX = 1 << 20;

export const SCHEMA = schema([
  required('id', types.string(), ''),
  required('at', types.timestamp(), ''),
  required('amount', types.decimal(18, 2), ''),
  optional('wide', types.decimal(38, 4), ''),
  optional('count', types.int(), ''),
  optional('category', types.string({ dictionary: true }), ''),
  optional('new', types.boolean(), ''),
  optional(
    'place',
    types.struct([
      required('country', types.string(), ''),
      optional('city', types.string({ dictionary: true }), ''),
    ]),
    '',
  ),
  optional('größe', types.string(), ''),
  optional('say "a\\b"', types.int(), ''),
  optional('big', types.long(), ''),
  optional('ratio', types.double(), ''),
  optional('day', types.date(), ''),
  optional('tags', types.array(types.string()), ''),
  optional('words', types.array(types.string({ dictionary: true }), { containsNull: true }), ''),
  optional('prices', types.array(types.decimal(38, 4), { containsNull: true }), ''),
  optional('moments', types.array(types.timestamp()), ''),
]);

export const PLAIN = '{"id":"a1","at":"2025-06-26T14:11:33Z","amount":24.15}';

/** Decodes one event that stands between two others, and reads its row back. */
export class Bench {
  readonly batch = new ColumnBatch(SCHEMA, 1);
  private readonly options: DecoderOptions;
  private decoder;

  constructor(options: Partial<DecoderOptions> = {}) {
    this.options = { valueBytesMax: BYTES_MAX, ...options };
    this.decoder = createDecoder(SCHEMA, this.options);
  }

  decode(value: string | Uint8Array): Problem | undefined {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    // What stands around an event must not be taken for a part of it.
    const chunk = Buffer.concat([Buffer.from('{"id":"'), bytes, Buffer.from('"}]}0')]);
    this.batch.reset(chunk, 3);
    return this.decodeAt(7, 7 + bytes.length);
  }

  /** Decodes what stands at these positions of the batch's chunk. */
  decodeAt(start: number, end: number): Problem | undefined {
    return this.decoder.decode(this.batch, start, end, 1);
  }

  decodeNull(): Problem | undefined {
    this.batch.reset(new Uint8Array(0), 3);
    return this.decoder.decode(this.batch, -1, -1, 1);
  }

  values(): Map<string, Value> {
    return valuesOf(this.batch, 1);
  }

  value(path: string): Value {
    return valueOf(this.batch, this.batch.columns[this.batch.indexOf(path)] as Column, 1);
  }
}

/** Every leaf of a row by its path, as the oracle gives them. */
export function valuesOf(batch: ColumnBatch, row: number): Map<string, Value> {
  return new Map(
    batch.leaves.map((leaf, index) => [leaf.path, valueOf(batch, batch.columns[index] as Column, row)]),
  );
}

function valueOf(batch: ColumnBatch, column: Column, row: number): Value {
  switch (column.kind) {
    case 'string':
      return (column.start[row] as number) < 0
        ? null
        : batch.space.text(column.start[row] as number, column.end[row] as number);
    case 'dictionary':
      return (column.codes[row] as number) < 0 ? null : column.dictionary.text(column.codes[row] as number);
    case 'boolean':
      return (column.values[row] as number) < 0 ? null : column.values[row] === 1;
    case 'decimal':
    case 'long': {
      const value = column.get(row);
      return value === undefined ? null : BigInt(value);
    }
    case 'double':
      return Number.isNaN(column.values[row]) ? null : (column.values[row] as number);
    case 'int':
    case 'timestamp':
    case 'date':
      return Number.isNaN(column.values[row]) ? null : BigInt(column.values[row] as number);
    case 'array': {
      const start = column.start[row] as number;
      if (start < 0) return null;
      const places = Array.from({ length: (column.end[row] as number) - start }, (_, index) => start + index);
      return places.map((place) => valueOf(batch, column.items, place));
    }
  }
}

/** The verdict in short: `OUT_OF_RANGE amount`, `EMPTY`, or `ok`. */
export function verdictOf(problem: Problem | undefined): string {
  if (problem === undefined) return 'ok';
  return problem.field === null ? problem.reason : `${problem.reason} ${problem.field}`;
}

const NUMBERS =
  '0 -0 1 -7 24.15 1.50 1.5 2.415e1 2415E-2 1.005 1e400 1e-400 0e99999999999 9007199254740993 90071992547409.93 9999999999999999.99 10000000000000000 2147483647 2147483648 -2147483648 -2147483649 1e2 1.0 12345678901234567890123456789012345.6789 1e33 1e34 -0.0001 -0.00001 9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809 0.1 1.7976931348623157e308 1.7976931348623159e308 5e-324 123456789012345.6 0.30000000000000004 -0.0'.split(
    ' ',
  );
const BAD_NUMBERS = '01 +1 .5 1. 1e 1e+ --1 0x10 NaN Infinity - 1_000 ١'.split(' ');
const STRINGS = [
  'x',
  '',
  'Home',
  '__proto__',
  'constructor',
  'Zürich',
  '日本',
  '😀',
  '\\u0041\\u00e9',
  '\\ud83d\\ude00',
  '\\ud800',
  '\\udc00\\ud800',
  '\\ud83d\\u0041',
  '\\ud800\\ud83d\\ude00',
  '\\u0000',
  '\\"\\\\\\/\\b\\f\\n\\r\\t',
  'a\\u000ab',
  '\\uFFFF\\ufeff',
  '\uFEFF',
  '2025-06-26T14:11:33Z',
  '2025-06-26T14:11:33.123456789+05:45',
  '2025\\u002d06-26T14:11:33Z',
  '2025-06-26T14:11:33',
  '2025-06-26',
  '2024-02-2\\u0039',
  '2026-02-30',
  '0000-01-01',
  '0001-01-01',
  '9999-12-31',
  '2025-6-26',
  '+025-06-26',
  '2026-02-30T00:00:00Z',
  '2016-12-31T23:59:60Z',
  '1650-01-01T00:00:00Z',
  '24.15',
  'null',
];
const BAD_STRINGS = ['\\x41', '\\u12', '\\u12g4', '\\', 'a\nb', 'a\tb', '\u0001', '\\U0041'];

const space = fc.constantFrom('', '', '', ' ', '\n', '\t\r ', '  ');
const badSpace = fc.constantFrom('\u00a0', '\u2028', '\f', '\v', '\uFEFF', '\0');

const scalar = fc.oneof(
  { arbitrary: fc.constantFrom(...NUMBERS), weight: 12 },
  { arbitrary: fc.constantFrom(...STRINGS).map((text) => `"${text}"`), weight: 12 },
  { arbitrary: fc.constantFrom('true', 'false', 'null'), weight: 5 },
  {
    arbitrary: fc.constantFrom(
      ...BAD_NUMBERS,
      ...BAD_STRINGS.map((text) => `"${text}"`),
      'True',
      'nul',
      'undefined',
      "'a'",
    ),
    weight: 1,
  },
);

const NAMES =
  'id at amount wide count category new place größe country city amo\\u0075nt gr\\u00f6\\u00dfe \\u0069\\u0064 plac\\u0065 ID amoun amounts big ratio day tags words prices moments __proto__ constructor \\ud800 unknown'
    .split(' ')
    .concat('', 'say \\"a\\\\b\\"', 'say \\"a\\\\b');

const { value: anyJson } = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, scalar, tie('object'), tie('array')),
  object: objectOf(fc.tuple(fc.constantFrom(...NAMES), tie('value'))),
  array: fc
    .tuple(fc.array(tie('value'), { maxLength: 4 }), space)
    .map(([items, gap]) => `[${gap}${items.join(`${gap},`)}]`),
}));

function objectOf(member: fc.Arbitrary<readonly [string, string]>): fc.Arbitrary<string> {
  return fc.tuple(fc.array(member, { maxLength: 6 }), space, space).map(([members, before, after]) => {
    const texts = members.map(([name, value]) => `${before}"${name}"${after}:${before}${value}${after}`);
    return `{${before}${texts.join(',')}}`;
  });
}

/** A good value for each field, so that a fair part of the events has no problem and all fields are reached. */
const GOOD: readonly (readonly [string, fc.Arbitrary<string>])[] = [
  ['id', fc.constantFrom('"a1"', '"\\u0061"', '"Zürich"', '""')],
  [
    'at',
    fc.constantFrom(
      '"2025-06-26T14:11:33Z"',
      '"1969-12-31T23:59:59.5-05:30"',
      '"2025\\u002d06-26T14:11:33Z"',
    ),
  ],
  ['amount', fc.constantFrom('24.15', '1e2', '-0', '90071992547409.93', '3.500')],
  ['wide', fc.constantFrom('1e33', '-0.0001', '12345678901234567890.5', 'null')],
  ['count', fc.constantFrom('7', '1e2', '-2147483648')],
  ['category', fc.constantFrom('"Home"', '"__proto__"', '"H\\u006fme"')],
  ['new', fc.constantFrom('true', 'false', 'null')],
  ['place', fc.constantFrom('{"country":"DE","city":"Berlin"}', '{"city":null,"country":"","x":[]}', 'null')],
  ['größe', fc.constantFrom('"groß"', '"\\ud83d\\ude00"')],
  ['say \\"a\\\\b\\"', fc.constantFrom('1', '0')],
  ['big', fc.constantFrom('9007199254740993', '-9223372036854775808', '1e18', '0', 'null')],
  ['ratio', fc.constantFrom('0.1', '-0', '1e-400', '1.7976931348623157e308', '123456789.125')],
  ['day', fc.constantFrom('"2024-02-29"', '"0001-01-01"', '"9999-12-3\\u0031"', 'null')],
  ['tags', fc.constantFrom('[]', '["a"]', '[ "a" ,\n"\\u0062]" , "c,\\"" ]', '["日本","\\\\"]', 'null')],
  ['words', fc.constantFrom('[]', '[null]', '["Home",null,"H\\u006fme","__proto__"]', 'null')],
  ['prices', fc.constantFrom('[1e33,null,-0.0001]', '[0]', '[ 1.5 , 2 ]', 'null')],
  ['moments', fc.constantFrom('["2025-06-26T14:11:33Z","1969-12-31T23:59:59.5-05:30"]', '[]')],
];

const goodMembers = fc
  .tuple(
    ...GOOD.map(([name, value]) =>
      fc.option(
        value.map((text) => [name, text] as const),
        { nil: undefined, freq: 12 },
      ),
    ),
  )
  .map((members) => members.filter((member) => member !== undefined));

/** An event with every field at its best, then up to three odd members put anywhere, in any order. */
export const eventText: fc.Arbitrary<string> = fc
  .tuple(
    goodMembers,
    fc.array(fc.tuple(fc.constantFrom(...NAMES), anyJson, fc.nat()), { maxLength: 3 }),
    space,
    fc.oneof({ arbitrary: fc.constant(''), weight: 30 }, { arbitrary: badSpace, weight: 1 }),
    fc.boolean(),
  )
  .map(([good, odd, gap, bad, reversed]) => {
    const members: (readonly [string, string])[] = reversed ? good.toReversed() : [...good];
    for (const [name, value, place] of odd) members.splice(place % (members.length + 1), 0, [name, value]);
    return `${gap}{${members.map(([name, value]) => `"${name}"${gap}:${gap}${value}`).join(`${gap},`)}${bad}}${gap}`;
  });

export { anyJson };

/** Bytes that matter to JSON or to UTF-8. */
const byte = fc.oneof(
  fc.constantFrom(...Buffer.from('{}[]:,"\\/ \t\n0123456789+-.eEutfnrb\0\x1f\x7f')),
  fc.constantFrom(0x80, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xa0, 0x9f, 0xef, 0xbb, 0xf0, 0xf4, 0x90, 0xf5, 0xff),
  fc.integer({ min: 0, max: 255 }),
);

const mutation = fc.tuple(
  fc.constantFrom('set', 'insert', 'delete', 'repeat', 'cut', 'flip'),
  fc.nat(),
  byte,
  fc.integer({ min: 1, max: 12 }),
);

/** The bytes of a text after up to `max` small injuries. */
export function mutated(text: fc.Arbitrary<string>, max: number): fc.Arbitrary<Uint8Array> {
  return fc.tuple(text, fc.array(mutation, { maxLength: max })).map(([original, mutations]) => {
    let bytes = [...Buffer.from(original)];
    for (const [kind, place, value, length] of mutations) {
      const at = place % (bytes.length + 1);
      if (kind === 'set') bytes[Math.min(at, Math.max(0, bytes.length - 1))] = value;
      else if (kind === 'insert') bytes.splice(at, 0, value);
      else if (kind === 'delete') bytes.splice(at, length);
      else if (kind === 'repeat') bytes.splice(at, 0, ...bytes.slice(at, at + length));
      else if (kind === 'flip') bytes[at] = (bytes[at] ?? 0) ^ (1 << (value & 7));
      else bytes = bytes.slice(0, at);
    }
    return Uint8Array.from(bytes);
  });
}
