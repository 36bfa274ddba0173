/** The rows that an aggregate gives: the types of its keys and measures, as Spark types them. */
import {
  required,
  schema,
  types,
  type Field,
  type FieldType,
  type Schema,
} from '../columns/schema/schema.ts';
import { TallystreamError } from '../errors.ts';
import type { Aggregate, GroupKey, Measure } from './query-plan.ts';

/** `[start, end)` of a window. */
const SPAN = types.struct([
  required('start', types.timestamp(), 'The first instant of the window.'),
  required('end', types.timestamp(), 'The first instant after the window.'),
]);

/** Spark's: a sum of decimals has this many digits more, an average this many decimals more. */
const SUM_DIGITS = 10;
const AVERAGE_DECIMALS = 4;
const DIGITS_MAX = 38;

/** The field of a column of the events. */
export type FieldOfColumn = (column: string) => { readonly type: FieldType; readonly required: boolean };

/** Keys first, then measures. @throws USAGE for a measure that has no meaning for its column's type */
export function schemaOfAggregate(aggregate: Omit<Aggregate, 'name'>, fieldOf: FieldOfColumn): Schema {
  return schema([
    ...aggregate.keys.map((key) => keyField(key, fieldOf)),
    ...aggregate.measures.map((measure) => measureField(measure, fieldOf)),
  ]);
}

function keyField(key: GroupKey, fieldOf: FieldOfColumn): Field {
  const { name } = key;
  switch (key.kind) {
    case 'date':
      return { name, type: types.date(), required: fieldOf(key.column).required, doc: 'The day.' };
    case 'window':
    case 'sessionWindow':
      return required(name, SPAN, 'The window.');
    case 'column': {
      const { type, required: isRequired } = fieldOf(key.column);
      if (type.kind !== 'array' && type.kind !== 'struct' && type.kind !== 'double') {
        return { name, type, required: isRequired, doc: key.column };
      }
      throw new TallystreamError('USAGE', {
        what: `groupBy: ${name} is ${type.kind}, which cannot be a key.`,
        hint: type.kind === 'double' ? 'Cast it to a decimal.' : 'Group by a field of it.',
      });
    }
  }
}

function measureField(measure: Measure, fieldOf: FieldOfColumn): Field {
  const { kind, name, column } = measure;
  if (kind === 'count' || kind === 'approxCountDistinct') return required(name, types.long(), 'How many.');
  const type = resultType(measure, fieldOf(column).type);
  return { name, type, required: false, doc: `${kind} of ${column}` };
}

function resultType({ kind, name }: Measure, type: FieldType): FieldType {
  if (type.kind === 'array' || type.kind === 'struct') {
    throw new TallystreamError('USAGE', {
      what: `agg({ ${name}: ${kind}(…) }): a column of type ${type.kind} has no ${kind}.`,
      hint: 'Take a field or an element of it.',
    });
  }
  if (kind !== 'sum' && kind !== 'avg') return type;
  if (type.kind === 'decimal') {
    const { precision, scale } = type;
    if (kind === 'sum') return types.decimal(Math.min(DIGITS_MAX, precision + SUM_DIGITS), scale);
    const decimals = Math.min(scale + AVERAGE_DECIMALS, DIGITS_MAX);
    return types.decimal(Math.max(Math.min(DIGITS_MAX, precision + AVERAGE_DECIMALS), decimals), decimals);
  }
  if (type.kind === 'double') return types.double();
  if (type.kind === 'int' || type.kind === 'long') return kind === 'sum' ? types.long() : types.double();
  throw new TallystreamError('USAGE', {
    what: `agg({ ${name}: ${kind}(…) }): ${kind} needs a number, but the column is ${type.kind}.`,
    hint: 'Cast the column to a number, or count it.',
  });
}
