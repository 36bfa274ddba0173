import type { Clock } from '../contracts/clock.ts';

/** A clock that a test moves by hand. */
export interface ManualClock extends Clock {
  /** Moves time forward immediately, and wakes every sleeper whose time has come, in order of their times. */
  advance(durationMs: number): void;
  /**
   * Moves time forward from one sleeper's time to the next, and lets the code that it woke run before it continues:
   * for loops that sleep repeatedly. Code that waits for real I/O may need more time than it gets here.
   */
  advanceInSteps(durationMs: number): Promise<void>;
  /** Sets the wall clock forward, or back by a negative duration, while monotonic time and sleepers stay as they are. */
  jumpWallClock(byMs: number): void;
  /** How many calls of `sleep` are waiting: a test may wait for one before it advances. */
  readonly sleepers: number;
}

interface Sleeper {
  readonly wakeAtMs: number;
  readonly wake: () => void;
}

/**
 * A clock that does not move until a test moves it. Wall-clock time starts at `startMs`, monotonic time at 0, so that
 * code that mixes them up fails.
 */
export function createManualClock(startMs: number): ManualClock {
  let elapsedMs = 0;
  let jumpedMs = 0;
  // In order of waking, and of arrival where two wake together.
  const waiting: Sleeper[] = [];

  const wakeDue = (): void => {
    while (waiting.length > 0 && waiting[0]!.wakeAtMs <= elapsedMs) waiting[0]!.wake();
  };

  return {
    nowMs: () => startMs + jumpedMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    get sleepers() {
      return waiting.length;
    },
    sleep: (durationMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true || durationMs <= 0) {
          resolve();
          return;
        }
        const wake = (): void => {
          waiting.splice(waiting.indexOf(sleeper), 1);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const sleeper: Sleeper = { wakeAtMs: elapsedMs + durationMs, wake };
        const later = waiting.findIndex((other) => other.wakeAtMs > sleeper.wakeAtMs);
        waiting.splice(later === -1 ? waiting.length : later, 0, sleeper);
        signal?.addEventListener('abort', wake, { once: true });
      }),
    advance(durationMs) {
      elapsedMs += forwards(durationMs);
      wakeDue();
    },
    jumpWallClock(byMs) {
      jumpedMs += byMs;
    },
    async advanceInSteps(durationMs) {
      const endMs = elapsedMs + forwards(durationMs);
      while (waiting.length > 0 && waiting[0]!.wakeAtMs <= endMs) {
        elapsedMs = waiting[0]!.wakeAtMs;
        wakeDue();
        await new Promise((resolve) => setImmediate(resolve));
      }
      elapsedMs = endMs;
    },
  };
}

function forwards(durationMs: number): number {
  if (!(durationMs >= 0)) throw new RangeError(`A clock cannot be moved by ${durationMs} ms.`);
  return durationMs;
}
