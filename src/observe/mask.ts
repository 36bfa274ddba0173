/**
 * Makes a log line's fields safe to keep: plain data of bounded size, without secrets, and without customer ids where those
 * are masked. It walks every depth, because a list of paths misses the one that no one thought of.
 */

export const MASKED = '********';

const DEPTH_MAX = 6;
const ENTRIES_MAX = 100;
const TEXT_CHARACTERS_MAX = 2000;

const SECRET_WORDS =
  'password|passwd|passphrase|secret|token|sasl|credential|authorization|cookie|api_?key|private_?key';
// Names are compared without case and punctuation: `sasl.jaas.config`, `SASL_JAAS_CONFIG` and `saslJaasConfig` are one.
const SECRET_NAME = new RegExp(SECRET_WORDS.replaceAll('_?', ''));
const CUSTOMER_NAME = /customerid|^(record|message|event)?keys?$/;

// What is masked in the middle of a sentence, such as a driver's own message `sasl.password="…"`: the word, what joins it
// to its value, and the value. A quoted value may lack its end, because long text is cut before it is masked.
const JOINT = String.raw`[\w.-]*\\*["']?\s*[=:]\s*(?:(?:Bearer|Basic)\s+)?`;
const VALUE = String.raw`(?:\\*"(?:[^"\\]|\\.)*"?|\\*'(?:[^'\\]|\\.)*'?|[^\s"',;&}]+)`;
const SECRET_TEXT = new RegExp(`((?:${SECRET_WORDS})${JOINT})${VALUE}`, 'gi');
const CUSTOMER_TEXT = new RegExp(`(customer[_-]?id${JOINT})${VALUE}`, 'gi');
/** To the last `@` before the path, since a password may hold one. */
const URL_CREDENTIALS = /(:\/\/)[^\s/]+@/g;
// What is a secret by its looks, whatever it is called: a private key, whose end may be cut off, and a token.
const PRIVATE_KEY =
  /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?:[^-]|-(?!----END))*(?:-----END [A-Z0-9 ]*-----)?/g;
const SIGNED_TOKEN = /\beyJ[\w-]{8,}\.[\w-]*(?:\.[\w-]*)?/g;
const BEARER = /\b(Bearer\s+)[\w.~+/=-]{12,}/gi;

/** The parts of our own errors, which are in their message already. */
const IN_MESSAGE: ReadonlySet<string> = new Set(['what', 'why', 'hint']);

export interface MaskOptions {
  /** Whether customer ids are masked; secrets always are. */
  readonly customerIds: boolean;
  /** Whether errors keep their stacks. */
  readonly stacks: boolean;
}

export interface Mask {
  text(text: string): string;
  /** A copy of the fields as plain JSON data. Never throws, whatever they hold. */
  fields(fields: Readonly<Record<string, unknown>>): Record<string, unknown>;
}

export function createMask(options: MaskOptions): Mask {
  const text = (raw: string): string => {
    const bounded = raw.length > TEXT_CHARACTERS_MAX ? `${raw.slice(0, TEXT_CHARACTERS_MAX)}…` : raw;
    const masked = bounded
      .replace(PRIVATE_KEY, MASKED)
      .replace(SIGNED_TOKEN, MASKED)
      .replace(SECRET_TEXT, `$1${MASKED}`)
      .replace(BEARER, `$1${MASKED}`)
      .replace(URL_CREDENTIALS, `$1${MASKED}@`);
    return options.customerIds ? masked.replace(CUSTOMER_TEXT, `$1${MASKED}`) : masked;
  };

  const isMasked = (name: string): boolean => {
    const plain = name.toLowerCase().replace(/[^a-z0-9]/g, '');
    return SECRET_NAME.test(plain) || (options.customerIds && CUSTOMER_NAME.test(plain));
  };

  const entries = (pairs: Iterable<readonly [unknown, unknown]>, depth: number): Record<string, unknown> => {
    // A null prototype, so that a field called `__proto__` is a field and nothing else.
    const copy = Object.create(null) as Record<string, unknown>;
    let count = 0;
    for (const [key, value] of pairs) {
      if (count++ === ENTRIES_MAX) {
        copy['…'] = `more than ${ENTRIES_MAX} entries`;
        break;
      }
      const name = String(key);
      if (value !== undefined) copy[text(name)] = isMasked(name) ? MASKED : walk(value, depth + 1);
    }
    return copy;
  };

  const list = (items: Iterable<unknown>, depth: number): unknown[] => {
    const copy: unknown[] = [];
    for (const item of items) {
      if (copy.length === ENTRIES_MAX) return [...copy, `more than ${ENTRIES_MAX} entries`];
      copy.push(walk(item, depth + 1));
    }
    return copy;
  };

  const error = (thrown: Error, depth: number): Record<string, unknown> => {
    const { name, message, cause } = thrown;
    const errors = thrown instanceof AggregateError ? thrown.errors : undefined;
    const stack = options.stacks ? thrown.stack?.match(/^ +at .*$/gm)?.map((line) => line.trim()) : undefined;
    const own = Object.entries(thrown).filter(([field]) => !IN_MESSAGE.has(field));
    const fields = { name, message, ...Object.fromEntries(own), cause, errors, stack };
    return entries(Object.entries(fields), depth);
  };

  const object = (value: object, depth: number): unknown => {
    // The bytes of an event are never logged: they are the customer's, and the log of events already has them.
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `<${value.byteLength} bytes>`;
    if (depth >= DEPTH_MAX) return '<nested too deeply>';
    if (value instanceof Error) return error(value, depth);
    if (value instanceof Map) return entries(value as Map<unknown, unknown>, depth);
    if (Array.isArray(value) || value instanceof Set) return list(value as Iterable<unknown>, depth);
    if ('toJSON' in value && typeof value.toJSON === 'function') return walk(value.toJSON(), depth + 1);
    return entries(Object.entries(value), depth);
  };

  const walk = (value: unknown, depth: number): unknown => {
    if (typeof value === 'string') return text(value);
    if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
    if (value === null || typeof value === 'boolean') return value;
    if (typeof value === 'bigint' || typeof value === 'symbol') return text(value.toString());
    if (typeof value !== 'object') return `<${typeof value}>`;
    try {
      return object(value, depth);
    } catch {
      // A getter or a toJSON of someone else's threw; a log line must not be what ends the process.
      return '<unreadable>';
    }
  };

  return { text, fields: (fields) => asFields(walk(fields, 0)) };
}

function asFields(walked: unknown): Record<string, unknown> {
  return typeof walked === 'object' && walked !== null
    ? (walked as Record<string, unknown>)
    : { fields: walked };
}
