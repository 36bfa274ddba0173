/**
 * A schema: the named, typed fields of an event. It is frozen data; the decoder, the column vectors, the content hash,
 * the DDL, the documentation of the fields and the TypeScript type of a row (`RowOf` in `../rows.ts`) are all made from it.
 * Its static type knows every name and type, so that the compiler refuses a path that is not there (`paths.ts`);
 * code that works with any schema takes a plain {@link Schema}.
 */
import { TallystreamError } from '../../errors.ts';

/** Text. Where `dictionary` is true each distinct value is kept once, and rows hold codes. */
export interface StringType<Dictionary extends boolean = boolean> {
  readonly kind: 'string';
  readonly dictionary: Dictionary;
}

/** True or false. */
export interface BooleanType {
  readonly kind: 'boolean';
}

/** A whole number of at most 32 bits; `1.0` and `1e2` are whole. */
export interface IntType {
  readonly kind: 'int';
}

/** A whole number of at most 64 bits, exact beyond 2^53; `1.0` and `1e2` are whole. */
export interface LongType {
  readonly kind: 'long';
}

/** A finite IEEE 754 double, the one that `JSON.parse` reads from the same text; -0 is 0. */
export interface DoubleType {
  readonly kind: 'double';
}

/** An exact decimal of at most `precision` digits, `scale` of them after the point. 0 ≤ scale ≤ precision ≤ 38. */
export interface DecimalType {
  readonly kind: 'decimal';
  readonly precision: number;
  readonly scale: number;
}

/** An instant, microseconds since 1970-01-01T00:00:00Z, written as RFC 3339. */
export interface TimestampType {
  readonly kind: 'timestamp';
}

/** A day of the proleptic Gregorian calendar, written `YYYY-MM-DD`, of the years 1 to 9999, as SQL's DATE has them. */
export interface DateType {
  readonly kind: 'date';
}

/** The types of a single value. */
export type PrimitiveType =
  StringType | BooleanType | IntType | LongType | DoubleType | DecimalType | TimestampType | DateType;

/** Fields under one name. A field required in it is required only if the struct is present. */
export interface StructType<Fields extends readonly Field[] = readonly Field[]> {
  readonly kind: 'struct';
  readonly fields: Fields;
}

/** Any number of values of one primitive type, in order; null among them only where `containsNull` is true. */
export interface ArrayType<
  Element extends PrimitiveType = PrimitiveType,
  ContainsNull extends boolean = boolean,
> {
  readonly kind: 'array';
  readonly element: Element;
  readonly containsNull: ContainsNull;
}

/** Any type that a field may have. */
export type FieldType = PrimitiveType | StructType | ArrayType;

/** What has its own column. */
export type LeafType = Exclude<FieldType, StructType>;

/** A field of a schema: its name, its type, whether every event has it, and what it means. */
export interface Field<
  Name extends string = string,
  Type extends FieldType = FieldType,
  Required extends boolean = boolean,
> {
  readonly name: Name;
  readonly type: Type;
  /** A required field that is absent or null makes the event invalid (`MISSING_FIELD`). */
  readonly required: Required;
  /** One line for the documentation. */
  readonly doc: string;
}

/** The fields of an event, in order. `schema(…)` makes one, and checks it. */
export interface Schema<Fields extends readonly Field[] = readonly Field[]> {
  readonly fields: Fields;
}

/** More digits than any declared decimal may have (as SQL's `DECIMAL(38)`). */
const PRECISION_MAX = 38;

/** Types by their Structured Streaming names. */
export const types = {
  /** `dictionary: true` where few values repeat often, and where groups are made of the text. */
  string: stringType,
  boolean: (): BooleanType => Object.freeze({ kind: 'boolean' }),
  int: (): IntType => Object.freeze({ kind: 'int' }),
  long: (): LongType => Object.freeze({ kind: 'long' }),
  double: (): DoubleType => Object.freeze({ kind: 'double' }),
  /** @throws RangeError unless 1 ≤ precision ≤ 38 and 0 ≤ scale ≤ precision, both whole. */
  decimal: (precision: number, scale: number): DecimalType => {
    const whole = Number.isInteger(precision) && Number.isInteger(scale);
    if (!whole || precision < 1 || precision > PRECISION_MAX || scale < 0 || scale > precision) {
      throw new RangeError(
        `decimal(${precision}, ${scale}) is not valid: the precision is 1 to ${PRECISION_MAX}, the scale is 0 to the precision`,
      );
    }
    return Object.freeze({ kind: 'decimal', precision, scale });
  },
  timestamp: (): TimestampType => Object.freeze({ kind: 'timestamp' }),
  date: (): DateType => Object.freeze({ kind: 'date' }),
  /** @throws RangeError if two fields have one name. */
  struct: <const Fields extends readonly Field[]>(fields: Fields): StructType<Fields> =>
    Object.freeze({ kind: 'struct', fields: frozenFields(fields) }),
  /**
   * `containsNull: true` where an element may be null; without it a null in the array is a `MISSING_FIELD`.
   * @throws TallystreamError `USAGE` for an element that is a struct or an array
   */
  array: arrayType,
};

