import type { Clock } from '../contracts/clock.ts';

/** Node's timers take at most this many milliseconds, and fire at once if they are given more. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The machine's own time: the only place that reads it. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (durationMs, signal) => {
    // A long sleep is several timers, because one beyond the limit would not wait at all.
    for (let leftMs = durationMs; ; leftMs -= TIMER_MS_MAX) {
      if (signal?.aborted) return;
      await sleepOnce(Math.min(leftMs, TIMER_MS_MAX), signal);
      if (leftMs <= TIMER_MS_MAX) return;
    }
  },
};

function sleepOnce(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      // Both are taken back, so that neither a timer keeps the process alive nor a listener is left on a long-lived signal.
      clearTimeout(timer);
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, Math.max(0, durationMs));
    signal?.addEventListener('abort', wake, { once: true });
  });
}
