import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createTokenBucket, UNPACED } from '../../src/producer/token-bucket.ts';
import { createManualClock, type ManualClock } from '../../src/testing/manual-clock.ts';

const rates = fc.oneof(
  fc.integer({ min: 1, max: 500_000 }),
  fc.double({ min: 0.05, max: 1_000, noNaN: true }),
);

/** Takes whatever there is and sleeps as told, for so long; answers the count. */
function takeFor(clock: ManualClock, pace: ReturnType<typeof createTokenBucket>, durationMs: number): number {
  const endMs = clock.monotonicMs() + durationMs;
  let taken = 0;
  for (;;) {
    const count = pace.available();
    pace.spend(count);
    taken += count;
    // A timer of the platform has whole milliseconds and never fires early.
    const waitMs = Math.max(1, Math.ceil(pace.waitMs()));
    if (clock.monotonicMs() + waitMs >= endMs) return taken;
    clock.advance(waitMs);
  }
}

describe('a token bucket', () => {
  test('gives the first record at once and the others in even steps', () => {
    const clock = createManualClock(0);
    const pace = createTokenBucket(1, clock);
    const takenAtMs: number[] = [];
    while (clock.monotonicMs() < 3_500) {
      if (pace.available() > 0) {
        assert.equal(pace.available(), 1);
        pace.spend(1);
        takenAtMs.push(clock.monotonicMs());
      }
      clock.advance(10);
    }
    assert.deepEqual(takenAtMs, [0, 1_000, 2_000, 3_000]);
  });

  test('keeps within 1 % or one record of the rate over ten seconds', () => {
    fc.assert(
      fc.property(rates, (rate) => {
        const clock = createManualClock(0);
        const taken = takeFor(clock, createTokenBucket(rate, clock), 10_000);
        const due = rate * 10;
        assert.ok(Math.abs(taken - due) <= Math.max(1, due / 100), `${taken} instead of ${due}`);
      }),
      { numRuns: 40 },
    );
  });

  test('keeps within 1 % of the rate over ten seconds with stalls in them, and lets little come at once', () => {
    const stalls = fc.array(
      fc.record({ atMs: fc.integer({ min: 0, max: 4_000 }), lengthMs: fc.integer({ min: 1, max: 400 }) }),
      { maxLength: 1 },
    );
    fc.assert(
      fc.property(rates, stalls, (rate, some) => {
        const clock = createManualClock(0);
        const pace = createTokenBucket(rate, clock);
        let taken = 0;
        for (const { atMs, lengthMs } of some) {
          taken += takeFor(clock, pace, atMs);
          clock.advance(lengthMs);
        }
        taken += takeFor(clock, pace, 10_000 - clock.monotonicMs());
        const due = rate * 10;
        assert.ok(Math.abs(taken - due) <= Math.max(1, due / 100), `${taken} instead of ${due}`);
      }),
      { numRuns: 40 },
    );
  });

  test('lets no more than the bounds come at once and in any ten seconds, whatever stalls', () => {
    const steps = fc.array(
      fc.oneof(fc.double({ min: 0, max: 30, noNaN: true }), fc.double({ min: 0, max: 60_000, noNaN: true })),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(rates, steps, (rate, stepsMs) => {
        const clock = createManualClock(0);
        const pace = createTokenBucket(rate, clock);
        const taken: { atMs: number; count: number }[] = [];
        for (const stepMs of stepsMs) {
          const count = pace.available();
          assert.ok(count <= Math.max(1, rate / 10), `${count} at once at a rate of ${rate}`);
          pace.spend(count);
          taken.push({ atMs: clock.monotonicMs(), count });
          clock.advance(stepMs);
        }
        for (const { atMs } of taken) {
          const inWindow = taken.filter((one) => one.atMs >= atMs && one.atMs < atMs + 10_000);
          const count = inWindow.reduce((sum, one) => sum + one.count, 0);
          // Ten seconds, and what one second before them missed.
          assert.ok(count <= rate * 10 + Math.max(1, rate) + 1, `${count} at a rate of ${rate}`);
        }
      }),
    );
  });

  test('does not make up for a long pause', () => {
    const clock = createManualClock(0);
    const pace = createTokenBucket(1_000, clock);
    takeFor(clock, pace, 5_000);
    clock.advance(3_600_000);
    assert.equal(pace.available(), 100);
    const taken = takeFor(clock, pace, 10_000);
    assert.ok(Math.abs(taken - 10_000) <= 100, `${taken}`);
  });

  test('makes up for a short stall a tenth faster than the rate', () => {
    const clock = createManualClock(0);
    const pace = createTokenBucket(1_000, clock);
    takeFor(clock, pace, 1_000);
    clock.advance(600);
    const next = takeFor(clock, pace, 1_000);
    assert.ok(next >= 1_150 && next <= 1_202, `${next}`);
  });

  test('gives nothing extra for the time in which the source made it wait', () => {
    const clock = createManualClock(0);
    const pace = createTokenBucket(1_000, clock);
    clock.advance(1_000);
    const count = pace.available();
    clock.advance(60_000);
    pace.spend(count);
    assert.equal(pace.available(), 0);
    assert.ok(pace.waitMs() > 0);
  });

  test('says how long to wait, and then has a record', () => {
    fc.assert(
      fc.property(rates, fc.double({ min: 0, max: 1e9, noNaN: true }), (rate, uptimeMs) => {
        const clock = createManualClock(0);
        clock.advance(uptimeMs);
        const pace = createTokenBucket(rate, clock);
        pace.spend(pace.available());
        clock.advance(pace.waitMs());
        // The reading of a clock that has run for long may be rounded down by less than a microsecond.
        if (pace.available() === 0) clock.advance(pace.waitMs());
        assert.ok(pace.available() >= 1);
        assert.equal(pace.waitMs(), 0);
      }),
    );
  });

  test('refuses a rate that is not a positive number', () => {
    for (const rate of [0, -5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => createTokenBucket(rate, createManualClock(0)), { code: 'USAGE' });
    }
  });
});

test('the rate max limits nothing', () => {
  UNPACED.spend(1e9);
  assert.equal(UNPACED.available(), Number.POSITIVE_INFINITY);
  assert.equal(UNPACED.waitMs(), 0);
});
