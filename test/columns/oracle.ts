/**
 * A second opinion on what an event says, made of other parts than the decoder: `JSON.parse`, `TextDecoder`, regular
 * expressions and BigInt arithmetic. It is slow and short, and it shares no code with src/columns but the schema.
 */
import type { Reason } from '../../src/columns/decode/problem.ts';
import type { ArrayType, Field, FieldType, PrimitiveType, Schema } from '../../src/columns/schema/schema.ts';

export interface Verdict {
  readonly reason: Reason;
  readonly field: string | null;
}

/**
 * A value of an event: decimals and whole numbers as scaled integers, doubles as numbers, timestamps as microseconds
 * and dates as days since 1970-01-01.
 */
export type Value = string | boolean | bigint | number | null | readonly Value[];

export type Judgement =
  | { readonly kind: 'problem'; readonly verdict: Verdict }
  | { readonly kind: 'row'; readonly values: ReadonlyMap<string, Value> };

class NumberText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;

/** `JSON.parse` that keeps the text of numbers. Throws as it does. */
function parseExact(text: string): unknown {
  const reviver: Reviver = (_, value, context) =>
    typeof value === 'number' ? new NumberText(context.source as string) : value;
  return JSON.parse(text, reviver as Parameters<typeof JSON.parse>[1]);
}

export function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === '{' || token === '[') deepest = Math.max(deepest, ++depth);
    else if (token === '}' || token === ']') depth--;
  }
  return deepest;
}

/** What `JSON.parse` makes of the bytes: undefined where they are not UTF-8, not JSON, or nested too deep. */
export function wellFormed(bytes: Uint8Array): { value: unknown } | Reason {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return 'INVALID_UTF8';
  }
  try {
    const value = parseExact(text);
    return depthOf(text) > 512 ? 'MALFORMED_JSON' : { value };
  } catch {
    return 'MALFORMED_JSON';
  }
}

export function judge(bytes: Uint8Array, schema: Schema, bytesMax: number): Judgement {
  if (bytes.length > bytesMax) return problem('TOO_LARGE', null);
  if (bytes.length === 0) return problem('EMPTY', null);
  const parsed = wellFormed(bytes);
  if (typeof parsed === 'string') return problem(parsed, null);
  if (!isObject(parsed.value)) return problem('WRONG_TYPE', null);
  const values = new Map<string, Value>();
  const verdict = judgeFields(parsed.value, schema.fields, '', values);
  return verdict === undefined ? { kind: 'row', values } : { kind: 'problem', verdict };
}

function judgeFields(
  object: Record<string, unknown> | undefined,
  fields: readonly Field[],
  prefix: string,
  values: Map<string, Value>,
): Verdict | undefined {
  for (const field of fields) {
    const path = prefix + field.name;
    const value = object !== undefined && Object.hasOwn(object, field.name) ? object[field.name] : null;
    if (value === null && field.required && object !== undefined)
      return { reason: 'MISSING_FIELD', field: path };
    const verdict = judgeValue(value, field.type, path, values);
    if (verdict !== undefined) return verdict;
  }
  return undefined;
}

function judgeValue(
  value: unknown,
  type: FieldType,
  path: string,
  values: Map<string, Value>,
): Verdict | undefined {
  if (type.kind === 'struct') {
    if (value !== null && !isObject(value)) return { reason: 'WRONG_TYPE', field: path };
    return judgeFields(value ?? undefined, type.fields, `${path}.`, values);
  }
  if (type.kind === 'array' && value !== null) return judgeArray(value, type, path, values);
  const read = value === null ? null : readValue(value, type as PrimitiveType);
  if (read === 'WRONG_TYPE' || read === 'OUT_OF_RANGE') return { reason: read, field: path };
  values.set(path, read === null ? null : read.value);
  return undefined;
}

function judgeArray(
  value: unknown,
  type: ArrayType,
  path: string,
  values: Map<string, Value>,
): Verdict | undefined {
  if (!Array.isArray(value)) return { reason: 'WRONG_TYPE', field: path };
  const elements: Value[] = [];
  for (const [index, element] of (value as unknown[]).entries()) {
    const field = `${path}[${index}]`;
    if (element === null && !type.containsNull) return { reason: 'MISSING_FIELD', field };
    const read = element === null ? { value: null } : readValue(element, type.element);
    if (typeof read === 'string') return { reason: read, field };
    elements.push(read.value);
  }
  values.set(path, elements);
  return undefined;
}

