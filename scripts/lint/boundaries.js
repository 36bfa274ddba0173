// Who may import whom (docs/architecture.md has the picture). A rule carries the sentence that tells the one who broke
// it what to do instead; the first rule that matches speaks.

/** The folders that implement contracts, in alphabetical order. */
const IMPLEMENTATIONS = ['checkpoint', 'log', 'observe', 'sinks', 'spark', 'web'];
const ROOTS = ['compose', 'worker'];
const APPLICATION = ['cli', 'purchases'];
const PURE_FILES = ['src/engine/protocol.ts'];

/**
 * A part is a folder of src, or one of the files that lie in src itself, without its extension.
 * @typedef {{
 *   from?: readonly string[],
 *   notFrom?: readonly string[],
 *   to?: readonly string[],
 *   notTo?: readonly string[],
 *   instead: string,
 * }} Rule
 */

/** @type {readonly Rule[]} */
const RULES = [
  {
    from: ['errors'],
    instead: 'errors.ts is the ground that everything stands on: pass what it needs to the error as a value.',
  },
  {
    from: ['columns'],
    notTo: ['errors'],
    instead: 'Columns know only errors: move what both need into src/columns, or pass it in as a value.',
  },
  {
    from: ['plan'],
    notTo: ['errors', 'columns'],
    instead:
      'A plan is frozen data over columns: put the data into src/plan and leave acting on it to the engine.',
  },
  {
    from: ['contracts'],
    notTo: ['errors', 'columns', 'plan'],
    instead:
      'A contract names no implementation: declare here the type that the contract needs, and let the other side use it.',
  },
  {
    notFrom: ['testing'],
    to: ['testing'],
    instead: 'src/testing is for tests, ours and the users’: move what the product needs out of it.',
  },
  {
    to: ['index'],
    instead: 'index.ts only lists what the package exports: import the file that defines the name.',
  },
  {
    from: ['operators'],
    notTo: ['errors', 'columns', 'plan', 'contracts'],
    instead: 'Operators are pure functions over batches: take what you need as a parameter.',
  },
  {
    notFrom: [...APPLICATION, 'compose'],
    to: ['purchases'],
    instead:
      'Only purchases and cli know what a purchase is: take a schema, a rule or a function as a parameter, and let src/purchases pass its own.',
  },
  {
    to: ['cli'],
    instead: 'Nothing stands on the command line: move what both need into the part that it is about.',
  },
  {
    from: ['engine'],
    to: IMPLEMENTATIONS,
    instead:
      'The engine knows contracts, never an implementation: take it as a parameter typed by src/contracts, and let src/app/compose.ts pass it in.',
  },
  {
    from: ['engine'],
    to: ['compose', 'config', 'producer', 'stream', 'worker'],
    instead: 'The engine is used by these, not the other way round: take the value as a parameter.',
  },
  {
    from: IMPLEMENTATIONS,
    to: IMPLEMENTATIONS,
    instead:
      'Implementations know no sibling: meet it through a type in src/contracts, and let src/app/compose.ts join the two.',
  },
  {
    // index.ts makes nothing: it lists the helpers of sinks that a user calls, beside those that compose.ts puts together.
    notFrom: [...ROOTS, 'index'],
    to: IMPLEMENTATIONS,
    instead:
      'Only src/app/compose.ts and src/worker.ts name implementations: use the contract in src/contracts, and let src/app/compose.ts make the thing.',
  },
  {
    notFrom: ['index', 'cli', 'testing', 'worker'],
    to: ['compose'],
    instead:
      'compose.ts stands at the top, for index and cli: take what it would make for you as a parameter.',
  },
];

/**
 * Judges one import.
 * @param {string} importer a path from the project's root with forward slashes, such as `src/engine/loop.ts`
 * @param {string} imported such a path, or the name of a package or built-in module, such as `node:fs`
 * @returns {string | undefined} what is wrong and what to do instead; undefined where the import is allowed
 */
export function judgeImport(importer, imported) {
  const from = partOf(importer);
  if (from === undefined) return undefined;
  if (imported.startsWith('node:')) {
    return from === 'operators' || PURE_FILES.includes(importer)
      ? `${importer} is pure and may not import ${imported}. Decide here from values, and do the I/O in the caller.`
      : undefined;
  }
  const to = partOf(imported);
  if (to === undefined || to === from) return undefined;
  const broken = RULES.find((rule) => matches(rule, from, to));
  return broken && `src/${from} may not import src/${to}. ${broken.instead}`;
}

/**
 * @param {Rule} rule
 * @param {string} from
 * @param {string} to
 */
function matches(rule, from, to) {
  return (
    (rule.from?.includes(from) ?? true) &&
    !rule.notFrom?.includes(from) &&
    (rule.to?.includes(to) ?? true) &&
    !rule.notTo?.includes(to)
  );
}

/** @param {string} path */
function partOf(path) {
  const part = /^src\/([^/]+?)(?:\.[cm]?[jt]s)?(?:\/|$)/.exec(path)?.[1];
  // The one place that puts implementations together is several files: compose.ts, compose-session.ts, compose-sinks.ts.
  return part?.startsWith('compose-') ? 'compose' : part;
}
