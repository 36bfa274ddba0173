/** Output tables as Parquet, by the package hyparquet-writer, which is loaded if it is asked for. */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { parquetWriteBuffer, ParquetWriteOptions } from 'hyparquet-writer';
import type { Column, ColumnBatch } from '../columns/column-chunk.ts';
import { cellOf } from '../columns/rows.ts';
import type { DecimalType, Field, PrimitiveType } from '../columns/schema/schema.ts';
import type { ColumnTable } from '../columns/table.ts';
import { TallystreamError } from '../errors.ts';

const PACKAGE = 'hyparquet-writer';
/** The versions that this is tested with, as package.json says. */
const VERSION = '0.17';

const ROW_GROUP_ROWS = 100_000;

/** The most digits that every integer of 32 and of 64 bits has. */
const INT32_DIGITS = 9;
const INT64_DIGITS = 18;

/** A whole Parquet file; the same bytes for the same rows. */
export type ParquetWriter = (table: ColumnTable) => Uint8Array;

type Element = NonNullable<ParquetWriteOptions['schema']>[number];

/** What the package takes: whole numbers of decimals, instants and days, structs as objects, lists as arrays. */
type Value = string | number | bigint | boolean | null | readonly Value[] | { [field: string]: Value };

/** How the pages of a file are compressed. */
export type ParquetCompression = 'snappy' | 'gzip' | 'zstd' | 'none';

type Codec = NonNullable<ParquetWriteOptions['codec']>;

const CODECS: Readonly<Record<ParquetCompression, Codec>> = {
  snappy: 'SNAPPY',
  gzip: 'GZIP',
  zstd: 'ZSTD',
  none: 'UNCOMPRESSED',
};

/** The package compresses as Snappy by itself. */
const COMPRESSORS: NonNullable<ParquetWriteOptions['compressors']> = {
  GZIP: (bytes) => new Uint8Array(gzipSync(bytes)),
  ZSTD: (bytes) => new Uint8Array(zstdCompressSync(bytes)),
};

/** @throws CONFIG_INVALID if the package is not installed */
export async function loadParquet(compression: ParquetCompression = 'snappy'): Promise<ParquetWriter> {
  const write = await load();
  const codec = CODECS[compression];
  return (table) => {
    const { fields } = table.schema;
    const schema = [{ name: 'schema', num_children: fields.length }, ...fields.flatMap(elementsOf)];
    const columnData = columnsOf(table);
    const options = {
      schema,
      columnData,
      rowGroupSize: ROW_GROUP_ROWS,
      createdBy: 'tallystream',
      codec,
      ...(Object.hasOwn(COMPRESSORS, codec) && { compressors: COMPRESSORS }),
    };
    return new Uint8Array(write(options));
  };
}

async function load(): Promise<typeof parquetWriteBuffer> {
  try {
    return (await import('hyparquet-writer')).parquetWriteBuffer;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new TallystreamError('CONFIG_INVALID', {
      what: `Parquet output needs the package ${PACKAGE}, which is not installed.`,
      hint: `Run npm install ${PACKAGE}@${VERSION} in the program's folder, or write NDJSON.`,
      cause: error,
    });
  }
}

/** A field and all in it, depth first (https://parquet.apache.org/docs/file-format/types/logicaltypes/). */
function elementsOf({ name, type, required }: Field): Element[] {
  const repetition_type = required ? 'REQUIRED' : 'OPTIONAL';
  switch (type.kind) {
    case 'struct':
      return [
        { name, repetition_type, num_children: type.fields.length },
        ...type.fields.flatMap((field) => elementsOf(field)),
      ];
    case 'array':
      return [
        { name, repetition_type, num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        {
          name: 'element',
          repetition_type: type.containsNull ? 'OPTIONAL' : 'REQUIRED',
          ...physical(type.element),
        },
      ];
    default:
      return [{ name, repetition_type, ...physical(type) }];
  }
}

/** Both ways of saying a logical type, since older readers know only `converted_type`. */
function physical(type: PrimitiveType): Omit<Element, 'name'> {
  switch (type.kind) {
    case 'string':
      return { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } };
    case 'boolean':
      return { type: 'BOOLEAN' };
    case 'int':
      return { type: 'INT32' };
    case 'long':
      return { type: 'INT64' };
    case 'double':
      return { type: 'DOUBLE' };
    case 'decimal':
      return decimal(type);
    case 'date':
      return { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } };
    case 'timestamp':
      return {
        type: 'INT64',
        converted_type: 'TIMESTAMP_MICROS',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
      };
  }
}

function decimal({ precision, scale }: DecimalType): Omit<Element, 'name'> {
  const logical = {
    converted_type: 'DECIMAL',
    logical_type: { type: 'DECIMAL', precision, scale },
    precision,
    scale,
  } as const;
  if (precision <= INT32_DIGITS) return { type: 'INT32', ...logical };
  if (precision <= INT64_DIGITS) return { type: 'INT64', ...logical };
  // So many bits, with one for the sign.
  const type_length = Math.ceil((Math.log2(10) * precision + 1) / 8);
  return { type: 'FIXED_LEN_BYTE_ARRAY', type_length, ...logical };
}

function columnsOf({ schema, batch, count }: ColumnTable): ParquetWriteOptions['columnData'] {
  let leaf = 0;
  const reader = ({ type, required }: Field): ((row: number) => Value) => {
    if (type.kind !== 'struct') {
      const column = batch.columns[leaf++] as Column;
      return (row) => valueOf(batch, column, row);
    }
    const inner = type.fields.map((field) => ({ name: field.name, read: reader(field) }));
    return (row) => {
      const object = Object.create(null) as { [field: string]: Value };
      let isNull = true;
      for (const { name, read } of inner) {
        const value = read(row);
        if (!isEmpty(value)) isNull = false;
        object[name] = value;
      }
      // Columns do not say whether a struct was absent; without anything in it, it is as good as that.
      return isNull && !required ? null : object;
    };
  };
  return schema.fields.map((field) => {
    const read = reader(field);
    return { name: field.name, data: Array.from({ length: count }, (_, row) => read(row)) };
  });
}

/** Null, or a struct with nothing in it. */
function isEmpty(value: Value): boolean {
  if (value === null) return true;
  return typeof value === 'object' && !Array.isArray(value) && Object.values(value).every(isEmpty);
}

function valueOf(batch: ColumnBatch, column: Column, row: number): Value {
  switch (column.kind) {
    case 'decimal':
    case 'long': {
      const value = column.get(row);
      return value === undefined ? null : BigInt(value);
    }
    case 'timestamp': {
      const micros = column.values[row] as number;
      return Number.isNaN(micros) ? null : BigInt(micros);
    }
    case 'date': {
      const day = column.values[row] as number;
      return Number.isNaN(day) ? null : day;
    }
    case 'array': {
      const start = column.start[row] as number;
      if (start < 0) return null;
      const { items } = column;
      return Array.from({ length: (column.end[row] as number) - start }, (_, at) =>
        valueOf(batch, items, start + at),
      );
    }
    case 'string':
    case 'dictionary':
    case 'int':
    case 'double':
    case 'boolean':
      return cellOf(batch, column, row);
  }
}
