/** The source of time. Only the system clock reads the machine's clock; tests use a manual one. */
export interface Clock {
  /** Wall-clock time, in milliseconds since 1970-01-01T00:00:00Z. */
  nowMs(): number;
  /** Monotonic time in milliseconds from an arbitrary start, for durations and pacing. */
  monotonicMs(): number;
  /** Resolves after `durationMs`, or immediately if `signal` aborts. It never rejects. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}
