/** Globs for the names of files, as Hadoop's file systems (and so Spark's `pathGlobFilter`) read them. */
import { TallystreamError } from '../../errors.ts';

/** Nobody needs longer globs, and each star makes matching slower. */
const GLOB_CHARACTERS_MAX = 1000;

/** Whether the text has any character that means more than itself in a glob. */
export function isNameGlob(text: string): boolean {
  return /[*?[{\\]/.test(text);
}

/**
 * `*` any characters, `?` one, `[abc]` and `[a-z]` one of them, `[^a]` one other, `{a,b}` either, `\` takes the meaning from
 * what follows. A glob is for a whole name.
 * @throws CONFIG_INVALID for one that is not closed, has a slash, or is too long
 */
export function nameGlob(glob: string): (name: string) => boolean {
  const pattern = new RegExp(`^${patternOf(glob)}$`, 'su');
  return (name) => pattern.test(name);
}

function patternOf(glob: string): string {
  if (glob.length > GLOB_CHARACTERS_MAX || glob.includes('/')) {
    throw invalid(
      glob,
      'It matches names within one folder, so it must not contain a slash. It may have at most 1,000 characters.',
    );
  }
  let pattern = '';
  let braces = 0;
  for (let at = 0; at < glob.length; at += 1) {
    const character = glob[at] as string;
    if (character === '*') pattern += '.*';
    else if (character === '?') pattern += '.';
    else if (character === '{') {
      braces += 1;
      pattern += '(?:';
    } else if (character === '}' && braces > 0) {
      braces -= 1;
      pattern += ')';
    } else if (character === ',' && braces > 0) pattern += '|';
    else if (character === '[') {
      const end = glob.indexOf(']', at + 2);
      if (end === -1) throw invalid(glob, 'A [ is not closed.');
      pattern += setOf(glob, glob.slice(at + 1, end));
      at = end;
    } else if (character === '\\') {
      at += 1;
      if (at === glob.length) throw invalid(glob, 'Nothing follows its last \\.');
      pattern += escaped(glob[at] as string);
    } else pattern += escaped(character);
  }
  if (braces > 0) throw invalid(glob, 'A { is not closed.');
  // Two stars match what one does, and take far longer to find that nothing does.
  return pattern.replaceAll(/(?:\.\*)+/g, '.*');
}

function setOf(glob: string, inner: string): string {
  const negated = inner.startsWith('^') || inner.startsWith('!');
  const characters = (negated ? inner.slice(1) : inner).replaceAll(/[\\\]^[]/g, String.raw`\$&`);
  const set = `[${negated ? '^' : ''}${characters}]`;
  try {
    void new RegExp(set, 'u');
  } catch {
    throw invalid(glob, `[${inner}] is not a set of characters.`);
  }
  return set;
}

function escaped(character: string): string {
  return character.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
}

function invalid(glob: string, why: string): TallystreamError {
  return new TallystreamError('CONFIG_INVALID', {
    what: `${JSON.stringify(glob.slice(0, 100))} is not a valid glob for file names.`,
    why,
    hint: 'Use a glob such as *.ndjson, events-[0-9]*.jsonl or *.{ndjson,jsonl}.',
  });
}
