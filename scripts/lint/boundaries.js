// Who may import whom (docs/explanation/architecture.md has the picture). A rule carries the sentence that tells the one who broke
// it what to do instead; the first rule that matches speaks.

/** The folders that implement contracts, in alphabetical order. */
const IMPLEMENTATIONS = ['checkpoint', 'log', 'observe', 'page', 'producer', 'sinks', 'spark'];
/** The places that put implementations together. */
const ROOTS = ['app/compose', 'compose'];
const PURE_FILES = ['src/engine/protocol.ts'];

/**
 * A part is a folder of src, a folder or file of src/app (such as `app/cli`), or a file of src itself without its
 * extension. The name `app` stands for all parts of src/app.
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
    instead:
      'Everything imports errors.ts, so it imports nothing: pass what it needs to the error as a value.',
  },
  {
    from: ['columns'],
    notTo: ['errors'],
    instead: 'Columns know only errors: move what both need into src/columns, or pass it in as a value.',
  },
  {
    from: ['values'],
    notTo: ['errors'],
    instead:
      'src/values reads texts such as `10 seconds` for everybody: pass in what it should know of an option, a key or a column.',
  },
  {
    from: ['options'],
    notTo: ['errors', 'columns', 'values'],
    instead:
      'src/options says what can be set, and opens nothing: return a value, and let src/compose make the thing from it.',
  },
  {
    from: ['plan'],
    notTo: ['errors', 'columns', 'values'],
    instead:
      'A plan is frozen data over columns: put the data into src/plan and leave acting on it to the engine.',
  },
  {
    from: ['contracts'],
    notTo: ['errors', 'columns', 'plan'],
    instead:
      'A contract names no implementation: declare the type that the contract needs here, and let the other side use it.',
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
    from: ['sqlite'],
    notTo: ['errors', 'contracts'],
    instead:
      'src/sqlite is the thin layer over node:sqlite that several parts share: pass in what it should say or do, and keep the part’s own tables in the part.',
  },
  {
    from: ['app/config'],
    to: ['app/cli', 'app/compose', 'app/purchases'],
    instead:
      'The configuration is read before anything is made from it: return a value, and let the command act on it.',
  },
  {
    from: ['app/purchases'],
    to: ['app/cli', 'app/compose', 'app/config'],
    instead: 'Purchases know no command and no configuration file: take the value as a parameter.',
  },
  {
    notFrom: ['app/cli'],
    to: ['app/cli'],
    instead: 'Nothing depends on the command line: move what both need into the part that it is about.',
  },
  {
    notFrom: ['app'],
    to: ['app'],
    instead:
      'The library knows nothing of purchases, YAML, flags or the environment: take a schema, a rule, an option or a function as a parameter, and let src/app pass its own.',
  },
  {
    from: ['engine'],
    to: IMPLEMENTATIONS,
    instead:
      'The engine knows contracts, never an implementation: take it as a parameter with a type from src/contracts, and let src/compose pass it in.',
  },
  {
    from: ['engine'],
    to: ['compose', 'sqlite', 'stream'],
    instead: 'These use the engine, not the other way round: take the value as a parameter.',
  },
  {
    from: IMPLEMENTATIONS,
    to: IMPLEMENTATIONS,
    instead:
      'Implementations do not know each other: use a type in src/contracts, and let src/compose join the two.',
  },
  {
    // index.ts makes nothing. It exports the sinks' helpers that a user's handler calls.
    notFrom: [...ROOTS, 'app/cli', 'app/purchases', 'index'],
    to: IMPLEMENTATIONS,
    instead:
      'Only src/compose and src/app/compose.ts name implementations: use the contract in src/contracts, and let src/compose make the thing.',
  },
  {
    // The generator of purchases paces and seeds its events with the producer's tools.
    from: ['app/cli', 'app/purchases'],
    to: IMPLEMENTATIONS.filter((part) => part !== 'producer'),
    instead:
      'A command names no implementation: add a function to src/app/compose.ts that makes the thing, and call it.',
  },
  {
    notFrom: ['index', 'app', 'testing'],
    to: ['compose'],
    instead: 'Only index.ts and src/app use src/compose: take what it would make for you as a parameter.',
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
    (rule.from === undefined || names(rule.from, from)) &&
    !names(rule.notFrom, from) &&
    (rule.to === undefined || names(rule.to, to)) &&
    !names(rule.notTo, to)
  );
}

/**
 * @param {readonly string[] | undefined} parts
 * @param {string} part
 */
function names(parts, part) {
  return parts !== undefined && (parts.includes(part) || (part.startsWith('app/') && parts.includes('app')));
}

/** @param {string} path */
function partOf(path) {
  return /^src\/((?:app\/)?[^/]+?)(?:\.[cm]?[jt]s)?(?:\/|$)/.exec(path)?.[1];
}
