/** Appends in flight, in the order of their batches, with their retries. */
import type { Clock } from '../contracts/clock.ts';
import type { AppendedRange, Log } from '../contracts/log.ts';
import { TallystreamError } from '../errors.ts';
import { ABORTED, orAborted } from './abort.ts';
import { pauseBeforeRetryMs, type RetryLimits } from './backoff.ts';
import type { Batch } from './batch.ts';
import type { RetryNotice } from './delivery.ts';
import type { Random } from './random.ts';

export interface RetryingAppend {
  readonly log: Log;
  readonly topic: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: RetryLimits;
  readonly abort: AbortSignal;
  readonly giveUp?: AbortSignal;
  readonly onRetry: (notice: RetryNotice) => void;
  /** Says what was acknowledged and what was not, for the error that gives up. */
  readonly outcome: () => string;
}

export type Settled<B> =
  | { readonly kind: 'acknowledged'; readonly batch: B; readonly ranges: readonly AppendedRange[] }
  /** Nothing more is tried, because `giveUp` was aborted. */
  | { readonly kind: 'gave up'; readonly error: TallystreamError }
  | { readonly kind: 'aborted' };

interface Entry<B> {
  readonly batch: B;
  answer: Promise<readonly AppendedRange[]> | undefined;
  hasFailed: boolean;
}

/** One append on most logs; more if the log keeps them in order (`appendsMax`). */
export class AppendWindow<B extends Batch> {
  private readonly parts: RetryingAppend;
  private readonly entries: Entry<B>[] = [];
  private readonly size: number;
  /** Ends a pause between two attempts. */
  private readonly hurry: AbortSignal;
  private isRetrying = false;

  constructor(parts: RetryingAppend) {
    this.parts = parts;
    this.size = parts.log.appendsMax ?? 1;
    this.hurry = parts.giveUp === undefined ? parts.abort : AbortSignal.any([parts.abort, parts.giveUp]);
  }

  get isFull(): boolean {
    return this.entries.length >= this.size;
  }

  get isEmpty(): boolean {
    return this.entries.length === 0;
  }

  /** Only if the window is not full. While an earlier batch is tried again, this one waits for its turn. */
  start(batch: B): void {
    const entry: Entry<B> = { batch, answer: undefined, hasFailed: false };
    this.entries.push(entry);
    if (!this.isRetrying) this.send(entry);
  }

  /**
   * Waits for the oldest batch, and tries until the log acknowledges it or a signal gives it up.
   * @throws DELIVERY_FAILED if the last allowed attempt failed; an error that no retry helps, as it is
   */
  async settleFirst(): Promise<Settled<B>> {
    const { clock, abort, giveUp } = this.parts;
    const first = this.entries[0] as Entry<B>;
    const firstAtMs = clock.monotonicMs();
    for (let attempt = 1; ; attempt += 1) {
      try {
        const ranges = await orAborted(first.answer as Promise<readonly AppendedRange[]>, abort);
        if (ranges === ABORTED) return { kind: 'aborted' };
        this.entries.shift();
        return { kind: 'acknowledged', batch: first.batch, ranges };
      } catch (error) {
        if (!isRetryable(error)) throw error;
        this.isRetrying = true;
        // No later batch may precede it, so all of them end before any is sent again.
        const answers = this.entries.map(async ({ answer }) => answer);
        if ((await orAborted(Promise.allSettled(answers), abort)) === ABORTED) return { kind: 'aborted' };
        if (giveUp?.aborted === true) return { kind: 'gave up', error };
        const elapsedMs = clock.monotonicMs() - firstAtMs;
        const pauseMs = pauseBeforeRetryMs(attempt, elapsedMs, this.parts.random, this.parts.limits);
        if (pauseMs === undefined) throw givenUp(this.parts, error, attempt, elapsedMs);
        this.parts.onRetry({ error, attempt, pauseMs });
        await clock.sleep(pauseMs, this.hurry);
        if (abort.aborted) return { kind: 'aborted' };
        if (isAborted(giveUp)) return { kind: 'gave up', error };
        this.sendAgain();
      }
    }
  }

  private sendAgain(): void {
    for (const entry of this.entries) {
      if (entry.answer === undefined || entry.hasFailed) this.send(entry);
    }
    this.isRetrying = false;
  }

  private send(entry: Entry<B>): void {
    const { log, topic } = this.parts;
    entry.hasFailed = false;
    entry.answer = entry.batch.appendTo(log, topic);
    // The error is met when it is the entry's turn; until then it must not count as unhandled.
    entry.answer.catch(() => {
      entry.hasFailed = true;
    });
  }
}

function givenUp(parts: RetryingAppend, error: Error, attempts: number, elapsedMs: number): TallystreamError {
  const seconds = (elapsedMs / 1000).toFixed(1);
  return new TallystreamError('DELIVERY_FAILED', {
    what: `Delivery to topic '${parts.topic}' failed after ${attempts} attempts in ${seconds} s: ${parts.outcome()}.`,
    why: error.message,
    hint: 'Repair the log and run the command again. With --resume NAME it continues after the last acknowledged line. producer.retries and producer.retry_timeout limit the attempts.',
    cause: error,
  });
}

export function isRetryable(error: unknown): error is TallystreamError {
  return error instanceof TallystreamError && error.retry;
}

/** Checked again after a wait. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
