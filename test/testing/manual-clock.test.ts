import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import fc from 'fast-check';
import { createManualClock } from '../../src/testing/manual-clock.ts';

const START_MS = Date.UTC(2025, 5, 26);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('stands still until it is advanced, and keeps wall-clock and monotonic time apart', () => {
  const clock = createManualClock(START_MS);
  assert.equal(clock.nowMs(), START_MS);
  assert.equal(clock.monotonicMs(), 0);
  clock.advance(1500);
  assert.equal(clock.nowMs(), START_MS + 1500);
  assert.equal(clock.monotonicMs(), 1500);
});

test('wakes sleepers in order of their times, whatever the order and the steps', async () => {
  const cases = fc.tuple(
    fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 20 }),
    fc.array(fc.nat(20), { maxLength: 10 }),
  );
  await fc.assert(
    fc.asyncProperty(cases, async ([durations, steps]) => {
      const clock = createManualClock(START_MS);
      const woken: number[] = [];
      for (const duration of durations) void clock.sleep(duration).then(() => woken.push(duration));
      for (const step of steps) {
        clock.advance(step);
        await turn();
        const due = durations.filter((duration) => duration <= clock.monotonicMs());
        assert.deepEqual(
          woken,
          due.toSorted((left, right) => left - right),
        );
        assert.equal(clock.sleepers, durations.length - due.length);
      }
    }),
  );
});

test('a loop that sleeps again and again wakes at each of its times', async () => {
  const clock = createManualClock(START_MS);
  const controller = new AbortController();
  const ticks: number[] = [];
  const loop = (async () => {
    while (!controller.signal.aborted) {
      await clock.sleep(10, controller.signal);
      ticks.push(clock.monotonicMs());
    }
  })();
  await clock.advanceInSteps(35);
  assert.deepEqual(ticks, [10, 20, 30]);
  assert.equal(clock.monotonicMs(), 35);
  controller.abort();
  await loop;
});

test('an aborted sleeper wakes without rejecting, and is forgotten with its listener', async () => {
  const clock = createManualClock(START_MS);
  const controller = new AbortController();
  const sleeping = clock.sleep(1000, controller.signal);
  assert.equal(clock.sleepers, 1);
  controller.abort();
  await sleeping;
  assert.equal(clock.sleepers, 0);
  await clock.sleep(1000, controller.signal);
  const live = new AbortController();
  const second = clock.sleep(1, live.signal);
  clock.advance(1);
  await second;
  assert.equal(getEventListeners(live.signal, 'abort').length, 0);
});

test('refuses to go back', () => {
  const clock = createManualClock(START_MS);
  assert.throws(() => clock.advance(-1), /cannot be moved/);
  assert.throws(() => clock.advance(Number.NaN), /cannot be moved/);
});

test('jumps with its wall clock alone, ahead and back', async () => {
  const clock = createManualClock(START_MS);
  let isAwake = false;
  void clock.sleep(1000).then(() => (isAwake = true));
  clock.jumpWallClock(5000);
  await turn();
  assert.deepEqual([clock.nowMs(), clock.monotonicMs(), isAwake], [START_MS + 5000, 0, false]);
  clock.jumpWallClock(-6000);
  clock.advance(10);
  assert.deepEqual([clock.nowMs(), clock.monotonicMs()], [START_MS - 990, 10]);
});