type Read = { readonly value: Value } | 'WRONG_TYPE' | 'OUT_OF_RANGE';

function readValue(value: unknown, type: PrimitiveType): Read {
  switch (type.kind) {
    case 'string':
      if (typeof value !== 'string') return 'WRONG_TYPE';
      return value.isWellFormed() && !value.includes('\0') ? { value } : 'OUT_OF_RANGE';
    case 'boolean':
      return typeof value === 'boolean' ? { value } : 'WRONG_TYPE';
    case 'int':
    case 'long': {
      if (!(value instanceof NumberText)) return 'WRONG_TYPE';
      const scaled = scaleText(value.text, 20, 0);
      return scaled !== undefined && BigInt.asIntN(type.kind === 'int' ? 32 : 64, scaled) === scaled
        ? { value: scaled }
        : 'OUT_OF_RANGE';
    }
    case 'double': {
      if (!(value instanceof NumberText)) return 'WRONG_TYPE';
      const double = JSON.parse(value.text) as number;
      // Equal by value: -0 is 0.
      return Number.isFinite(double) ? { value: double === 0 ? 0 : double } : 'OUT_OF_RANGE';
    }
    case 'decimal': {
      if (!(value instanceof NumberText)) return 'WRONG_TYPE';
      const scaled = scaleText(value.text, type.precision, type.scale);
      return scaled === undefined ? 'OUT_OF_RANGE' : { value: scaled };
    }
    case 'timestamp':
      return typeof value === 'string' ? readTimestamp(value) : 'WRONG_TYPE';
    case 'date': {
      if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return 'WRONG_TYPE';
      const date = new Date(`${value}T00:00:00Z`);
      // A date that JavaScript would carry over to another one is no date.
      const real = !Number.isNaN(date.getTime()) && date.toISOString().startsWith(value);
      return real && date.getUTCFullYear() > 0
        ? { value: BigInt(date.getTime() / 86_400_000) }
        : 'OUT_OF_RANGE';
    }
  }
}

/** A JSON number times 10^scale, undefined where that is no integer of at most `precision` digits. */
export function scaleText(text: string, precision: number, scale: number): bigint | undefined {
  const [, sign = '', whole = '', decimals = '', exponentText = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const mantissa = BigInt(`${sign}${whole}${decimals}`);
  if (mantissa === 0n) return 0n;
  const shift = BigInt(exponentText) - BigInt(decimals.length) + BigInt(scale);
  if (shift > 100n || shift < -BigInt(text.length)) return undefined;
  const factor = 10n ** (shift < 0n ? -shift : shift);
  if (shift < 0n && mantissa % factor !== 0n) return undefined;
  const scaled = shift < 0n ? mantissa / factor : mantissa * factor;
  const limit = 10n ** BigInt(precision);
  return scaled < limit && scaled > -limit ? scaled : undefined;
}

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

export function readTimestamp(text: string): { value: bigint } | 'WRONG_TYPE' | 'OUT_OF_RANGE' {
  const match = RFC_3339.exec(text);
  if (match === null) return 'WRONG_TYPE';
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  // A date that JavaScript would carry over to another one is no date. It takes years below 100 for 1900 and later.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const carried =
    date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day;
  const [offsetHours, offsetMinutes] = [Number(match[9] ?? 0), Number(match[10] ?? 0)];
  if (carried || hour > 23 || minute > 59 || second > 59 || offsetHours > 23 || offsetMinutes > 59)
    return 'OUT_OF_RANGE';
  const offset = (offsetHours * 60 + offsetMinutes) * (match[8] === '-' ? -1 : 1);
  const seconds = date.getTime() / 1000 + hour * 3600 + (minute - offset) * 60 + second;
  const value = BigInt(seconds) * 1_000_000n + BigInt((match[7] ?? '').slice(0, 6).padEnd(6, '0'));
  const early = value < BigInt(Date.UTC(1700, 0, 1)) * 1000n;
  return early || value >= BigInt(Date.UTC(10000, 0, 1)) * 1000n ? 'OUT_OF_RANGE' : { value };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberText)
  );
}

function problem(reason: Reason, field: string | null): Judgement {
  return { kind: 'problem', verdict: { reason, field } };
}
