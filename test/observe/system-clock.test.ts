import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { systemClock } from '../../src/observe/system-clock.ts';

/** Timers that would keep the process alive. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}

test('sleeps at least as long as asked', async () => {
  const before = systemClock.monotonicMs();
  await systemClock.sleep(20);
  assert.ok(systemClock.monotonicMs() - before >= 19);
});

test('wakes at once when the signal aborts, without rejecting, and leaves no timer and no listener', async () => {
  const controller = new AbortController();
  const timersBefore = timers();
  const before = systemClock.monotonicMs();
  const sleeping = systemClock.sleep(60_000, controller.signal);
  assert.equal(timers(), timersBefore + 1);
  controller.abort(new Error('a reason that must not surface'));
  assert.equal(await sleeping, undefined);
  assert.ok(systemClock.monotonicMs() - before < 50_000);
  assert.equal(timers(), timersBefore);
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
});

test('leaves no listener on a signal that never aborts', async () => {
  const controller = new AbortController();
  for (let i = 0; i < 20; i++) await systemClock.sleep(0, controller.signal);
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
});

test('does not sleep at all where the signal has aborted before', async () => {
  const timersBefore = timers();
  const sleeping = systemClock.sleep(60_000, AbortSignal.abort());
  assert.equal(timers(), timersBefore);
  await sleeping;
});

test('a sleep longer than a timer can hold does not end at once', async () => {
  const controller = new AbortController();
  let awake = false;
  // Node says so when it is given a time that it cannot hold.
  const warnings: string[] = [];
  const listen = (warning: Error): void => void warnings.push(warning.name);
  process.on('warning', listen);
  const sleeping = systemClock.sleep(30 * 24 * 3600 * 1000, controller.signal).then(() => (awake = true));
  await systemClock.sleep(30);
  assert.equal(awake, false);
  process.off('warning', listen);
  controller.abort();
  await sleeping;
  assert.deepEqual(warnings, []);
});

test('a sleep of nothing, or of less, ends', async () => {
  await systemClock.sleep(0);
  await systemClock.sleep(-5);
});
