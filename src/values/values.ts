/**
 * The kinds of values that the configuration knows. Each reads the same text, wherever it stands: what can be written in
 * the file can be written in the environment and after a flag.
 */

import { closest } from './did-you-mean.ts';

export type Parsed<T> =
  | { readonly kind: 'value'; readonly value: T }
  /** Not such a value. */
  | {
      readonly kind: 'mismatch';
      readonly suggestion?: string;
      readonly note?: string;
      /** Such a value in its form, and only too small or too large. */
      readonly isOutOfRange?: true;
    }
  /** Understood, but not there yet; the note says what is. */
  | { readonly kind: 'unavailable'; readonly note: string };

export interface ValueType<T> {
  readonly kind:
    | 'string'
    | 'enum'
    | 'integer'
    | 'decimal'
    | 'boolean'
    | 'duration'
    | 'bytes'
    | 'time zone'
    | 'list'
    | 'port';
  /** What a right value is, to stand after "must be". */
  readonly expected: string;
  parse(text: string): Parsed<T>;
}

export function parsed<T>(value: T): Parsed<T> {
  return { kind: 'value', value };
}

export function mismatch(
  details: { suggestion?: string; note?: string; isOutOfRange?: true } = {},
): Parsed<never> {
  return { kind: 'mismatch', ...details };
}

/** Text that matches a pattern as a whole. */
export function text(pattern: RegExp, expected: string): ValueType<string> {
  return { kind: 'string', expected, parse: (raw) => (pattern.test(raw) ? parsed(raw) : mismatch()) };
}

/** A folder. `~` is refused, because only a shell knows what it means, and a folder called `~` helps nobody. */
export function folder(): ValueType<string> {
  return {
    kind: 'string',
    expected: 'the path of a folder',
    parse: (raw) => {
      if (raw === '' || raw.includes('\0')) return mismatch();
      if (/^~($|[/\\])/.test(raw))
        return mismatch({ note: 'Nothing expands ~ here: write the path in full.' });
      return parsed(raw);
    },
  };
}

/** A file, by the rules of {@link folder}. */
export function file(): ValueType<string> {
  return { ...folder(), expected: 'the path of a file' };
}

/** Any text that is there. */
export function anyText(): ValueType<string> {
  return text(/^[^\0]+$/, 'a text');
}

/** One of the names. `later` holds names that are understood, with what to say while they do nothing yet. */
export function oneOf<const Name extends string>(
  names: readonly Name[],
  later: Readonly<Record<string, string | undefined>> = {},
): ValueType<Name> {
  const there = names.filter((name) => later[name] === undefined);
  return {
    kind: 'enum',
    expected: there.length === 1 ? there[0]! : `one of ${there.join(', ')}`,
    parse: (raw) => {
      const name = names.find((each) => each === raw);
      if (name === undefined) {
        const suggestion = closest(raw, there);
        return mismatch(suggestion === undefined ? {} : { suggestion });
      }
      const note = later[name];
      return note === undefined ? parsed(name) : { kind: 'unavailable', note };
    },
  };
}

/** true or false, and nothing that merely looks like it. */
export function boolean(): ValueType<boolean> {
  return {
    kind: 'boolean',
    expected: 'true or false',
    parse: (raw) => {
      if (raw === 'true' || raw === 'false') return parsed(raw === 'true');
      if (/^(yes|on|1|true)$/i.test(raw)) return mismatch({ suggestion: 'true' });
      if (/^(no|off|0|false)$/i.test(raw)) return mismatch({ suggestion: 'false' });
      return mismatch();
    },
  };
}

export function integer(min: number, max: number): ValueType<number> {
  return {
    kind: 'integer',
    expected: `a whole number from ${min} to ${max}`,
    parse: (raw) => {
      const value = /^[0-9]{1,15}$/.test(raw) ? Number(raw) : Number.NaN;
      return value >= min && value <= max ? parsed(value) : mismatch();
    },
  };
}

export function decimal(min: number, max: number): ValueType<number> {
  return {
    kind: 'decimal',
    expected: `a number from ${min} to ${max}`,
    parse: (raw) => {
      const value = /^[0-9]{1,15}(\.[0-9]{1,15})?$/.test(raw) ? Number(raw) : Number.NaN;
      return value >= min && value <= max ? parsed(value) : mismatch();
    },
  };
}

/** A TCP port; 0 takes any free one. */
export function port(): ValueType<number> {
  return { ...integer(0, 65_535), kind: 'port', expected: 'a port from 0 to 65535' };
}

/** A zone by its IANA name, in that name's own spelling, whatever case it was written in. */
export function timeZone(): ValueType<string> {
  return {
    kind: 'time zone',
    expected: 'a time zone such as UTC or Europe/Berlin',
    parse: (raw) => {
      // The default; the runtime's zone data costs 15 ms of CPU to load.
      if (raw === 'UTC') return parsed(raw);
      try {
        return parsed(new Intl.DateTimeFormat('en', { timeZone: raw }).resolvedOptions().timeZone);
      } catch {
        const suggestion = closest(raw, Intl.supportedValuesOf('timeZone'));
        return mismatch(suggestion === undefined ? {} : { suggestion });
      }
    },
  };
}

/** `host:port` entries, separated by commas, or a list in the file. An IPv6 address stands in brackets. */
export function servers(): ValueType<readonly string[]> {
  return {
    kind: 'list',
    expected: 'one or more of host:port, separated by commas',
    parse: (raw) => {
      const entries = raw.split(',').map((entry) => entry.trim());
      const wrong = entries.findIndex(
        (entry) => !/^([\w.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$/.test(entry) || portOf(entry) > 65_535,
      );
      if (wrong === -1) return parsed(Object.freeze(entries));
      return mismatch(
        entries.length === 1 ? {} : { note: `Entry ${wrong + 1} of ${entries.length} is not host:port.` },
      );
    },
  };
}

function portOf(entry: string): number {
  return Number(entry.slice(entry.lastIndexOf(':') + 1));
}

/** The type, or one word beside it: `off` stands for null. */
export function orOff<T>(type: ValueType<T>): ValueType<T | null> {
  return orWord<T, null>(type, 'off', null);
}

export function orWord<T, Meaning>(
  type: ValueType<T>,
  word: string,
  meaning: Meaning,
): ValueType<T | Meaning> {
  return {
    kind: type.kind,
    expected: `${type.expected}, or ${word}`,
    parse: (raw) => (raw === word ? parsed<T | Meaning>(meaning) : type.parse(raw)),
  };
}
