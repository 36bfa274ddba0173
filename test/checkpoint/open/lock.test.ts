import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { DatabaseSync } from 'node:sqlite';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { checkpointFile } from '../../../src/checkpoint/connection.ts';
import { lockedError } from '../../../src/checkpoint/open/lock.ts';
import { isStillRunning } from '../../../src/sqlite/lock-holder.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';
import { commitOf, freshLocation, hasCode, open } from '../support/batches.ts';
import { startChild } from '../support/child.ts';

const NO_SIGSTOP = process.platform === 'win32' && 'Windows has no SIGSTOP';

test('refuses a second runner after it has waited, and names the first and how to fix it', async (t) => {
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
      hasCode(
        'CHECKPOINT_LOCKED',
        location,
        `process ${zombie.pid}`,
        'suspended',
        'in the middle of a write',
      ),
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

/** A program that is no query, with the lock's file locked; and a query that used the checkpoint before, and has ended. */
async function lockedByAnother(t: TestContext): Promise<{ location: string; ended: number }> {
  const location = freshLocation(t);
  const before = startChild(t, 'hold', location);
  await before.line();
  before.signal('SIGKILL');
  await before.ended();
  const other = new DatabaseSync(join(location, 'lock.db'));
  t.after(() => other.close());
  other.exec('BEGIN EXCLUSIVE');
  return { location, ended: before.pid };
}

test(
  'names the process that holds the lock, and not the query that used it last and has ended',
  { skip: process.platform !== 'linux' && 'Only Linux lists who holds a lock' },
  async (t) => {
    const { location, ended } = await lockedByAnother(t);
    await assert.rejects(open(location), (error: Error) => {
      assert.match(error.message, new RegExp(`locked by process ${process.pid} \\(.+\\)`));
      assert.doesNotMatch(error.message, new RegExp(`kill|process ${ended}`));
      return true;
    });
  },
);

test('says how to find a program that the system does not name', () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  const folder = dirname(process.execPath);
  const error = lockedError(folder, { pid, sinceMs: systemClock.nowMs() });
  assert.match(error.message, /locked by another program/);
  assert.match(error.message, new RegExp(`Process ${pid}, .* no longer runs on this machine`));
  assert.match(error.message, process.platform === 'win32' ? /Resource Monitor/ : /lsof .*lock\.db/);
  assert.doesNotMatch(error.message, /kill/);
});

test('takes a process for another one if it began after the lock was taken', () => {
  const nowMs = systemClock.nowMs();
  assert.equal(isStillRunning({ pid: process.pid, sinceMs: nowMs }), true);
  const isTold = process.platform === 'linux';
  assert.equal(isStillRunning({ pid: process.pid, sinceMs: nowMs - 365 * 86_400_000 }), !isTold);
});

test(
  'does not fence the runner that took over from a start that was suspended',
  { skip: NO_SIGSTOP },
  async (t) => {
    const location = freshLocation(t);
    const first = await open(location);
    first.commit(commitOf(0));
    first.close();
    // The start takes the lock, and then waits for this write before it can make itself the newest runner.
    const writer = new DatabaseSync(checkpointFile(location));
    writer.exec('BEGIN IMMEDIATE');
    const late = startChild(t, 'start', location);
    while (holdsNot(location)) await systemClock.sleep(20);
    late.signal('SIGSTOP');
    writer.exec('ROLLBACK');
    writer.close();
    const successor = await open(location, { takeOver: true });
    successor.commit(commitOf(1));
    late.signal('SIGCONT');
    await late.ended();
    assert.deepEqual(late.lines, ['CHECKPOINT_FENCED']);
    successor.assertNewest();
    successor.commit(commitOf(2));
  },
);

/** Whether nobody holds the lock of the checkpoint. */
function holdsNot(location: string): boolean {
  const lock = new DatabaseSync(join(location, 'lock.db'), { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return true;
  } catch {
    return false;
  } finally {
    lock.close();
  }
}

test('starts in turn where several wait for the lock', async (t) => {
  const location = freshLocation(t);
  const children = Array.from({ length: 3 }, () => startChild(t, 'start', location));
  for (const child of children) await child.ended();
  assert.deepEqual(children.map(({ lines }) => lines).flat(), ['started', 'started', 'started']);
});

test('a runner that was taken over knows before it opens anything', async (t) => {
  const location = freshLocation(t);
  const first = await open(location);
  first.assertNewest();
  const second = await open(location, { takeOver: true });
  assert.throws(() => first.assertNewest(), { code: 'CHECKPOINT_FENCED' });
  second.assertNewest();
});
