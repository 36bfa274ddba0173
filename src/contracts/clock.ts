/** Where time comes from. Only the system clock reads the machine's; tests bring a manual one. */
export interface Clock {
  /** Wall-clock time, in milliseconds since 1970-01-01T00:00:00Z. */
  nowMs(): number;
  /** Monotonic time in milliseconds from an arbitrary start, for durations and pacing. */
  monotonicMs(): number;
  /** Resolves after `durationMs`, or at once when `signal` aborts (it never rejects). */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}
