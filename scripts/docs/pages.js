// Makes the pages of docs/api: a page a heading of src/index.ts, an entry an exported name, all from docstrings.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bodyOf, declarationsOf } from './declarations.js';
import { optionsPage } from './options.js';

/**
 * @typedef {{ title: string, about: string, exports: readonly { name: string, file: string }[] }} Group
 * @typedef {import('./declarations.js').Declaration} Declaration
 */

const NOTE = '<!-- Made by `npm run docs` from the docstrings. -->';
const OPTIONS_NOTE = '<!-- Made by `npm run docs` from the tables of src/options. -->';

/**
 * The pages by file name.
 * @param {{ index: string, dist: string }} options the text of src/index.ts, and the folder with the declarations
 * @returns {ReadonlyMap<string, string>}
 */
export function apiPages({ index, dist }) {
  const groups = groupsOf(index);
  const pages = groups.map((group) => /** @type {const} */ ([`${slug(group.title)}.md`, page(group, dist)]));
  const options = /** @type {const} */ (['options.md', `${OPTIONS_NOTE}\n\n${optionsPage()}`]);
  return new Map([['README.md', contents(groups)], ...pages, options]);
}

/**
 * A heading is a line `// Title: what it is about.`
 * @param {string} index
 * @returns {readonly Group[]}
 */
function groupsOf(index) {
  return index
    .split(/^\/\/ (?=[A-Z])/m)
    .slice(1)
    .map((part) => {
      const [heading = ''] = part.split('\n', 1);
      const colon = heading.indexOf(': ');
      if (colon < 0) throw new Error(`src/index.ts: the heading "${heading}" has no ": "`);
      const about = heading.slice(colon + 2);
      const exports = [...part.matchAll(/^export (?:type )?\{([^}]*)\} from '\.\/([^']+)\.ts';/gm)].flatMap(
        ([, names = '', file = '']) =>
          names
            .split(',')
            .map((name) => name.trim().replace(/^type /, ''))
            .filter((name) => name !== '')
            .map((name) => ({ name, file })),
      );
      const about_ = about.charAt(0).toUpperCase() + about.slice(1);
      return { title: heading.slice(0, colon), about: about_, exports };
    });
}

/** @param {readonly Group[]} groups */
function contents(groups) {
  const lines = groups.map(({ title, about, exports }) => {
    const values = exports.map(({ name }) => `\`${name}\``).join(', ');
    return `## [${title}](${slug(title)}.md)\n\n${about}\n\n${values}\n`;
  });
  const options =
    '## [Options](options.md)\n\nEvery option of a source, a sink and a query, with its default.\n';
  return `${NOTE}\n\n# The API\n\n${[...lines, options].join('\n')}`;
}

/**
 * @param {Group} group
 * @param {string} dist
 */
function page({ title, about, exports }, dist) {
  const entries = exports.map(({ name, file }) => {
    const all = declarationsOf(readFileSync(join(dist, `${file}.d.ts`), 'utf8'));
    const found = all.filter((declaration) => declaration.name === name);
    if (found.length === 0) throw new Error(`${file}.d.ts declares no ${name}`);
    return found.map((declaration, place) => entry(declaration, all, place)).join('\n');
  });
  return `${NOTE}\n\n# ${title}\n\n${about}\n\n${entries.join('\n')}`;
}

/**
 * @param {Declaration} declaration
 * @param {readonly Declaration[]} all those of its file
 * @param {number} place 0 for the first overload
 */
function entry(declaration, all, place) {
  const { kind, name, doc } = declaration;
  const heading = place === 0 ? `## ${name}\n\n` : '';
  const said = doc === '' ? '' : `${doc}\n\n`;
  if (kind !== 'class' && kind !== 'interface')
    return `${heading}${said}${code(signature(declaration.text))}`;
  const { head } = bodyOf(declaration);
  return `${heading}${said}${code(signature(head))}\n${membersOf(declaration, all).join('\n')}\n`;
}

/**
 * The members that a user may call, those of a base class in the same file too.
 * @param {Declaration} declaration
 * @param {readonly Declaration[]} all
 * @returns {readonly string[]}
 */
function membersOf(declaration, all) {
  const { head, members } = bodyOf(declaration);
  const baseName = / extends ([A-Za-z_$][\w$]*)/.exec(head.replace(/<.*?>/, ''))?.[1];
  const base = all.find(({ name }) => name === baseName);
  const isError = baseName === 'Error';
  const own = members
    .filter(({ text }) => !/^(?:private|protected) |^readonly \[[A-Z]+\]\?/.test(text))
    // Only a session makes the others.
    .filter(({ text }) => isError || !text.startsWith('constructor('))
    .map(
      ({ text, doc }) =>
        `- \`\`${oneLine(text)}\`\`${doc === '' ? '' : `\n\n  ${doc.replaceAll('\n', '\n  ')}\n`}`,
    );
  return [...(base === undefined ? [] : membersOf(base, all)), ...own].map((line) =>
    line.replace(/[ ]+$/gm, ''),
  );
}

/**
 * Without what every export says, and the docstrings of members.
 * @param {string} text
 */
function signature(text) {
  return text.replace(/^(?:export )?(?:declare )?/, '').replace(/\n\s*\/\*\*[\s\S]*?\*\//g, '');
}

/** @param {string} text */
function oneLine(text) {
  return signature(text)
    .replace(/\s*\/\*\*[\s\S]*?\*\//g, '')
    .replace(/\s+/g, ' ')
    .replace(/;$/, '');
}

/** @param {string} text */
function code(text) {
  return `\`\`\`ts\n${text}\n\`\`\`\n`;
}

/** @param {string} title */
function slug(title) {
  return title.toLowerCase().replace(/[^a-z]+/g, '-');
}
