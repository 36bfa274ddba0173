import { escapeForTerminal } from '../columns/format/escape.ts';
import { TallystreamError } from '../errors.ts';
import type { Key } from '../values/key.ts';
import { looksLikeSecret, looksMade, SECRET_CHARACTERS_MIN } from '../values/secrets.ts';
import type { Parsed } from '../values/values.ts';

/** More would push the first, which is likely the cause of the others, off the screen. */
const SHOWN_MAX = 20;
const QUOTED_CHARACTERS_MAX = 60;
/** Longer than any existing name. */
export const NAME_CHARACTERS_MAX = 60;

/** A problem of the configuration: a value instead of an exception, so that all of them are reported at once. */
export interface ConfigProblem {
  /** `config/config.yaml:12:3`, `environment TALLYSTREAM_…`, `--flag` or `-X kafka.name`. */
  readonly where: string;
  /** What is wrong, why, and what is valid, in whole sentences. */
  readonly what: string;
}

type Mismatch = Extract<Parsed<unknown>, { kind: 'mismatch' }>;

/**
 * The message for a value that its key does not accept.
 * @param isNearSecrets whether it may be a password by mistake, because the key of a password is next to this one
 */
export function describeMismatch(
  key: Pick<Key<unknown>, 'type' | 'secret'> & { readonly path: string },
  text: string,
  parsed: Mismatch | Extract<Parsed<unknown>, { kind: 'unavailable' }>,
  isNearSecrets: boolean,
): string {
  if (parsed.kind === 'unavailable') return `${key.path} cannot be ${text} yet. ${parsed.note}`;
  const actual = key.secret ? 'something else' : describeActual(text, parsed, isNearSecrets);
  const sentences = [`${key.path} must be ${key.type.expected}, but is ${actual}.`];
  if (parsed.note !== undefined) sentences.push(parsed.note);
  if (parsed.suggestion !== undefined) sentences.push(`Did you mean ${parsed.suggestion}?`);
  return sentences.join(' ');
}

/** The value itself only if it is not a secret: it is close to a valid one, too short, or its key is not near secrets. */
function describeActual(
  text: string,
  { suggestion, isOutOfRange }: Mismatch,
  isNearSecrets: boolean,
): string {
  const isNumber = /^[0-9]+$/.test(text);
  const isNear = suggestion !== undefined || (isOutOfRange === true && !isNumber);
  const isShown = isNear || text.length < SECRET_CHARACTERS_MIN || !(isNearSecrets || looksLikeSecret(text));
  if (isShown) return quote(text);
  return isNumber ? `a number of ${text.length} digits` : `a text of ${text.length} characters`;
}

/**
 * A name from outside, such as an unknown key. It is cut at the first character that cannot be part of a name, since a value
 * without its space may follow (`sasl_password:…`). It is left out if it does not look like a name.
 * @param suggestion a similar name, if there is one
 */
export function quoteName(name: string, suggestion?: string): string {
  const start = nameStart(name);
  if (suggestion === undefined && looksMade(start)) return '"…"';
  const bounded = start.slice(0, NAME_CHARACTERS_MAX);
  return `"${bounded}${bounded === name ? '' : '…'}"`;
}

/** The characters that a name may have, from its start. */
export function nameStart(name: string): string {
  return /^[\w.-]*/.exec(name)![0];
}

/** Text from outside, made safe for a message: bounded, in quotes, and without effect on a terminal. */
function quote(text: string): string {
  const bounded = text.length > QUOTED_CHARACTERS_MAX ? `${text.slice(0, QUOTED_CHARACTERS_MAX)}…` : text;
  return `"${escapeForTerminal(bounded)}"`;
}

export function didYouMean(suggestion: string | undefined): string {
  return suggestion === undefined ? '' : ` Did you mean ${suggestion}?`;
}

/**
 * All problems as one error, one per line.
 * @param subject what has them, with its verb
 */
export function configInvalid(
  problems: readonly ConfigProblem[],
  subject = 'The configuration has',
): TallystreamError {
  const lines = problems.slice(0, SHOWN_MAX).map(({ where, what }) => `${escapeForTerminal(where)}: ${what}`);
  if (problems.length > SHOWN_MAX) lines.push(`… and ${problems.length - SHOWN_MAX} more.`);
  const what =
    problems.length === 1 ? lines[0]! : [`${subject} ${problems.length} problems:`, ...lines].join('\n  ');
  return new TallystreamError('CONFIG_INVALID', { what });
}
