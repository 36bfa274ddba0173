/** Schemas of any shape, and events of them: the JSON that a producer could write, and the row that it must come to. */
import fc from 'fast-check';
import {
  optional,
  required,
  schema,
  types,
  type Field,
  type FieldType,
  type LeafType,
  type PrimitiveType,
  type Schema,
  type StructType,
} from '../../src/columns/schema/schema.ts';

/** A value as it is written, and as a row shows it. */
export interface Sample {
  readonly json: string;
  readonly cell: unknown;
}

/** `json` undefined is an absent field. */
interface FieldSample {
  readonly json: string | undefined;
  readonly cell: unknown;
}

const primitive: fc.Arbitrary<PrimitiveType> = fc.oneof(
  fc.boolean().map((dictionary) => types.string({ dictionary })),
  fc.constantFrom(
    types.boolean(),
    types.int(),
    types.long(),
    types.double(),
    types.timestamp(),
    types.date(),
  ),
  fc
    .integer({ min: 1, max: 38 })
    .chain((precision) =>
      fc.integer({ min: 0, max: precision }).map((scale) => types.decimal(precision, scale)),
    ),
);

const leaf: fc.Arbitrary<LeafType> = fc.oneof(
  { arbitrary: primitive, weight: 3 },
  {
    arbitrary: fc
      .tuple(primitive, fc.boolean())
      .map(([element, containsNull]) => types.array(element, { containsNull })),
    weight: 1,
  },
);

/**
 * Names of few letters, so that one is often the beginning of another; and names that trip the careless. A lone
 * backslash is not among them: the JSON.parse of V8 14.6, which the oracle uses, takes an escaped key (`"\u0062"`) for
 * the key of an earlier text that its raw beginning spells.
 */
const name = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', '_'), minLength: 1, maxLength: 3 }),
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    'größe',
    '日本',
    '"',
    'a\\b',
    ' ',
    'a b',
    '`',
    '1',
    '\u0000',
    '😀',
  ),
);

const NAMES = { selector: (field: Field) => field.name, minLength: 1, maxLength: 5 };

function fieldOf(type: fc.Arbitrary<FieldType>): fc.Arbitrary<Field> {
  return fc
    .tuple(name, type, fc.boolean())
    .map(([fieldName, fieldType, isRequired]) =>
      (isRequired ? required : optional)(fieldName, fieldType, ''),
    );
}

const flatStruct = fc.uniqueArray(fieldOf(leaf), NAMES).map((fields) => types.struct(fields));
const struct: fc.Arbitrary<StructType> = fc
  .uniqueArray(fieldOf(fc.oneof({ arbitrary: leaf, weight: 3 }, { arbitrary: flatStruct, weight: 1 })), NAMES)
  .map((fields) => types.struct(fields));

/** Up to three structs deep. */
export const anySchema: fc.Arbitrary<Schema> = fc
  .uniqueArray(fieldOf(fc.oneof({ arbitrary: leaf, weight: 3 }, { arbitrary: struct, weight: 1 })), NAMES)
  .map((fields) => schema(fields));

const space = fc.constantFrom('', '', '', ' ', '\n', '\t\r ');

/** JSON of a string, with none or some or all of its characters escaped. */
function stringJson(value: string): fc.Arbitrary<string> {
  return fc.integer({ min: 0, max: 3 }).map((every) => {
    const characters = Array.from(value, (character, index) =>
      every > 0 && index % every === 0 ? escaped(character) : JSON.stringify(character).slice(1, -1),
    );
    return `"${characters.join('')}"`;
  });
}

/** Both halves where it is a pair. */
function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }).map((value) => value.replaceAll('\0', '')),
  fc.constantFrom('', 'x', 'Home', '__proto__', '2025-01-01', 'null'),
);

const MICROS_MIN = BigInt(Date.UTC(1700, 0, 1)) * 1000n;
/** Up to the year 2255 a double has every microsecond. */
const MICROS_MAX = BigInt(Number.MAX_SAFE_INTEGER);
const DAY_MIN = Math.floor(new Date('0001-01-01T00:00:00Z').getTime() / 86_400_000);
const DAY_MAX = Math.floor(new Date('9999-12-31T00:00:00Z').getTime() / 86_400_000);

/** A whole number of units of 10^-scale, in one of the ways that JSON has for it. */
function numberJson(units: bigint, scale: number): fc.Arbitrary<string> {
  const sign = units < 0n ? '-' : '';
  const digits = (units < 0n ? -units : units).toString();
  const padded = digits.padStart(scale + 1, '0');
  const plain = scale === 0 ? padded : `${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
  return fc.constantFrom(
    sign + plain,
    `${sign}${digits}e${-scale}`,
    units === 0n ? '-0' : `${sign}${digits}000E-${scale + 3}`,
    `${sign}${plain}${scale === 0 ? '.' : ''}0`,
    `${sign}0.${digits}e+${digits.length - scale}`.replace('e+-', 'e-'),
  );
}

function decimalText(units: bigint, scale: number): string {
  const sign = units < 0n ? '-' : '';
  const padded = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  return scale === 0 ? sign + padded : `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}

