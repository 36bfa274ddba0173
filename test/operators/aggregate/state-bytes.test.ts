/** The estimate of what groups take is held against what V8 takes, in a process of its own for each shape. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SHAPES } from './state-shapes.ts';

const CHILD = fileURLToPath(new URL('state-shapes.ts', import.meta.url));
/** Above what was seen with several numbers of groups; maps have room for up to twice as many. */
const DEVIATION_MAX = 0.35;

for (const name of Object.keys(SHAPES)) {
  test(`what ${name} take is estimated`, (t) => {
    const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', CHILD, name], {
      encoding: 'utf8',
    });
    assert.match(stdout, /^\{/, stderr);
    const { measured, estimated } = JSON.parse(stdout) as { measured: number; estimated: number };
    t.diagnostic(`${measured} bytes a group, estimated ${estimated}`);
    assert.ok(Math.abs(estimated / measured - 1) < DEVIATION_MAX, `${estimated} for ${measured}`);
  });
}
