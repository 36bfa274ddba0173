import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createEventClock, HOURLY_WEIGHTS } from '../../src/producer/event-clock.ts';
import { createManualClock } from '../../src/testing/manual-clock.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const PRESENT_MS = Date.UTC(2026, 5, 15, 12);
const MIDNIGHT_MS = Date.UTC(2026, 5, 1);

describe('without a start time', () => {
  test('is the present in whole milliseconds', () => {
    const clock = createManualClock(PRESENT_MS);
    const events = createEventClock({ clock });
    clock.advance(1.75);
    assert.equal(events.nowMs(), PRESENT_MS + 1);
  });
});

describe('with a start time and a scale', () => {
  test('begins at the start time and shows a day in 86,400 seconds divided by the scale', () => {
    const clock = createManualClock(PRESENT_MS);
    const events = createEventClock({ clock, startTimeMs: MIDNIGHT_MS, timeScale: 1_440 });
    assert.equal(events.nowMs(), MIDNIGHT_MS);
    clock.advance(60_000);
    assert.equal(events.nowMs(), MIDNIGHT_MS + DAY_MS);
    clock.advance(3 * 60_000);
    assert.equal(events.nowMs(), MIDNIGHT_MS + 4 * DAY_MS);
  });

  test('gives every hour its part of an even stream of events: most in the evening, few at night', () => {
    const clock = createManualClock(PRESENT_MS);
    const events = createEventClock({ clock, startTimeMs: MIDNIGHT_MS, timeScale: 1_440 });
    const counts = Array.from({ length: 24 }, () => 0);
    const total = 60_000;
    for (let i = 0; i < total; i += 1) {
      counts[Math.floor((events.nowMs() - MIDNIGHT_MS) / HOUR_MS)]! += 1;
      clock.advance(1);
    }
    const weightSum = HOURLY_WEIGHTS.reduce((sum, weight) => sum + weight, 0);
    counts.forEach((count, hour) => {
      const due = (HOURLY_WEIGHTS[hour]! / weightSum) * total;
      assert.ok(Math.abs(count - due) <= 2, `hour ${hour}: ${count}, due ${due}`);
    });
    assert.ok(counts[20]! > 10 * counts[3]!);
  });

  test('never goes back and is never ahead of the present, whatever start, scale and steps', () => {
    const behindMs = fc.integer({ min: 0, max: 30 * DAY_MS });
    const scale = fc.double({ min: 0.01, max: 1e6, noNaN: true });
    const steps = fc.array(fc.double({ min: 0, max: 5_000, noNaN: true }), { maxLength: 60 });
    fc.assert(
      fc.property(behindMs, scale, steps, (behind, timeScale, stepsMs) => {
        const clock = createManualClock(PRESENT_MS);
        const events = createEventClock({ clock, startTimeMs: PRESENT_MS - behind, timeScale });
        let lastMs = PRESENT_MS - behind;
        for (const stepMs of stepsMs) {
          clock.advance(stepMs);
          const nowMs = events.nowMs();
          assert.ok(Number.isInteger(nowMs));
          assert.ok(nowMs >= lastMs, 'went back');
          assert.ok(nowMs <= clock.nowMs(), 'is ahead of the present');
          lastMs = nowMs;
        }
      }),
    );
  });

  test('goes on in real time once it has reached the present', () => {
    const clock = createManualClock(PRESENT_MS);
    const events = createEventClock({ clock, startTimeMs: PRESENT_MS - DAY_MS, timeScale: 86_400 });
    clock.advance(2_000);
    assert.equal(events.nowMs(), PRESENT_MS + 2_000);
    clock.advance(1_000);
    assert.equal(events.nowMs(), PRESENT_MS + 3_000);
  });

  test('follows a clock that is set back rather than being ahead of it', () => {
    let presentMs = PRESENT_MS;
    const clock = { ...createManualClock(0), nowMs: () => presentMs };
    const events = createEventClock({ clock, startTimeMs: PRESENT_MS, timeScale: 1 });
    assert.equal(events.nowMs(), PRESENT_MS);
    presentMs -= 5_000;
    assert.equal(events.nowMs(), PRESENT_MS - 5_000);
  });

  test('refuses a start ahead of the present and a scale that is not positive', () => {
    const clock = createManualClock(PRESENT_MS);
    const usage = { code: 'USAGE' };
    assert.throws(() => createEventClock({ clock, startTimeMs: PRESENT_MS + 1 }), usage);
    assert.throws(() => createEventClock({ clock, startTimeMs: Number.NaN }), usage);
    for (const timeScale of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => createEventClock({ clock, startTimeMs: MIDNIGHT_MS, timeScale }), usage);
    }
  });
});
