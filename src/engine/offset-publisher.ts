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
/** A coordinator that moved answers the second or third try; what is not shown then is shown by the next start. */
const LAST_TRIES_MAX = 5;
const FIRST_PAUSE_MS = 100;
/** While the query runs, offsets that could not be written are tried again after this long, or with the next commit. */
const RETRY_AFTER_MS = 5_000;

export interface ShownOffsetsOptions {
  readonly log: Log;
  readonly topic: string;
  readonly group: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** From one write to the next, unless the query ends; 0 if left out. */
  readonly everyMs?: number;
}

/**
 * One write is in progress at a time; what comes meanwhile replaces what waits, so a slow log holds one write back and no
 * more. Offsets that the log did not take wait on: the last ones are written also if no commit follows them.
 */
export class ShownOffsets {
  private readonly options: ShownOffsetsOptions;
  private waiting: readonly GroupOffset[] | undefined;
  private writing: Promise<void> | undefined;
  private warnedAtMs = -Infinity;
  private wroteAtMs = -Infinity;
  /** Ends the pause before the next write. */
  private readonly hurry = new AbortController();
  /** Ends the pause after a failed write early, since there are newer offsets. */
  private retryNow = new AbortController();
  /** No one waits for the last write any more. */
  private isOver = false;

  constructor(options: ShownOffsetsOptions) {
    this.options = options;
  }

  show(offsets: readonly GroupOffset[]): void {
    const { log, group } = this.options;
    if (group === undefined || log.publishOffsets === undefined) return;
    this.waiting = offsets;
    this.retryNow.abort();
    this.writing ??= this.writeWaiting(group).finally(() => (this.writing = undefined));
  }

  /** Resolves when the last offsets are written, or soon; a warning says so if they were not. */
  async settle(): Promise<void> {
    if (this.writing === undefined) return;
    this.hurry.abort();
    const done = new AbortController();
    void this.writing.then(() => done.abort());
    await this.options.clock.sleep(SETTLE_MS, done.signal);
    if (done.signal.aborted) return;
    this.isOver = true;
    this.warnOfLast(new Error(`no answer within ${SETTLE_MS / 1000} seconds`));
  }

  private async writeWaiting(group: string): Promise<void> {
    const { log, topic, clock, everyMs = 0 } = this.options;
    let lastTries = 0;
    while (this.waiting !== undefined) {
      const pauseMs = everyMs - (clock.monotonicMs() - this.wroteAtMs);
      if (pauseMs > 0) await clock.sleep(pauseMs, this.hurry.signal);
      this.wroteAtMs = clock.monotonicMs();
      const offsets = this.waiting;
      this.waiting = undefined;
      const isLast = this.hurry.signal.aborted;
      try {
        await log.publishOffsets?.(group, topic, offsets);
      } catch (error) {
        if (this.isOver) return;
        this.waiting ??= offsets;
        lastTries += isLast ? 1 : 0;
        if (lastTries >= LAST_TRIES_MAX) {
          this.waiting = undefined;
          this.warnOfLast(error);
        } else if (isLast) {
          await clock.sleep(FIRST_PAUSE_MS * 2 ** (lastTries - 1));
        } else {
          this.warnOf(error);
          await this.pauseAfterFailure(offsets);
        }
      }
    }
  }

  private async pauseAfterFailure(failed: readonly GroupOffset[]): Promise<void> {
    if (this.waiting !== failed) return;
    this.retryNow = new AbortController();
    const early = AbortSignal.any([this.hurry.signal, this.retryNow.signal]);
    await this.options.clock.sleep(RETRY_AFTER_MS, early);
  }

  private warnOf(error: unknown): void {
    const { clock, logger, group } = this.options;
    if (clock.monotonicMs() - this.warnedAtMs < WARN_EVERY_MS) return;
    this.warnedAtMs = clock.monotonicMs();
    logger.warn(
      { operation: 'show-offsets', group, error },
      'offsets could not be written to the consumer group for lag tools',
    );
  }

  private warnOfLast(error: unknown): void {
    const { logger, group, topic } = this.options;
    logger.warn(
      { operation: 'show-offsets', group, topic, error },
      'The last offsets of this query could not be written to its consumer group, so lag tools show a lag that does not ' +
        'exist. The checkpoint is correct. The next start of the query writes its offsets to the group.',
    );
  }
}
