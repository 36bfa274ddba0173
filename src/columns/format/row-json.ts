/** A row as the JSON of an event, such as the decoder reads it. */
import type { Row, Scalar } from '../rows.ts';
import type { Field, FieldType, Schema } from '../schema/schema.ts';

/**
 * Fields in the order of the schema; what is null is left out. Decimals and longs are written exactly.
 * @throws RangeError for a value that JSON cannot say for its type
 */
export function jsonOfRow(schema: Schema, row: unknown): string {
  return jsonOfFields(schema.fields, row as Row);
}

function jsonOfFields(fields: readonly Field[], row: Row): string {
  const parts = fields.flatMap(({ name, type }) => {
    const value = Object.hasOwn(row, name) ? (row[name] ?? null) : null;
    return value === null ? [] : [`${JSON.stringify(name)}:${jsonOf(type, value)}`];
  });
  return `{${parts.join(',')}}`;
}

function jsonOf(type: FieldType, value: Row[string]): string {
  if (value === null) return 'null';
  switch (type.kind) {
    case 'struct':
      return jsonOfFields(type.fields, value as Row);
    case 'array':
      if (!Array.isArray(value)) throw new RangeError(`${shown(value)} is not an array`);
      return `[${(value as readonly Scalar[]).map((item) => jsonOf(type.element, item)).join(',')}]`;
    case 'decimal':
    case 'long':
      // The text of a number is written as that number, digit for digit.
      return (value as string | bigint).toString();
    case 'double':
      return jsonOfDouble(value as number);
    default:
      if (typeof value === 'bigint') throw new RangeError(`${value} is not a valid ${type.kind}`);
      return JSON.stringify(value);
  }
}

const SHOWN_CHARACTERS_MAX = 60;

function shown(value: unknown): string {
  const isJson = ['string', 'object', 'number', 'boolean'].includes(typeof value);
  const text = isJson ? JSON.stringify(value) : typeof value;
  return text.slice(0, SHOWN_CHARACTERS_MAX);
}

/** As Spark's to_json writes it: for what is infinite JSON has no number, and null would be another value. */
function jsonOfDouble(value: number): string {
  return Number.isFinite(value) ? JSON.stringify(value) : `"${value}"`;
}
