import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/observe/system-clock.ts';
import { commitOf, freshLocation, hasCode, open } from './support/batches.ts';
import { startChild } from './support/child.ts';

const NO_SIGSTOP = process.platform === 'win32' && 'Windows has no SIGSTOP';

test('refuses a second runner after it has waited, and names the first and how to mend it', async (t) => {
  const location = freshLocation(t);
  const child = startChild(t, 'hold', location);
  await child.line();
  const startMs = systemClock.monotonicMs();
  await assert.rejects(
    open(location, { lockTimeoutMs: 300 }),
    hasCode(
      'CHECKPOINT_LOCKED',
      location,
      `process ${child.pid}, running since 20`,
      '--take-over',
      /[Ss]top/,
    ),
  );
  assert.ok(systemClock.monotonicMs() - startMs >= 300);
});

test('refuses a second runner in the same process', async (t) => {
  const location = freshLocation(t);
  await open(location);
  await assert.rejects(open(location), hasCode('CHECKPOINT_LOCKED', `process ${process.pid}`));
});

test('gets the lock as soon as the other process ends, within the time it waits', async (t) => {
  const location = freshLocation(t);
  const child = startChild(t, 'hold', location);
  await child.line();
  const opening = open(location, { lockTimeoutMs: 240_000 });
  child.signal('SIGKILL');
  assert.equal((await opening).epoch, 2);
});

test('opens at once after a runner was closed', async (t) => {
  const location = freshLocation(t);
  (await open(location)).close();
  assert.equal((await open(location)).epoch, 2);
});

test('takes over from a stopped process, which is refused when it wakes', { skip: NO_SIGSTOP }, async (t) => {
  const location = freshLocation(t);
  const zombie = startChild(t, 'stop-between-commits', location);
  await zombie.line();
  await assert.rejects(open(location), hasCode('CHECKPOINT_LOCKED'));
  const runner = await open(location, { takeOver: true });
  runner.commit(commitOf(1));
  zombie.signal('SIGCONT');
  await zombie.ended();
  assert.deepEqual(zombie.lines, ['stops', 'CHECKPOINT_FENCED']);
  assert.equal(runner.lastCommit()?.batchId, 1);

  // The zombie's lock is free now: the next commit takes it, so that whoever starts later is refused.
  runner.commit(commitOf(2));
  await assert.rejects(open(location), hasCode('CHECKPOINT_LOCKED', `process ${process.pid}`));
});

test(
  'gives up a take-over of a process stopped inside a write, and says to end it',
  { skip: NO_SIGSTOP },
  async (t) => {
    const location = freshLocation(t);
    const first = await open(location);
    first.commit(commitOf(0));
    first.close();
    const zombie = startChild(t, 'stop-inside-write', location);
    await zombie.line();
    const startMs = systemClock.monotonicMs();
    await assert.rejects(
      open(location, { takeOver: true, lockTimeoutMs: 200 }),
      hasCode('CHECKPOINT_LOCKED', location, `process ${zombie.pid}`, 'kill -9', 'in the middle of a write'),
    );
    assert.ok(systemClock.monotonicMs() - startMs < 60_000);
    zombie.signal('SIGKILL');
    await zombie.ended();
    const runner = await open(location, { takeOver: true });
    assert.equal(runner.lastCommit()?.batchId, 0);
  },
);

test('takes the lock at once with a take-over where nobody holds it', async (t) => {
  const location = freshLocation(t);
  await open(location, { takeOver: true });
  await assert.rejects(open(location), hasCode('CHECKPOINT_LOCKED', `process ${process.pid}`));
});

test('does not fence the one at work where a take-over is refused', async (t) => {
  const location = freshLocation(t);
  const runner = await open(location);
  await assert.rejects(
    open(location, { takeOver: true, logFormat: 'kafka' }),
    hasCode('CHECKPOINT_QUERY_CHANGED'),
  );
  runner.commit(commitOf(0));
});
