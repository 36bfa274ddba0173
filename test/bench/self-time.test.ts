import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selfTimes } from '../../scripts/bench/self-time.js';

const frame = (functionName: string, url: string, lineNumber = 0) => ({ functionName, url, lineNumber });

test('time is added up by module and by function over all threads, without what is idle', () => {
  const nodes = [
    { id: 1, callFrame: frame('(idle)', '') },
    { id: 2, callFrame: frame('(garbage collector)', '') },
    { id: 3, callFrame: frame('decode', 'file:///p/src/columns/decode/decoder.ts', 9) },
    { id: 4, callFrame: frame('', 'file:///p/node_modules/@a/b/dist/c.js', 1) },
    { id: 5, callFrame: frame('read', 'node:fs', 4) },
    { id: 6, callFrame: frame('writeUtf8', '') },
  ];
  const thread = {
    nodes,
    samples: [1, 2, 3, 4, 5, 6, 3],
    timeDeltas: [0, 1000, 2000, 3000, 4000, 5000, 6000],
  };
  const other = { nodes, samples: [3, 1], timeDeltas: [500, 7000] };
  const { modules, functions, busyMs, idleMs } = selfTimes([thread, other], '/p/');
  assert.equal(busyMs, 2 + 3 + 4 + 5 + 6 + 7);
  assert.equal(idleMs, 1);
  assert.deepEqual(
    [...modules],
    [
      ['src/columns/decode/decoder.ts', 10],
      ['native', 6],
      ['node:fs', 5],
      ['@a/b', 4],
      ['(garbage collector)', 2],
    ],
  );
  assert.equal(functions.get('decode src/columns/decode/decoder.ts:10'), 10);
  assert.equal(functions.get('(anonymous) @a/b:2'), 4);
  assert.equal(functions.get('writeUtf8'), 6);
});
