/** Waiting for records: sleeps that end early when this process appends, when the caller gives up, or on close. */
import type { Clock } from '../../contracts/clock.ts';

export class Waiters {
  private readonly sleeping = new Set<AbortController>();
  private isClosed = false;
  private wakes = 0;

  /** Wakes everybody who waits, to look again. */
  wake(): void {
    this.wakes += 1;
    for (const sleeper of this.sleeping) sleeper.abort();
  }

  /** Ends every wait with false, now and later. */
  close(): void {
    this.isClosed = true;
    this.wake();
  }

  /**
   * True as soon as `changed()` is, false after `timeoutMs`, on abort or on close. `changed` is asked at once, after
   * every `wake`, and in between after `intervalMs(waitedMs)` (Infinity if a wake announces every change).
   */
  async wait(
    changed: () => boolean | Promise<boolean>,
    clock: Clock,
    intervalMs: (waitedMs: number) => number,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const startMs = clock.monotonicMs();
    for (;;) {
      if (this.isOver(signal)) return false;
      const wakesBefore = this.wakes;
      if (await changed()) return true;
      const waitedMs = clock.monotonicMs() - startMs;
      if (waitedMs >= timeoutMs) return false;
      // What came while `changed` was answering is looked at, not slept through.
      if (this.wakes !== wakesBefore || this.isOver(signal)) continue;
      await this.sleep(clock, Math.min(intervalMs(waitedMs), timeoutMs - waitedMs), signal);
    }
  }

  private isOver(signal: AbortSignal): boolean {
    return signal.aborted || this.isClosed;
  }

  private async sleep(clock: Clock, durationMs: number, signal: AbortSignal): Promise<void> {
    const sleeper = new AbortController();
    const giveUp = () => sleeper.abort();
    signal.addEventListener('abort', giveUp, { once: true });
    this.sleeping.add(sleeper);
    try {
      await clock.sleep(durationMs, sleeper.signal);
    } finally {
      this.sleeping.delete(sleeper);
      signal.removeEventListener('abort', giveUp);
    }
  }
}

/** Whether any partition's latest differs from what the caller knows, or is one that the caller does not know. */
export function latestDiffers(
  known: readonly { readonly latest: number }[],
  current: readonly { readonly latest: number }[],
): boolean {
  if (known.length !== current.length) return true;
  return current.some((partition, index) => partition.latest !== known[index]?.latest);
}
