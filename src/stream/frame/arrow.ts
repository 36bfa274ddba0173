/** Rows as an Apache Arrow table, column by column (Arrow Columnar Format 1.5: validity bitmaps, offsets, values). */
import type { ByteSpace, Column, PrimitiveColumn } from '../../columns/column-chunk.ts';
import { TEXT_BYTES_MAX, tooMuchText } from '../../columns/copy-cell.ts';
import type { Field, FieldType } from '../../columns/schema/schema.ts';
import {
  arrowModule,
  type ArrowData,
  type ArrowDataProps,
  type ArrowField,
  type ArrowModule,
  type ArrowTable,
  type ArrowType,
} from './arrow-module.ts';
import { rowsOf, type FrameParts } from './parts.ts';

const DECIMAL_BITS = 128;
const DECIMAL_WORDS = 4;

/** One record batch of all rows. @throws TallystreamError `USAGE` without the package; `STATE_TOO_LARGE` */
export async function arrowTableOf(parts: FrameParts): Promise<ArrowTable> {
  const arrow = await arrowModule();
  const { batch } = parts;
  const rows = rowsOf(parts);
  let leaf = 0;
  const children = (fields: readonly Field[]): ArrowData[] =>
    fields.map(({ type }) => {
      if (type.kind !== 'struct') {
        const column = batch.columns[leaf] as Column;
        leaf += 1;
        return dataOf(arrow, type, column, batch.space, rows);
      }
      // An absent struct is one of nulls, as in a row.
      const props = { type: arrowType(arrow, type, false), length: rows.length, nullCount: 0 };
      return arrow.makeData({ ...props, children: children(type.fields) });
    });
  const fields = arrowFields(arrow, batch.schema.fields, true);
  const root = { type: new arrow.Struct(fields), length: rows.length, nullCount: 0 };
  const data = arrow.makeData({ ...root, children: children(batch.schema.fields) });
  return new arrow.Table([new arrow.RecordBatch(new arrow.Schema(fields), data)]);
}

/** `present` says whether all around these fields is required. */
function arrowFields(arrow: ArrowModule, fields: readonly Field[], present: boolean): ArrowField[] {
  return fields.map(({ name, type, required }) => {
    const isPresent = present && required;
    return new arrow.Field(name, arrowType(arrow, type, isPresent), !isPresent && type.kind !== 'struct');
  });
}

function arrowType(arrow: ArrowModule, type: FieldType, present: boolean): ArrowType {
  switch (type.kind) {
    case 'struct':
      return new arrow.Struct(arrowFields(arrow, type.fields, present));
    case 'array':
      return new arrow.List(new arrow.Field('item', arrowType(arrow, type.element, true), type.containsNull));
    case 'string':
      return new arrow.Utf8();
    case 'boolean':
      return new arrow.Bool();
    case 'int':
      return new arrow.Int32();
    case 'long':
      return new arrow.Int64();
    case 'double':
      return new arrow.Float64();
    case 'decimal':
      return new arrow.Decimal(type.scale, type.precision, DECIMAL_BITS);
    case 'timestamp':
      return new arrow.TimestampMicrosecond('UTC');
    case 'date':
      return new arrow.DateDay();
  }
}

/** `rows` are places of the column, in the order in which they are wanted. */
function dataOf(
  arrow: ArrowModule,
  type: Exclude<FieldType, { kind: 'struct' }>,
  column: Column,
  space: ByteSpace,
  rows: Int32Array,
): ArrowData {
  const shape = { type: arrowType(arrow, type, true), length: rows.length };
  if (column.kind !== 'array' || type.kind !== 'array') {
    const buffers = valuesOf(column as PrimitiveColumn, space, rows);
    return arrow.makeData({ ...shape, ...buffers });
  }
  const valid = new Validity(rows.length);
  const valueOffsets = new Int32Array(rows.length + 1);
  const places: number[] = [];
  rows.forEach((row, index) => {
    const start = column.start[row] as number;
    if (start >= 0) {
      valid.set(index);
      for (let at = start; at < (column.end[row] as number); at += 1) places.push(at);
    }
    valueOffsets[index + 1] = places.length;
  });
  const child = dataOf(arrow, type.element, column.items, space, Int32Array.from(places));
  return arrow.makeData({ ...shape, ...valid.buffers, valueOffsets, child });
}

type Buffers = Omit<ArrowDataProps, 'type' | 'length'>;

