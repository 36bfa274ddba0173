// Reads the statements of an emitted .d.ts file, and the members of a class or interface in it. TypeScript 7 has no API
// that a documentation tool could use yet; what its emitter writes is regular enough to be read with a scanner.

/**
 * A statement or member with the text of its docstring, comments within it left out.
 * @typedef {{ doc: string, text: string }} Statement
 */

/**
 * @typedef {Statement & { kind: string, name: string }} Declaration
 */

const DECLARATION =
  /^(?:export )?(?:declare )?(?:abstract )?(class|interface|type|const|function) ([A-Za-z_$][\w$]*)/;
const WITH_BODY = /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface) /;

/**
 * The declarations of a file; one a name and overload.
 * @param {string} source
 * @returns {readonly Declaration[]}
 */
export function declarationsOf(source) {
  return statementsOf(source).flatMap((statement) => {
    const [, kind, name] = DECLARATION.exec(statement.text) ?? [];
    return kind === undefined || name === undefined ? [] : [{ ...statement, kind, name }];
  });
}

/**
 * What a class or interface has, and its first line without the body.
 * @param {Declaration} declaration
 * @returns {{ head: string, members: readonly Statement[] }}
 */
export function bodyOf({ text }) {
  const start = text.indexOf('{\n') < 0 ? text.indexOf('{') : text.indexOf('{\n');
  return { head: text.slice(0, start).trim(), members: statementsOf(text.slice(start + 1, -1)) };
}

/**
 * @param {string} source
 * @returns {readonly Statement[]}
 */
function statementsOf(source) {
  /** @type {Statement[]} */
  const statements = [];
  let doc = '';
  let text = '';
  let depth = 0;
  for (const [token] of source.matchAll(TOKEN)) {
    if (token.startsWith('/*')) {
      // A docstring within a statement belongs to a member, which is read when its class is.
      if (depth > 0) text += token;
      else if (token.startsWith('/**')) doc = plainDoc(token);
      continue;
    }
    if ('([{'.includes(token)) depth += 1;
    if (')]}'.includes(token)) depth -= 1;
    text += token;
    const isEnd = depth === 0 && (token === ';' || (token === '}' && WITH_BODY.test(text.trimStart())));
    if (!isEnd) continue;
    statements.push({ doc, text: text.trim() });
    doc = '';
    text = '';
  }
  return statements;
}

/** Comments and strings whole, everything else a character at a time. */
const TOKEN = /\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`|[\s\S]/g;

/**
 * The text of a docstring as Markdown.
 * @param {string} comment
 */
function plainDoc(comment) {
  return comment
    .slice(3, -2)
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trimEnd())
    .join('\n')
    .trim()
    .replace(/\{@link\s+([^}]+)\}/g, '`$1`')
    .replace(/@throws\s+/g, 'Throws ');
}
