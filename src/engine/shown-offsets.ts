/**
 * Shows in the log, at start and after each commit, how far the query is. It is for the eyes of others: nothing waits or
 * fails for it.
 */
import type { Clock } from '../contracts/clock.ts';
import type { GroupOffset, Log } from '../contracts/log.ts';
import type { Logger } from '../contracts/logger.ts';

/** Lag tools look less often, and the broker writes each of these down. */
export const SHOW_EVERY_MS = 1_000;
/** What a query that ends gives its last offsets; as long as the log itself tries. */
const SETTLE_MS = 5_000;
const WARN_EVERY_MS = 60_000;

export interface ShownOffsetsOptions {
  readonly log: Log;
  readonly topic: string;
  readonly group: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** From one write to the next, unless the query ends; 0 where left out. */
  readonly everyMs?: number;
}

/** One write is under way at a time; what comes meanwhile replaces what waits, so a slow log holds one write back and no more. */
export class ShownOffsets {
  private readonly options: ShownOffsetsOptions;
  private waiting: readonly GroupOffset[] | undefined;
  private writing: Promise<void> | undefined;
  private warnedAtMs = -Infinity;
  private wroteAtMs = -Infinity;
  /** Ends the pause before the next write. */
  private readonly hurry = new AbortController();

  constructor(options: ShownOffsetsOptions) {
    this.options = options;
  }

  show(offsets: readonly GroupOffset[]): void {
    const { log, group } = this.options;
    if (group === undefined || log.publishOffsets === undefined) return;
    this.waiting = offsets;
    this.writing ??= this.writeWaiting(group).finally(() => (this.writing = undefined));
  }

  /** Resolves when the last offsets are written, or soon. */
  async settle(): Promise<void> {
    if (this.writing === undefined) return;
    this.hurry.abort();
    const done = new AbortController();
    void this.writing.then(() => done.abort());
    await this.options.clock.sleep(SETTLE_MS, done.signal);
  }

  private async writeWaiting(group: string): Promise<void> {
    const { log, topic, clock, logger, everyMs = 0 } = this.options;
    while (this.waiting !== undefined) {
      const pauseMs = everyMs - (clock.monotonicMs() - this.wroteAtMs);
      if (pauseMs > 0) await clock.sleep(pauseMs, this.hurry.signal);
      this.wroteAtMs = clock.monotonicMs();
      const offsets = this.waiting;
      this.waiting = undefined;
      try {
        await log.publishOffsets?.(group, topic, offsets);
      } catch (error) {
        if (clock.monotonicMs() - this.warnedAtMs < WARN_EVERY_MS) continue;
        this.warnedAtMs = clock.monotonicMs();
        logger.warn({ operation: 'show-offsets', group, error }, 'offsets could not be shown to lag tools');
      }
    }
  }
}
