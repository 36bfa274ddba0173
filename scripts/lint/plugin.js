// The project's own rules for oxlint, so that an editor shows them where it shows all others.
import { posix } from 'node:path';
import { judgeImport } from './boundaries.js';

const CLOCK_FILE = 'src/observe/system-clock.ts';

/**
 * The few parts of ESLint's interface that the rules use.
 * @typedef {{ type: string, name?: string, value?: unknown, [key: string]: any }} Node
 * @typedef {{ filename: string, report(problem: { node: Node, message: string }): void }} Context
 */

const boundaries = {
  /** @param {Context} context */
  create(context) {
    const importer = projectPath(context.filename);
    /** @param {Node | null | undefined} source */
    const check = (source) => {
      if (importer === undefined || typeof source?.value !== 'string') return;
      const imported = source.value.startsWith('.')
        ? posix.join(posix.dirname(importer), source.value)
        : source.value;
      const message = judgeImport(importer, imported);
      if (message !== undefined) context.report({ node: source, message });
    };
    /** @param {Node} node */
    const checkSource = (node) => check(node.source);
    return {
      ImportDeclaration: checkSource,
      ExportNamedDeclaration: checkSource,
      ExportAllDeclaration: checkSource,
      ImportExpression: checkSource,
      /** @param {Node} node */
      TSImportType: (node) => check(node.source ?? node.argument?.literal),
    };
  },
};

const noAmbientTime = {
  /** @param {Context} context */
  create(context) {
    const path = projectPath(context.filename);
    if (path === undefined || path === CLOCK_FILE) return {};
    /** @param {Node} node @param {string} what */
    const refuseTime = (node, what) =>
      context.report({
        node,
        message: `${what} makes a replay differ from the first run. Take a clock: Clock as a parameter; only ${CLOCK_FILE} reads the time.`,
      });
    return {
      /** @param {Node} node */
      MemberExpression(node) {
        if (isMember(node, 'Date', 'now')) refuseTime(node, 'Date.now');
        if (isMember(node, 'Math', 'random')) {
          context.report({
            node,
            message: 'Math.random cannot be repeated. Take a seeded generator as a parameter.',
          });
        }
      },
      /** @param {Node} node */
      NewExpression(node) {
        if (node.callee.name === 'Date' && node.arguments.length === 0) refuseTime(node, 'new Date()');
      },
      /** @param {Node} node */
      CallExpression(node) {
        if (node.callee.name === 'Date') refuseTime(node, 'Date()');
      },
    };
  },
};

export default {
  meta: { name: 'tallystream' },
  rules: { boundaries, 'no-ambient-time': noAmbientTime },
};

/**
 * @param {Node} node
 * @param {string} object
 * @param {string} property
 */
function isMember(node, object, property) {
  return node.object.name === object && (node.property.name === property || node.property.value === property);
}

/**
 * The part of a path from `src/` on, with forward slashes; undefined for files that lie elsewhere.
 * @param {string} filename
 */
function projectPath(filename) {
  const path = filename.replaceAll('\\', '/');
  const start = path.lastIndexOf('/src/');
  return start === -1 ? undefined : path.slice(start + 1);
}