function bigBetween(min: bigint, max: bigint): fc.Arbitrary<bigint> {
  return fc.oneof(
    fc.bigInt({ min, max }),
    fc.constantFrom(min, max, 0n),
    fc.bigInt({ min: -9n < min ? min : -9n, max: 9n > max ? max : 9n }),
  );
}

function primitiveSample(type: PrimitiveType): fc.Arbitrary<Sample> {
  switch (type.kind) {
    case 'string':
      return text.chain((cell) => stringJson(cell).map((json) => ({ json, cell })));
    case 'boolean':
      return fc.boolean().map((cell) => ({ json: String(cell), cell }));
    case 'int':
      return bigBetween(-(2n ** 31n), 2n ** 31n - 1n).chain((units) =>
        numberJson(units, 0).map((json) => ({ json, cell: Number(units) })),
      );
    case 'long':
      return bigBetween(-(2n ** 63n), 2n ** 63n - 1n).chain((cell) =>
        numberJson(cell, 0).map((json) => ({ json, cell })),
      );
    case 'double':
      return fc
        .double({ noNaN: true, noDefaultInfinity: true })
        .chain((double) =>
          fc
            .constantFrom(JSON.stringify(double), double.toExponential())
            .map((json) => ({ json, cell: double === 0 ? 0 : double })),
        );
    case 'decimal': {
      const limit = 10n ** BigInt(type.precision) - 1n;
      return bigBetween(-limit, limit).chain((units) =>
        numberJson(units, type.scale).map((json) => ({ json, cell: decimalText(units, type.scale) })),
      );
    }
    case 'timestamp':
      return bigBetween(MICROS_MIN, MICROS_MAX).map((micros) => {
        const milliseconds = (micros - (((micros % 1000n) + 1000n) % 1000n)) / 1000n;
        const rest = (micros - milliseconds * 1000n).toString().padStart(3, '0');
        const iso = new Date(Number(milliseconds)).toISOString().slice(0, -1);
        return { json: `"${iso}${rest}Z"`, cell: `${iso}${rest === '000' ? '' : rest}Z` };
      });
    case 'date':
      return fc.integer({ min: DAY_MIN, max: DAY_MAX }).chain((day) => {
        const cell = new Date(day * 86_400_000).toISOString().slice(0, 10);
        return stringJson(cell).map((json) => ({ json, cell }));
      });
  }
}

function leafSample(type: LeafType): fc.Arbitrary<Sample> {
  if (type.kind !== 'array') return primitiveSample(type);
  const element = primitiveSample(type.element);
  const maybeNull = type.containsNull ? fc.option(element, { nil: { json: 'null', cell: null } }) : element;
  return fc.tuple(fc.array(maybeNull, { maxLength: 5 }), space).map(([elements, gap]) => ({
    json: `[${gap}${elements.map(({ json }) => json).join(`${gap},${gap}`)}${gap}]`,
    cell: elements.map(({ cell }) => cell),
  }));
}

function absentCell(type: FieldType): unknown {
  if (type.kind !== 'struct') return null;
  return Object.fromEntries(type.fields.map((field) => [field.name, absentCell(field.type)]));
}

function fieldSample({ type, required: isRequired }: Field): fc.Arbitrary<FieldSample> {
  const present = type.kind === 'struct' ? objectSample(type.fields) : leafSample(type);
  const cell = absentCell(type);
  return isRequired
    ? present
    : fc.oneof(
        { arbitrary: present, weight: 4 },
        fc.constantFrom({ json: undefined, cell }, { json: 'null', cell }),
      );
}

/** An object with its members in any order, strangers among them, and white space wherever it may stand. */
function objectSample(fields: readonly Field[]): fc.Arbitrary<Sample> {
  return fc.tuple(...fields.map(fieldSample)).chain((samples) => {
    const cell = Object.fromEntries(
      samples.map((sample, index) => [(fields[index] as Field).name, sample.cell]),
    );
    return writings(fields, samples).map((json) => ({ json, cell }));
  });
}

/** The ways to write an object whose members have these values. */
function writings(fields: readonly Field[], samples: readonly FieldSample[]): fc.Arbitrary<string> {
  const members = samples.flatMap(({ json }, index) =>
    json === undefined ? [] : [{ name: (fields[index] as Field).name, json }],
  );
  return fc
    .tuple(
      fc.tuple(...members.map((member) => stringJson(member.name).map((key) => [key, member.json] as const))),
      fc.constantFrom<readonly (readonly [string, string])[]>([], [], [['"unknown field"', '{"a":[1,"]"]}']]),
    )
    .chain(([known, unknown]) =>
      fc
        .tuple(
          fc.shuffledSubarray([...known, ...unknown], { minLength: known.length + unknown.length }),
          space,
          space,
        )
        .map(
          ([all, before, after]) =>
            `{${before}${all.map(([key, json]) => `${before}${key}${after}:${before}${json}${after}`).join(',')}}`,
        ),
    );
}

export function eventSample(ofSchema: Schema): fc.Arbitrary<Sample> {
  return objectSample(ofSchema.fields);
}
