/** Columns and literals as evaluators. */
import { InvariantError } from '../../errors.ts';
import type { Column, PrimitiveColumn, Scaled } from '../../columns/column-chunk.ts';
import type { ByteSpace } from '../../columns/byte-space.ts';
import { parseDecimal } from '../../columns/values/decimal.ts';
import { parseDay, TimestampParser } from '../../columns/values/timestamp.ts';
import type { LiteralNode } from '../../plan/expression/node.ts';
import type { Evaluator } from './evaluator.ts';

/** Vectors are asked for with every row, since a larger chunk replaces them. */
export function columnEvaluator(column: Column, space: ByteSpace): Evaluator {
  if (column.kind !== 'array') return primitiveEvaluator(column, space);
  const range = { start: 0, end: 0 };
  return {
    kind: 'array',
    items: primitiveEvaluator(column.items, space),
    at(row) {
      range.start = column.start[row] as number;
      range.end = column.end[row] as number;
      return range.start < 0 ? undefined : range;
    },
  };
}

function primitiveEvaluator(column: PrimitiveColumn, space: ByteSpace): Evaluator {
  switch (column.kind) {
    case 'string':
      return {
        kind: 'string',
        bytes: { column, space },
        at(row) {
          const start = column.start[row] as number;
          return start < 0 ? undefined : space.text(start, column.end[row] as number);
        },
      };
    case 'dictionary':
      return {
        kind: 'string',
        at(row) {
          const code = column.codes[row] as number;
          return code < 0 ? undefined : column.dictionary.text(code);
        },
      };
    case 'decimal':
    case 'long':
      return { kind: column.kind, scale: column.scale, at: (row) => column.get(row) };
    case 'int':
    case 'double':
    case 'timestamp':
    case 'date':
      return {
        kind: column.kind,
        at(row) {
          const value = column.values[row] as number;
          return Number.isNaN(value) ? undefined : value;
        },
      };
    case 'boolean':
      return {
        kind: 'boolean',
        at(row) {
          const value = column.values[row] as number;
          return value < 0 ? undefined : value === 1;
        },
      };
  }
}

const ENCODER = new TextEncoder();

export function literalEvaluator({ type, text }: LiteralNode): Evaluator {
  if (text === null) return { kind: 'null', at: () => undefined };
  switch (type.kind) {
    case 'string':
      return { kind: 'string', at: () => text };
    case 'boolean': {
      const value = text === 'true';
      return { kind: 'boolean', at: () => value };
    }
    case 'decimal':
      return scaledLiteral('decimal', parseDecimal(text, type.scale), type.scale);
    case 'long':
      return scaledLiteral('long', parseDecimal(text, 0), 0);
    case 'int':
    case 'double': {
      const value = Number(text);
      return { kind: type.kind, at: () => value };
    }
    case 'timestamp': {
      const value = microsOf(text);
      return { kind: 'timestamp', at: () => value };
    }
    case 'date': {
      const value = parseDay(text);
      return { kind: 'date', at: () => value };
    }
    case 'null':
      throw new InvariantError(`a null literal has no text, and here is ${text}`);
  }
}

function scaledLiteral(kind: 'decimal' | 'long', value: Scaled, scale: number): Evaluator {
  return { kind, scale, at: () => value };
}

function microsOf(text: string): number {
  const bytes = ENCODER.encode(text);
  const parser = new TimestampParser();
  if (parser.parse(bytes, 0, bytes.length) !== 'ok') throw new InvariantError(`no instant: ${text}`);
  return parser.micros;
}
