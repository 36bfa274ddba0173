/** What a user has after `npm install`: the names, the types, the examples, the example of the README, and the pages. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { apiPages } from '../../scripts/docs/pages.js';
import { installPackage, ROOT, type Consumer } from './consumer.ts';

const EXAMPLES = ['customer-sessions', 'sales-by-category', 'suspicious-orders'];

/** Every name that there is at run time; a change here is a change of the API. */
const NAMES = `
  Frame InvariantError TallystreamError createSession onceInPostgres onceInSqlite
  optional required schema types toDdl describeSchema schemaMarkdown
  col lit decimal when coalesce concat upper lower trim length substring
  not toDate year month day hour size arrayContains explainExpr window sessionWindow asc desc
  count sum avg min max first last approxCountDistinct`;

const PLAIN_USER = `
import { count, createSession, required, schema, sum, types } from 'tallystream';
const SALE = schema([required('shop', types.string(), ''), required('amount', types.decimal(9, 2), '')]);
const session = createSession({ dataDir: 'plain' });
const sales = session.memoryStream(SALE);
await sales.addData([{ shop: 'x', amount: '0.10' }, { shop: 'x', amount: '0.20' }]);
const query = await session.readStream.format('memory', sales).load(SALE)
  .groupBy('shop').agg({ sales: count(), total: sum('amount') })
  .writeStream.queryName('plain').outputMode('update').trigger({ availableNow: true })
  .foreachBatch((batch) => { for (const line of batch.toJson()) console.log(line); })
  .start();
await query.awaitTermination();
`;

/** With declarations of its own: every type that the compiler finds has to have a name that a user may write. */
const TYPED_USER = `
import { createSession, Frame, required, schema, sum, types, window, when, type RowOf } from 'tallystream';
import { createManualClock } from 'tallystream/testing';
export const SALE = schema([
  required('at', types.timestamp(), ''),
  required('shop', types.string(), ''),
  required('amount', types.decimal(9, 2), ''),
]);
export const session = createSession({ clock: createManualClock(0) });
export const sales = session.memoryStream(SALE);
export const hours = session.readStream.format('memory', sales).load(SALE)
  .withWatermark('at', '1 hour')
  .withColumn('size', ({ amount }) => when(amount.gt('10.00'), 'large').otherwise('small'))
  .groupBy(({ at }) => [window(at, '1 hour'), 'shop', 'size'])
  .agg({ total: sum('amount') });
export const frame = Frame.fromRows(SALE, []).select('shop').distinct();
export const handle = (row: RowOf<typeof hours.schema>): string | null => row.total ?? row.window.start;
// @ts-expect-error There is no such column.
hours.writeStream.foreachBatch((batch) => void batch.select('shoop'));
// @ts-expect-error A sum over text.
Frame.fromRows(SALE, []).agg({ total: sum('shop') });
// @ts-expect-error Text compared with a number.
Frame.fromRows(SALE, []).filter(({ shop }) => shop.gt(3));
`;

/** What a program without Node's own types uses. */
const USER_WITHOUT_NODE_TYPES = `
import { createSession, onceInPostgres, onceInSqlite, required, schema, types } from 'tallystream';
import { createManualClock } from 'tallystream/testing';
export const SALE = schema([required('shop', types.string(), '')]);
export const session = createSession({ clock: createManualClock(0) });
export const once = [onceInPostgres, onceInSqlite];
`;

/** The package's own declarations are checked as well. */
const COMPILER_OPTIONS = {
  strict: true,
  module: 'nodenext',
  target: 'es2024',
  types: ['node'],
  skipLibCheck: false,
};

let user: Consumer;

before(() => {
  user = installPackage();
  cpSync(join(ROOT, 'examples'), user.folder, { recursive: true });
});
after(() => user.remove());

test('the package holds what runs, its types and its documents, and neither sources nor tests', () => {
  for (const file of ['dist/index.js', 'dist/index.d.ts', 'dist/testing/index.d.ts', 'bin/tallystream.js']) {
    assert.ok(user.files.includes(file), file);
  }
  assert.deepEqual(
    user.files.filter((file) => /^(?:src|test|scripts|bench|examples)\/|(?<!\.d)\.ts$/.test(file)),
    [],
  );
});

test('it exports these names and no others, and nothing of what is inside', () => {
  const list = "console.log(JSON.stringify(Object.keys(await import('tallystream'))))";
  const names = JSON.parse(user.run('--input-type=module', '--eval', list)) as string[];
  assert.deepEqual(new Set(names), new Set(NAMES.trim().split(/\s+/)));
  const inside = "await import('tallystream/dist/engine/loop.js').catch((error) => console.log(error.code))";
  assert.equal(user.run('--input-type=module', '--eval', inside), 'ERR_PACKAGE_PATH_NOT_EXPORTED\n');
});

test('a program in plain JavaScript runs', () => {
  writeFileSync(join(user.folder, 'plain.js'), PLAIN_USER);
  assert.equal(user.run('plain.js'), '{"shop":"x","sales":2,"total":0.30}\n');
});

