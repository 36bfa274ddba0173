/** What is wrong with a file that is not valid YAML. The parser's own messages quote the file, which may hold a secret. */
import type { ErrorCode } from 'yaml';

const SIGNS =
  'Put a text in quotes if it begins with a character such as ! & * | > @ % or a backtick, or if it contains `: `.';
const LINE = 'Write a line as `name: value`, with a colon and a space.';
const INDENT =
  'This line is not indented like the others of its section: all keys of a section start at the same column.';
const BRACKETS =
  'A list or a section in brackets is malformed: look for a missing or extra comma, colon or bracket.';

const SENTENCES: Readonly<Partial<Record<ErrorCode, string>>> = {
  ALIAS_PROPS: 'An alias has a tag or an anchor here. None of them is needed.',
  BAD_ALIAS: `An anchor (&) or an alias (*) is malformed. ${SIGNS}`,
  BAD_COLLECTION_TYPE: 'This tag does not match what follows. No tag is needed.',
  BAD_DIRECTIVE: 'A line that begins with % is a directive, and this directive is unknown.',
  BAD_DQ_ESCAPE:
    'In double quotes a backslash begins an escape sequence, and this one is invalid: write the backslash twice, or use single quotes.',
  BAD_INDENT: INDENT,
  BAD_PROP_ORDER: 'A tag or an anchor is in the wrong place. None is needed.',
  BAD_SCALAR_START: `A value cannot begin with this character. ${SIGNS}`,
  BLOCK_AS_IMPLICIT_KEY: `A second colon makes this value look like a key. ${SIGNS}`,
  BLOCK_IN_FLOW: BRACKETS,
  KEY_OVER_1024_CHARS: `A key is longer than 1024 characters. ${LINE}`,
  MULTILINE_IMPLICIT_KEY: `A key takes more than one line. ${LINE}`,
  MULTIPLE_ANCHORS: 'There is more than one anchor here. None is needed.',
  MULTIPLE_DOCS: 'The file contains more than one document: remove the line of three hyphens between them.',
  MULTIPLE_TAGS: 'There is more than one tag here. None is needed.',
  NON_STRING_KEY: `A key must be a plain name. ${LINE}`,
  RESOURCE_EXHAUSTION: 'It is nested too deeply.',
  TAB_AS_INDENT: 'Tabs are not allowed as indentation: use spaces.',
  TAG_RESOLVE_FAILED: `This tag (!) is unknown. No tag is needed. ${SIGNS}`,
};

/** For a code with several causes: a pattern that recognises the parser's message, and our own message. */
const BY_WORDS: readonly (readonly [ErrorCode, RegExp, string])[] = [
  ['BAD_INDENT', /^Flow /, BRACKETS],
  ['MISSING_CHAR', /^Missing closing "/, 'The closing "quote of a text that begins above is missing.'],
  ['MISSING_CHAR', /^Missing closing '/, "The closing 'quote of a text that begins above is missing."],
  ['MISSING_CHAR', /^Implicit map keys/, `The colon of a key is missing. ${LINE}`],
  ['MISSING_CHAR', /^(?:Flow |Missing [,s])/, BRACKETS],
  ['MISSING_CHAR', /^Comments /, 'Put a space before #, or put the text that contains it in quotes.'],
  ['UNEXPECTED_TOKEN', /^Block scalar header/, `There is unexpected text after | or >. ${SIGNS}`],
];

/** Whole sentences that quote nothing from the file. */
export function describeYamlFault({ code, message }: { code: ErrorCode; message: string }): string {
  const known = BY_WORDS.find(([of, words]) => of === code && words.test(message))?.[2] ?? SENTENCES[code];
  return `The file is not valid YAML here. ${known ?? `Something is missing or not allowed at this position. ${SIGNS}`}`;
}
