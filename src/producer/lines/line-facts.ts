/** What the producer reads out of a line to deliver it well. The line itself is carried as it is, good or bad. */
export interface LineFacts {
  /** The record's key; null if the line has none that can be read. */
  readonly key: Uint8Array | null;
  /** Epoch milliseconds; undefined if the line has no time that can be read. */
  readonly timestampMs: number | undefined;
}

/** Top-level fields of a line's object, by name. */
export interface LineFields {
  readonly keyField: string;
  readonly timestampField: string;
}

const NOTHING: LineFacts = Object.freeze({ key: null, timestampMs: undefined });
/** A time without a zone means nothing here, and Date.parse would take the machine's zone. */
const ZONED_TIME = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;
const keyEncoder = new TextEncoder();
/** A longer key field is no key: the log bounds keys, and a bad line must not keep the others out. In UTF-16 units. */
const KEY_LENGTH_MAX = 4096;

/** Never throws: whether a line is right is the query's question, and not the producer's. */
export function readLineFacts(bytes: Uint8Array, fields: LineFields): LineFacts {
  const object = parseObject(bytes);
  if (object === undefined) return NOTHING;
  const key = ownField(object, fields.keyField);
  const time = ownField(object, fields.timestampField);
  return {
    key: typeof key === 'string' && key.length <= KEY_LENGTH_MAX ? keyEncoder.encode(key) : null,
    timestampMs: typeof time === 'string' ? parseTime(time) : undefined,
  };
}

function parseObject(bytes: Uint8Array): object | undefined {
  try {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function ownField(object: object, name: string): unknown {
  return Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined;
}

function parseTime(text: string): number | undefined {
  if (!ZONED_TIME.test(text)) return undefined;
  const timeMs = Date.parse(text.toUpperCase().replace(' ', 'T'));
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
