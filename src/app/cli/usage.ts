/** Quotes the command line in messages without repeating a password. */
import { escapeForTerminal } from '../../columns/format/escape.ts';
import { looksMade, shownWord } from '../../values/secrets.ts';

/** Longer than any existing flag. */
const FLAG_CHARACTERS_MAX = 40;

/**
 * The message of the command-line parser, without the values that it quotes: `--sasl-password=…` ends before its value,
 * `-p…` after its letter, and surplus words are only counted.
 */
export function describeUsageFault(text: string): string {
  return text
    .replace(/^error: /, '')
    .replace(
      /^(unknown option ')([^]*)('(?:\n\(Did you mean [^\n]*\))?\n?)$/,
      (_, before: string, flag: string, after: string) => before + shownFlag(flag) + after,
    )
    .replace(/^(too many arguments[^:]* but got \d+): [^]*$/, '$1.\n')
    .replace(
      /^((?:unknown command|option '[^']*' argument) ')([^]*)(' is invalid\. [^']*|'(?:\n\(Did you mean [^\n]*\))?\n?)$/,
      (_, before: string, word: string, after: string) => before + escapeForTerminal(shownWord(word)) + after,
    );
}

function shownFlag(flag: string): string {
  const name = /^(?:--[\w.-]*|-\w?)/.exec(flag)?.[0] ?? '';
  return looksMade(name) ? '--…' : name.slice(0, FLAG_CHARACTERS_MAX);
}