/*
 * Overloads and no type parameters for what an option says: if a call is an argument, as in `required('id',
 * types.string(), …)`, the compiler would infer such a parameter from what the argument may be, which is any boolean.
 */

function stringType(options?: { readonly dictionary?: false }): StringType<false>;
function stringType(options: { readonly dictionary: true }): StringType<true>;
function stringType(options: { readonly dictionary?: boolean }): StringType;
function stringType(options: { readonly dictionary?: boolean } = {}): StringType {
  return Object.freeze({ kind: 'string', dictionary: options.dictionary ?? false });
}

function arrayType<Element extends PrimitiveType>(
  element: Element,
  options?: { readonly containsNull?: false },
): ArrayType<Element, false>;
function arrayType<Element extends PrimitiveType>(
  element: Element,
  options: { readonly containsNull: true },
): ArrayType<Element, true>;
function arrayType<Element extends PrimitiveType>(
  element: Element,
  options: { readonly containsNull?: boolean },
): ArrayType<Element>;
function arrayType<Element extends PrimitiveType>(
  element: Element,
  options: { readonly containsNull?: boolean } = {},
): ArrayType<Element> {
  const { kind } = checkedType(element, 'types.array') as FieldType;
  if (kind === 'struct' || kind === 'array') {
    throw new TallystreamError('USAGE', {
      what: `types.array: an element is ${kind === 'struct' ? 'a struct' : 'an array'}, but an array holds only single values.`,
      hint:
        'Have the producer write one event per element, or one array per field of it; or leave the field out of ' +
        'the schema: fields that the schema does not name are skipped.',
    });
  }
  return Object.freeze({ kind: 'array', element, containsNull: options.containsNull ?? false });
}

/**
 * A field that every event has to have. `doc` is its line in the documentation.
 * @throws RangeError for a name that no path could hold: an empty one, one with a dot, one with half a surrogate pair.
 */
export function required<Name extends string, Type extends FieldType>(
  name: Name,
  type: Type,
  doc: string,
): Field<Name, Type, true> {
  return Object.freeze({ name: checkedName(name), type: checkedType(type, name), required: true, doc });
}

/** A field that may be absent or null. @throws RangeError as {@link required} does. */
export function optional<Name extends string, Type extends FieldType>(
  name: Name,
  type: Type,
  doc: string,
): Field<Name, Type, false> {
  return Object.freeze({ name: checkedName(name), type: checkedType(type, name), required: false, doc });
}

/** @throws RangeError if two fields have one name. */
export function schema<const Fields extends readonly Field[]>(fields: Fields): Schema<Fields> {
  return Object.freeze({ fields: frozenFields(fields) });
}

/** Paths put dots between names, so a dot in a name would make two columns of one path. */
function checkedName<Name extends string>(name: Name): Name {
  if (name !== '' && !name.includes('.') && name.isWellFormed()) return name;
  throw new RangeError(
    `${JSON.stringify(name)} cannot name a field: a name has at least one character, no dot and no half surrogate pair`,
  );
}

/** A program in JavaScript, or a cast, may bring what no compiler has seen. */
function checkedType<Type>(type: Type, where: string): Type {
  const kind: unknown = (type as { readonly kind?: unknown } | undefined)?.kind;
  if (typeof kind === 'string' && Object.hasOwn(types, kind)) return type;
  const shown = typeof type === 'object' || typeof type === 'string' ? JSON.stringify(type) : String(type);
  throw new TallystreamError('USAGE', {
    what: `${where}: ${shown} is not a type.`,
    hint: `Call one of types.${Object.keys(types).join('(…), types.')}(…).`,
  });
}

function frozenFields<Fields extends readonly Field[]>(fields: Fields): Fields {
  if (!Array.isArray(fields)) {
    throw new TallystreamError('USAGE', {
      what: 'A schema and a struct take an array of fields.',
      hint: "Write schema([required('id', types.string(), 'what it is'), optional(…)]).",
    });
  }
  const names = new Set<string>();
  for (const { name } of fields) {
    if (names.has(name)) throw new RangeError(`two fields are named ${JSON.stringify(name)}`);
    names.add(name);
  }
  return Object.freeze([...fields]) as readonly Field[] as Fields;
}

/** A field that holds its own value, under its path from the root (`location.country`). */
export interface Leaf {
  readonly path: string;
  readonly type: LeafType;
  /** Whether every accepted event has a value here: the field is required, and so is every struct around it. */
  readonly required: boolean;
}

/** Every leaf of the schema, depth first, in schema order: the columns of a batch. */
export function leavesOf(ofSchema: Schema): readonly Leaf[] {
  const leaves: Leaf[] = [];
  const visit = (fields: readonly Field[], prefix: string, present: boolean): void => {
    for (const field of fields) {
      const path = prefix + field.name;
      const isRequired = present && field.required;
      if (field.type.kind === 'struct') visit(field.type.fields, `${path}.`, isRequired);
      else leaves.push({ path, type: field.type, required: isRequired });
    }
  };
  visit(ofSchema.fields, '', true);
  return leaves;
}
