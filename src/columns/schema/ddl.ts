/** A schema in the words of SQL: Spark's DDL, as `StructType.fromDDL` and `CREATE TABLE` read it. */
import type { Field, FieldType, Schema } from './schema.ts';

/** What Spark's grammar takes as an identifier without quotes, and does not take for a number. */
const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * The schema as one line of DDL: `id STRING NOT NULL, tags ARRAY<STRING>`. A name that is not a plain identifier is in
 * backticks. DDL has no word for an array whose elements are never null, so both kinds of array read alike.
 */
export function toDdl(ofSchema: Schema): string {
  return ofSchema.fields.map((field) => ddlField(field, ' ')).join(', ');
}

/** A type alone: `DECIMAL(18,2)`, `ARRAY<STRING>`, `STRUCT<country: STRING NOT NULL, city: STRING>`. */
export function ddlType(type: FieldType): string {
  switch (type.kind) {
    case 'long':
      return 'BIGINT';
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`;
    case 'struct':
      return `STRUCT<${type.fields.map((field) => ddlField(field, ': ')).join(', ')}>`;
    case 'array':
      return `ARRAY<${ddlType(type.element)}>`;
    case 'string':
    case 'boolean':
    case 'int':
    case 'double':
    case 'timestamp':
    case 'date':
      return type.kind.toUpperCase();
  }
}

function ddlField({ name, type, required }: Field, separator: string): string {
  return `${ddlName(name)}${separator}${ddlType(type)}${required ? ' NOT NULL' : ''}`;
}

function ddlName(name: string): string {
  return PLAIN_NAME.test(name) ? name : `\`${name.replaceAll('`', '``')}\``;
}
