import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freshLocation, open } from './support/batches.ts';
import { startChild } from './support/child.ts';
import { checkSeries, runBatch } from './support/series.ts';

const KILLS = 15;

test('holds all that was committed, and nothing else, after kill -9 at random moments', async (t) => {
  const location = freshLocation(t);
  let committed = -1;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const child = startChild(t, 'series', location);
    await child.line();
    // Spread over many commits, in steps that share no divisor with what a commit takes.
    await sleep((kill * 37) % 113);
    child.signal('SIGKILL');
    await child.ended();
    const said = Number(child.lines.at(-1));
    const checkpoint = await open(location);
    committed = checkpoint.lastCommit()?.batchId ?? -1;
    assert.ok(committed === said || committed === said + 1, `said ${said}, and ${committed} is committed`);
    checkSeries(checkpoint, location);
    // This process goes on with the series too, over whatever the killed one left half done.
    runBatch(checkpoint, committed + 1);
    checkSeries(checkpoint, location);
    checkpoint.close();
  }
  t.diagnostic(`${committed + 1} batches, ${KILLS} kills`);
});
