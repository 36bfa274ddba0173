/** What is wrong with a file that is no YAML. The parser's own words quote the file, which may hold a secret. */
import type { ErrorCode } from 'yaml';

const SIGNS =
  'A text that begins with a sign such as ! & * | > @ % or a backtick, or that holds `: `, stands in quotes.';
const LINE = 'A line is written `name: value`, with a colon and a space.';
const INDENT =
  'This line is not indented as those that it belongs to: all keys of a section start at the same column.';
const BRACKETS =
  'A list or a section in brackets is not written as one: look for a comma, a colon or a bracket.';

const SENTENCES: Readonly<Partial<Record<ErrorCode, string>>> = {
  ALIAS_PROPS: 'An alias stands here with a tag or an anchor, and none of them is needed.',
  BAD_ALIAS: `An anchor (&) or an alias (*) is not written as one. ${SIGNS}`,
  BAD_COLLECTION_TYPE: 'A tag stands here that does not fit what follows; no tag is needed.',
  BAD_DIRECTIVE: 'A line that begins with % is an order to the parser, and this one is not known.',
  BAD_DQ_ESCAPE:
    'Between double quotes a backslash begins an escape, and this is none: write it twice, or use single quotes.',
  BAD_INDENT: INDENT,
  BAD_PROP_ORDER: 'A tag or an anchor stands at the wrong place, and none is needed.',
  BAD_SCALAR_START: `A value cannot begin with this sign. ${SIGNS}`,
  BLOCK_AS_IMPLICIT_KEY: `A second colon makes this value look like a key. ${SIGNS}`,
  BLOCK_IN_FLOW: BRACKETS,
  KEY_OVER_1024_CHARS: `A key is longer than 1024 characters. ${LINE}`,
  MULTILINE_IMPLICIT_KEY: `A key goes over more than one line. ${LINE}`,
  MULTIPLE_ANCHORS: 'More than one anchor stands here, and none is needed.',
  MULTIPLE_DOCS: 'The file holds multiple documents: take out the line of three hyphens between them.',
  MULTIPLE_TAGS: 'More than one tag stands here, and none is needed.',
  NON_STRING_KEY: `A key must be a plain name. ${LINE}`,
  RESOURCE_EXHAUSTION: 'It is nested too deeply.',
  TAB_AS_INDENT: 'Tabs are not allowed as indentation: use spaces.',
  TAG_RESOLVE_FAILED: `A tag (!) is not known here, and none is needed. ${SIGNS}`,
};

/** Where one code has several causes: what the parser's words are told by, and our own. */
const BY_WORDS: readonly (readonly [ErrorCode, RegExp, string])[] = [
  ['BAD_INDENT', /^Flow /, BRACKETS],
  ['MISSING_CHAR', /^Missing closing "/, 'The closing "quote of a text that begins above is missing.'],
  ['MISSING_CHAR', /^Missing closing '/, "The closing 'quote of a text that begins above is missing."],
  ['MISSING_CHAR', /^Implicit map keys/, `The colon of a key is missing. ${LINE}`],
  ['MISSING_CHAR', /^(?:Flow |Missing [,s])/, BRACKETS],
  ['MISSING_CHAR', /^Comments /, 'A space is missing before #, or the text with it stands in no quotes.'],
  ['UNEXPECTED_TOKEN', /^Block scalar header/, `Something stands behind | or >. ${SIGNS}`],
];

/** Whole sentences, with nothing of the file in them. */
export function describeYamlFault({ code, message }: { code: ErrorCode; message: string }): string {
  const known = BY_WORDS.find(([of, words]) => of === code && words.test(message))?.[2] ?? SENTENCES[code];
  return `This is not YAML that can be read here. ${known ?? `Something is missing, or too much, at this place. ${SIGNS}`}`;
}
