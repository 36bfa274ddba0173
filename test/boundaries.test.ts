import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { judgeImport } from '../scripts/lint/boundaries.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OXLINT = join(ROOT, 'node_modules', 'oxlint', 'bin', 'oxlint');

/** Importer, imported, and a part of the sentence that says what to do instead. */
const refused: [string, string, RegExp][] = [
  ['src/errors.ts', 'src/columns/schema/schema.ts', /pass what it needs to the error as a value/],
  ['src/columns/column-chunk.ts', 'src/plan/nodes.ts', /move what both need into src\/columns/],
  ['src/plan/nodes.ts', 'src/contracts/log.ts', /leave acting on it to the engine/],
  ['src/values/units.ts', 'src/app/config/keys.ts', /pass in what it should know/],
  ['src/options/kafka-settings.ts', 'src/log/kafka/log.ts', /let src\/compose make the thing from it/],
  ['src/contracts/log.ts', 'src/log/embedded/log.ts', /declare the type that the contract needs here/],
  ['src/operators/dedupe.ts', 'src/engine/loop.ts', /take what you need as a parameter/],
  ['src/operators/dedupe.ts', 'node:crypto', /is pure and may not import node:crypto/],
  ['src/engine/protocol.ts', 'node:fs', /do the I\/O in the caller/],
  ['src/engine/loop.ts', 'src/log/memory/log.ts', /let src\/compose pass it in/],
  ['src/engine/loop.ts', 'src/observe/logger.ts', /contracts, never an implementation/],
  ['src/engine/loop.ts', 'src/stream/session.ts', /not the other way round/],
  ['src/engine/loop.ts', 'src/app/purchases/schema.ts', /The library knows nothing of purchases/],
  ['src/engine/loop.ts', 'src/app/cli/main.ts', /Nothing depends on the command line/],
  ['src/checkpoint/store.ts', 'src/log/embedded/log.ts', /Implementations do not know each other/],
  ['src/page/server.ts', 'src/observe/metrics.ts', /Implementations do not know each other/],
  ['src/stream/session.ts', 'src/sinks/console.ts', /let src\/compose make the thing/],
  ['src/app/cli/main.ts', 'src/checkpoint/store.ts', /add a function to src\/app\/compose\.ts/],
  ['src/app/purchases/query.ts', 'src/app/config/load.ts', /take the value as a parameter/],
  ['src/app/config/load.ts', 'src/app/purchases/query.ts', /let the command act on it/],
  ['src/sqlite/lock.ts', 'src/checkpoint/store.ts', /keep the part’s own tables in the part/],
  ['src/compose/session.ts', 'src/app/config/load.ts', /The library knows nothing of purchases, YAML/],
  ['src/stream/session.ts', 'src/app/compose.ts', /The library knows nothing of purchases/],
  ['src/stream/session.ts', 'src/compose/session.ts', /Only index\.ts and src\/app use src\/compose/],
  ['src/app/purchases/query.ts', 'src/index.ts', /import the file that defines the name/],
  ['src/app/compose.ts', 'src/testing/index.ts', /src\/testing is for tests/],
];

const allowed: [string, string][] = [
  ['src/columns/column-chunk.ts', 'src/errors.ts'],
  ['src/columns/column-chunk.ts', 'src/columns/schema/schema.ts'],
  ['src/values/units.ts', 'src/errors.ts'],
  ['src/plan/window.ts', 'src/values/units.ts'],
  ['src/log/shared/topic-options.ts', 'src/options/kafka-settings.ts'],
  ['src/contracts/log.ts', 'src/plan/nodes.ts'],
  ['src/engine/loop.ts', 'src/operators/dedupe.ts'],
  ['src/engine/loop.ts', 'node:timers/promises'],
  ['src/log/embedded/log.ts', 'src/contracts/log.ts'],
  ['src/app/compose.ts', 'src/log/embedded/log.ts'],
  ['src/compose/session.ts', 'src/checkpoint/store.ts'],
  ['src/app/compose.ts', 'src/compose/session.ts'],
  ['src/app/cli/produce.ts', 'src/producer/deliver.ts'],
  ['src/checkpoint/store.ts', 'src/sqlite/lock.ts'],
  ['src/index.ts', 'src/compose/session.ts'],
  ['src/index.ts', 'src/sinks/once-sqlite.ts'],
  ['src/app/cli/main.ts', 'src/app/compose.ts'],
  ['src/app/cli/main.ts', 'src/app/purchases/query.ts'],
  ['src/stream/session.ts', 'pino'],
  ['src/testing/test-session.ts', 'src/compose/session.ts'],
  ['test/log/contract.test.ts', 'src/log/embedded/log.ts'],
  ['bench/decode.ts', 'src/observe/system-clock.ts'],
];

for (const [importer, imported, sentence] of refused) {
  test(`refuses ${imported} in ${importer}`, () => {
    assert.match(judgeImport(importer, imported) ?? 'allowed', sentence);
  });
}

for (const [importer, imported] of allowed) {
  test(`allows ${imported} in ${importer}`, () => {
    assert.equal(judgeImport(importer, imported), undefined);
  });
}

test('the linter reports every form of import, and the ambient clock, with what to do instead', () => {
  const report = lint({
    'src/engine/loop.ts': `
      import { open } from '../log/embedded/log.ts';
      import type { Store } from '../checkpoint/store.ts';
      export * from '../sinks/console.ts';
      export { metrics } from '../observe/metrics.ts';
      export const lazy = () => import('../spark/client.ts');
      export type Page = import('../page/server.ts').Page;
      export const use = (store: Store) => open(store);`,
    'src/producer/pace.ts': `
      export const now = Date.now();
      export const date = new Date();
      export const chance = Math.random();
      export const parsed = new Date(0);`,
    'src/observe/system-clock.ts': 'export const now = () => Date.now();',
  });
  for (const part of ['log', 'checkpoint', 'sinks', 'observe', 'spark', 'page']) {
    assert.match(report, new RegExp(`loop\\.ts.*src/engine may not import src/${part}\\. .*src/compose`));
  }
  for (const what of ['Date\\.now', 'new Date\\(\\)']) {
    assert.match(report, new RegExp(`pace\\.ts.*${what} makes a replay differ.*Take a clock: Clock`));
  }
  assert.match(report, /pace\.ts.*Math\.random cannot be repeated.*seeded generator/);
  assert.equal(report.match(/pace\.ts/g)?.length, 3, report);
  assert.doesNotMatch(report, /system-clock\.ts:/);
});

/** Runs the linter with the project's own configuration over files that lie in a folder of their own. */
function lint(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-lint-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), `${text}\n`);
    }
    const words = ['--config', join(ROOT, '.oxlintrc.json'), '--format', 'unix', 'src'];
    const result = spawnSync(process.execPath, [OXLINT, ...words], { cwd: folder, encoding: 'utf8' });
    assert.equal(result.status, 1, result.stderr + result.stdout);
    return result.stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
