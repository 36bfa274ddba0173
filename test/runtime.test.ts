import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { NODE_NEEDED } from '../bin/launcher.js';
import { NODE_MAJOR_MIN, SQLITE_VERSION_MIN, unsupportedRuntime } from '../src/runtime.ts';

const NEEDS = 'Tallystream needs Node 24 or newer with SQLite 3.51.3 or newer';

test('says nothing on a Node that is new enough', () => {
  assert.equal(unsupportedRuntime({ node: '24.0.0', sqlite: '3.51.3' }), undefined);
  assert.equal(unsupportedRuntime(process.versions), undefined);
});

test('tells the user of another runtime in one sentence what Tallystream needs', () => {
  const sentences: readonly [versions: Record<string, string>, sentence: string][] = [
    [{ node: '20.20.2' }, `${NEEDS}; this is Node 20.20.2.`],
    [{ node: '24.1.0' }, `${NEEDS}; this Node 24.1.0 has no SQLite.`],
    [{ node: '24.1.0', sqlite: '3.51.2' }, `${NEEDS}; this Node 24.1.0 has SQLite 3.51.2.`],
    [{ node: '24.3.0', bun: '1.4.5' }, `${NEEDS}; it does not run on Bun.`],
    [{ node: '24.3.0', deno: '2.9.6', sqlite: '3.60.0' }, `${NEEDS}; it does not run on Deno.`],
  ];
  for (const [versions, sentence] of sentences) assert.equal(unsupportedRuntime(versions), sentence);
});

test('the library, the launcher and package.json ask for the same Node', () => {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    readonly engines: { readonly node: string };
  };
  assert.equal(manifest.engines.node, `>=${NODE_MAJOR_MIN}`);
  assert.equal(NODE_NEEDED, `Node ${NODE_MAJOR_MIN} or newer with SQLite ${SQLITE_VERSION_MIN} or newer`);
});