test('a program in TypeScript is checked, and can give its own declarations', () => {
  writeFileSync(join(user.folder, 'typed.ts'), TYPED_USER);
  compile(['typed.ts'], { declaration: true, outDir: 'out' });
  assert.match(readFileSync(join(user.folder, 'out', 'typed.d.ts'), 'utf8'), /hours: .*AggregatedStream</);
});

test('the declarations are clean for TypeScript 5.9 and 7 without any types of Node', () => {
  writeFileSync(join(user.folder, 'bare.ts'), USER_WITHOUT_NODE_TYPES);
  user.npm(
    'install',
    '--prefer-offline',
    '--ignore-scripts',
    '--no-save',
    '--prefix',
    'older',
    'typescript@5.9.3',
  );
  const compilers = [ROOT, join(user.folder, 'older')].map((folder) =>
    join(folder, 'node_modules', 'typescript', 'bin', 'tsc'),
  );
  for (const compiler of compilers) compile(['bare.ts'], { types: [], noEmit: true }, compiler);
});

test('publint and @arethetypeswrong/cli find nothing', () => {
  const tool = (path: string) => join(ROOT, 'node_modules', path);
  assert.match(
    user.run(
      tool('publint/src/cli.js'),
      join(user.folder, 'node_modules', 'tallystream'),
      '--strict',
      '--pack',
      'false',
    ),
    /All good!/,
  );
  user.run(tool('@arethetypeswrong/cli/dist/index.js'), user.tarball, '--profile', 'esm-only', '--no-emoji');
});

test('a bundled program runs without threads and says so', () => {
  writeFileSync(
    join(user.folder, 'bundle-me.js'),
    PLAIN_USER.replace(
      "createSession({ dataDir: 'plain'",
      "createSession({ logger: LOGGER, dataDir: 'of-a-bundle'",
    )
      .replace('.queryName(', ".option('workers', 2).queryName(")
      .replace(
        /^/,
        'const LOGGER = { child: () => LOGGER, debug() {}, info() {}, warn: (_, text) => console.error(text), error() {} };\n',
      ),
  );
  user.run(
    join(ROOT, 'node_modules', 'rolldown', 'bin', 'cli.mjs'),
    'bundle-me.js',
    '--platform',
    'node',
    '--external',
    '@node-rs/crc32',
    '--external',
    '@platformatic/kafka',
    '--dir',
    'bundled',
  );
  const { stdout, stderr } = user.outputs(join('bundled', 'bundle-me.js'));
  assert.equal(stdout, '{"shop":"x","sales":2,"total":0.30}\n');
  assert.match(stderr, /decoding on the main thread only: the file for worker threads is missing/);
});

test('the examples are right for the compiler', () => {
  compile(
    EXAMPLES.map((name) => `${name}.ts`),
    { allowImportingTsExtensions: true, noEmit: true },
  );
});

for (const name of EXAMPLES) {
  test(`the example ${name} runs, and finds what it expects`, () => {
    assert.match(user.run(`${name}.ts`), /\S/);
  });
}

test('every example is among those that are run', () => {
  const files = readdirSync(join(ROOT, 'examples')).filter((file) => file !== 'temporary-folder.ts');
  assert.deepEqual(
    files,
    EXAMPLES.map((name) => `${name}.ts`),
  );
});

test('the program of the README prints what the README says, and nothing twice when it runs again', () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const [, events] = /```json\n([\s\S]*?)```/.exec(readme) ?? [];
  const [, program, printed] = /```ts\n([\s\S]*?)```\n\n```\n([\s\S]*?)```/.exec(readme) ?? [];
  assert.ok(events !== undefined && program !== undefined && printed !== undefined);
  mkdirSync(join(user.folder, 'purchases'));
  writeFileSync(join(user.folder, 'purchases', 'purchases.ndjson'), events);
  writeFileSync(join(user.folder, 'by-category.ts'), program);
  assert.equal(user.run('by-category.ts').trim(), printed.trim());
  writeFileSync(join(user.folder, 'purchases', 'again.ndjson'), events);
  assert.equal(user.run('by-category.ts').trim(), printed.trim());
});

test('docs/api is what the docstrings say; npm run docs makes it', () => {
  const folder = join(ROOT, 'docs', 'api');
  const pages = apiPages({ index: readFileSync(join(ROOT, 'src', 'index.ts'), 'utf8'), dist: user.dist });
  assert.ok(existsSync(folder), 'Run npm run docs.');
  assert.deepEqual(readdirSync(folder).toSorted(), [...pages.keys()].toSorted());
  for (const [name, text] of pages) {
    assert.equal(
      readFileSync(join(folder, name), 'utf8'),
      text,
      `docs/api/${name} is old: run npm run docs.`,
    );
  }
});

function compile(
  include: readonly string[],
  options: Readonly<Record<string, boolean | string | readonly string[]>>,
  compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'),
): void {
  const compilerOptions = { ...COMPILER_OPTIONS, ...options };
  writeFileSync(join(user.folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include }));
  user.run(compiler);
}
