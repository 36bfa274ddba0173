import { escapeForTerminal } from '../columns/escape.ts';
import { TallystreamError } from '../errors.ts';
import type { ListedKey } from './key-list.ts';
import type { Parsed } from './values.ts';

/** More would push the first, which is likely the cause of the others, off the screen. */
const SHOWN_MAX = 20;
const QUOTED_CHARACTERS_MAX = 60;

/** Something wrong with the configuration: a value and not a throw, so that all of them are reported at once. */
export interface ConfigProblem {
  /** `config/config.yaml:12:3`, `environment TALLYSTREAM_…` or `--flag`. */
  readonly where: string;
  /** What is wrong, why, and what would be right, in whole sentences. */
  readonly what: string;
}

/** What to say about a value that its key does not take. */
export function describeMismatch(
  key: ListedKey,
  text: string,
  parsed: Exclude<Parsed<unknown>, { kind: 'value' }>,
): string {
  if (parsed.kind === 'unavailable') return `${key.path} cannot be ${text} yet. ${parsed.note}`;
  const actual = key.secret ? 'something else' : quote(text);
  const sentences = [`${key.path} must be ${key.type.expected}, and is ${actual}.`];
  if (parsed.note !== undefined) sentences.push(parsed.note);
  if (parsed.suggestion !== undefined) sentences.push(`Did you mean ${parsed.suggestion}?`);
  return sentences.join(' ');
}

/** Text from outside, fit to stand in a message: bounded, in quotes, and unable to act on a terminal. */
export function quote(text: string): string {
  const bounded = text.length > QUOTED_CHARACTERS_MAX ? `${text.slice(0, QUOTED_CHARACTERS_MAX)}…` : text;
  return `"${escapeForTerminal(bounded)}"`;
}

export function didYouMean(suggestion: string | undefined): string {
  return suggestion === undefined ? '' : ` Did you mean ${suggestion}?`;
}

/** All problems as one error, a line each. */
export function configInvalid(problems: readonly ConfigProblem[]): TallystreamError {
  const lines = problems.slice(0, SHOWN_MAX).map(({ where, what }) => `${escapeForTerminal(where)}: ${what}`);
  if (problems.length > SHOWN_MAX) lines.push(`… and ${problems.length - SHOWN_MAX} more.`);
  const what =
    problems.length === 1
      ? lines[0]!
      : [`The configuration has ${problems.length} problems:`, ...lines].join('\n  ');
  return new TallystreamError('CONFIG_INVALID', { what });
}