function valuesOf(column: PrimitiveColumn, space: ByteSpace, rows: Int32Array): Buffers {
  switch (column.kind) {
    case 'string':
      return textsOf(rows, (row) => {
        const start = column.start[row] as number;
        return start < 0 ? undefined : space.slice(start, column.end[row] as number);
      });
    case 'dictionary': {
      const { codes, dictionary } = column;
      return textsOf(rows, (row) => {
        const code = codes[row] as number;
        if (code < 0) return undefined;
        return dictionary.bytes.subarray(dictionary.startOf(code), dictionary.endOf(code));
      });
    }
    case 'boolean':
      return truthsOf(column.values, rows);
    case 'decimal':
      return decimalsOf(column, rows);
    case 'long':
      return filled(rows, new BigInt64Array(rows.length), (row) => {
        const value = column.get(row);
        return value === undefined ? undefined : BigInt(value);
      });
    case 'timestamp':
      return filled(rows, new BigInt64Array(rows.length), (row) => {
        const micros = column.values[row] as number;
        return Number.isNaN(micros) ? undefined : BigInt(micros);
      });
    case 'int':
    case 'date':
    case 'double': {
      const data = column.kind === 'double' ? new Float64Array(rows.length) : new Int32Array(rows.length);
      return filled<number>(rows, data, (row) => {
        const value = column.values[row] as number;
        return Number.isNaN(value) ? undefined : value;
      });
    }
  }
}

/** Which values are there. */
class Validity {
  private readonly bits: Uint8Array;
  private nulls: number;

  constructor(length: number) {
    this.bits = new Uint8Array(Math.ceil(length / 8));
    this.nulls = length;
  }

  set(index: number): void {
    setBit(this.bits, index);
    this.nulls -= 1;
  }

  get buffers(): Pick<ArrowDataProps, 'nullCount' | 'nullBitmap'> {
    return this.nulls === 0 ? { nullCount: 0 } : { nullCount: this.nulls, nullBitmap: this.bits };
  }
}

function setBit(bits: Uint8Array, index: number): void {
  bits[index >> 3] = (bits[index >> 3] as number) | (1 << (index & 7));
}

function filled<T extends number | bigint>(
  rows: Int32Array,
  data: ArrayBufferView & { [index: number]: T },
  valueAt: (row: number) => T | undefined,
): Buffers {
  const valid = new Validity(rows.length);
  rows.forEach((row, index) => {
    const value = valueAt(row);
    if (value === undefined) return;
    data[index] = value;
    valid.set(index);
  });
  return { ...valid.buffers, data };
}

function truthsOf(values: Int8Array, rows: Int32Array): Buffers {
  const valid = new Validity(rows.length);
  const data = new Uint8Array(Math.ceil(rows.length / 8));
  rows.forEach((row, index) => {
    const value = values[row] as number;
    if (value >= 0) valid.set(index);
    if (value === 1) setBit(data, index);
  });
  return { ...valid.buffers, data };
}

/** Two's complement in four words, the lowest first. */
function decimalsOf(
  column: Extract<PrimitiveColumn, { kind: 'decimal' | 'long' }>,
  rows: Int32Array,
): Buffers {
  const valid = new Validity(rows.length);
  const data = new Uint32Array(rows.length * DECIMAL_WORDS);
  rows.forEach((row, index) => {
    const value = column.get(row);
    if (value === undefined) return;
    valid.set(index);
    const wide = BigInt(value);
    for (let word = 0; word < DECIMAL_WORDS; word += 1) {
      data[index * DECIMAL_WORDS + word] = Number(BigInt.asUintN(32, wide >> BigInt(32 * word)));
    }
  });
  return { ...valid.buffers, data };
}

function textsOf(rows: Int32Array, bytesAt: (row: number) => Uint8Array | undefined): Buffers {
  let length = 0;
  for (const row of rows) length += bytesAt(row)?.length ?? 0;
  if (length > TEXT_BYTES_MAX) throw tooMuchText();
  const valid = new Validity(rows.length);
  const data = new Uint8Array(length);
  const valueOffsets = new Int32Array(rows.length + 1);
  let end = 0;
  rows.forEach((row, index) => {
    const bytes = bytesAt(row);
    if (bytes !== undefined) {
      valid.set(index);
      data.set(bytes, end);
      end += bytes.length;
    }
    valueOffsets[index + 1] = end;
  });
  return { ...valid.buffers, data, valueOffsets };
}
