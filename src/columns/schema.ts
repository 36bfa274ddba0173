/**
 * A schema: the named, typed fields of an event. It is frozen data; the decoder, the column vectors, the content hash
 * and the documentation of the fields are all made from it.
 */

export type FieldType =
  | { readonly kind: 'string'; readonly dictionary: boolean }
  | { readonly kind: 'boolean' }
  /** A whole number of at most 32 bits; `1.0` and `1e2` are whole. */
  | { readonly kind: 'int' }
  /** An exact decimal of at most `precision` digits, `scale` of them behind the point. precision ≤ 38. */
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  /** An instant, microseconds since 1970-01-01T00:00:00Z, written as RFC 3339. */
  | { readonly kind: 'timestamp' }
  | { readonly kind: 'struct'; readonly fields: readonly Field[] };

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  /** A required field that is absent or null makes the event invalid (`MISSING_FIELD`). */
  readonly required: boolean;
  /** One line for the documentation. */
  readonly doc: string;
}

export interface Schema {
  readonly fields: readonly Field[];
}

/** Types by their Structured Streaming names. */
export const types = {
  /** Text. `dictionary: true` where few values repeat often: they are kept once, and rows hold codes. */
  string: (options: { dictionary?: boolean } = {}): FieldType => ({
    kind: 'string',
    dictionary: options.dictionary ?? false,
  }),
  boolean: (): FieldType => ({ kind: 'boolean' }),
  int: (): FieldType => ({ kind: 'int' }),
  decimal: (precision: number, scale: number): FieldType => ({ kind: 'decimal', precision, scale }),
  timestamp: (): FieldType => ({ kind: 'timestamp' }),
  struct: (fields: readonly Field[]): FieldType => ({ kind: 'struct', fields }),
};

export function required(name: string, type: FieldType, doc: string): Field {
  return Object.freeze({ name, type, required: true, doc });
}

export function optional(name: string, type: FieldType, doc: string): Field {
  return Object.freeze({ name, type, required: false, doc });
}

export function schema(fields: readonly Field[]): Schema {
  return Object.freeze({ fields: Object.freeze([...fields]) });
}

/** A field that holds a value of its own, under its path from the root (`location.country`). */
export interface Leaf {
  readonly path: string;
  readonly type: Exclude<FieldType, { kind: 'struct' }>;
  readonly required: boolean;
}

/** Every leaf of the schema, depth first, in schema order: the columns of a batch. */
export function leavesOf(ofSchema: Schema): readonly Leaf[] {
  const leaves: Leaf[] = [];
  const visit = (fields: readonly Field[], prefix: string): void => {
    for (const field of fields) {
      const path = prefix + field.name;
      if (field.type.kind === 'struct') visit(field.type.fields, `${path}.`);
      else leaves.push({ path, type: field.type, required: field.required });
    }
  };
  visit(ofSchema.fields, '');
  return leaves;
}

/** The schema as SQL DDL, as Spark's `StructType.fromDDL` reads it. */
export function toDdl(ofSchema: Schema): string {
  return ofSchema.fields
    .map((field) => `${field.name} ${ddlType(field.type)}${field.required ? ' NOT NULL' : ''}`)
    .join(', ');
}

function ddlType(type: FieldType): string {
  switch (type.kind) {
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`;
    case 'struct':
      return `STRUCT<${type.fields.map((field) => `${field.name}: ${ddlType(field.type)}`).join(', ')}>`;
    case 'string':
    case 'boolean':
    case 'int':
    case 'timestamp':
      return type.kind.toUpperCase();
  }
}
