/** The one retry that every call goes through: it acts again while an error may pass, and says what is waited for. */
import { judge, unavailable, type Verdict } from '../wire/errors.ts';
import type { SettledOptions } from './options.ts';
import { ThrottledFault } from './throttle.ts';

/** The first pause. Most waits are for a coordinator that is just about to finish, and double from here. */
const PAUSE_MS = 1;
const PAUSE_MS_MAX = 1_000;
/** The caller is told after this time, and then at this interval. Leaders usually move faster, which needs no notice. */
const NOTICE_AFTER_MS = 1_000;
const NOTICE_EVERY_MS = 5_000;
/** An attempt without an answer is no failure yet: a broker may have much to do. */
const SILENCE_MS = 3_000;
/** How long a running attempt may take after `giveUp`. */
const GIVE_UP_AFTER_MS = 1_000;

/** A broker that holds a client back for long is asked again after this. */
const THROTTLE_MS_MAX = 60_000;

interface Call {
  /** Put off by the time for which a broker held this client back. */
  startMs: number;
  readonly timeoutMs: number;
  /** Why the last attempt failed; undefined before one has. */
  why: string | undefined;
}

export interface RetryBound {
  readonly timeoutMs: number;
  /** Whether a running attempt ends at the bound too, and not at its own. Only for those that change nothing. */
  readonly isStrict?: boolean;
  /** Called if an attempt failed and another may follow. */
  readonly onPassing: () => void;
}

export class Retry {
  private readonly options: SettledOptions;
  private readonly closed: AbortSignal;
  /** Ends every pause. */
  private readonly hurry: AbortSignal;
  private readonly judge: (error: unknown) => Verdict;
  /** Calls in progress, the oldest first. */
  private readonly calls = new Set<Call>();
  private isWatching = false;
  private noticedAtMs = -Infinity;
  /** How long the broker has held calls back since it was last told: many short waits are as slow as a long one. */
  private throttledMs = 0;

  constructor(options: SettledOptions, closed: AbortSignal, judgeError: (error: unknown) => Verdict = judge) {
    const { giveUp } = options;
    this.options = options;
    this.closed = closed;
    this.hurry = giveUp === undefined ? closed : AbortSignal.any([closed, giveUp]);
    this.judge = judgeError;
  }

  /**
   * The answer of the first attempt that has one.
   * A broker that holds this client back because of a quota is waited for as long as it says, beyond the bound.
   * @throws LOG_UNAVAILABLE at the bound, once the log was closed, or soon after `giveUp`; the error of `judge` if it is final
   */
  async run<T>(act: () => Promise<T>, { timeoutMs, isStrict = false, onPassing }: RetryBound): Promise<T> {
    const { clock } = this.options;
    const call: Call = { startMs: clock.monotonicMs(), timeoutMs, why: undefined };
    this.calls.add(call);
    void this.watch();
    try {
      for (let attempt = 0; ; attempt += 1) {
        if (this.closed.aborted) throw unavailable('the log was closed');
        try {
          const leftMs = isStrict ? timeoutMs - (clock.monotonicMs() - call.startMs) : Infinity;
          return await this.withinPatience(act(), leftMs);
        } catch (error) {
          const verdict = this.judge(error);
          if (verdict.kind === 'final') throw verdict.error;
          if (error instanceof ThrottledFault) {
            await this.outlast(error, call);
            continue;
          }
          onPassing();
          call.why = verdict.why;
          const elapsedMs = clock.monotonicMs() - call.startMs;
          if (elapsedMs >= timeoutMs) throw unavailable(verdict.why, error);
          this.notice(call);
          const pauseMs = Math.min(
            PAUSE_MS * 2 ** Math.min(attempt, 10),
            PAUSE_MS_MAX,
            timeoutMs - elapsedMs,
          );
          await clock.sleep(pauseMs, this.hurry);
          if (this.options.giveUp?.aborted === true) throw unavailable(verdict.why, error);
        }
      }
    } finally {
      this.calls.delete(call);
    }
  }

  private async outlast(fault: ThrottledFault, call: Call): Promise<void> {
    const { clock, giveUp } = this.options;
    const pauseMs = Math.min(fault.throttleMs, THROTTLE_MS_MAX);
    this.throttledMs += pauseMs;
    if (this.throttledMs >= NOTICE_AFTER_MS) {
      this.tell(`${sentence(fault.message)}.`);
      this.throttledMs = 0;
    }
    call.startMs += pauseMs;
    await clock.sleep(pauseMs, this.hurry);
    if (giveUp?.aborted === true) throw unavailable(fault.message, fault);
  }

  /**
   * Rejects after the time, or soon after `giveUp`, if the work has not ended by then. The work continues until the log is
   * closed, and its result is ignored.
   */
  private withinPatience<T>(work: Promise<T>, leftMs: number): Promise<T> {
    const { clock, giveUp } = this.options;
    if (giveUp === undefined && leftMs === Infinity) return work;
    return new Promise((resolve, reject) => {
      const done = new AbortController();
      const expireAfter = async (ms: number) => {
        await clock.sleep(ms, done.signal);
        reject(unavailable('the request timed out without a response'));
      };
      const hurry = () => void expireAfter(GIVE_UP_AFTER_MS);
      if (leftMs !== Infinity) void expireAfter(leftMs);
      if (giveUp?.aborted === true) hurry();
      else giveUp?.addEventListener('abort', hurry, { once: true, signal: done.signal });
      // With a reason, since an error with its stack would be made for one without, at every call.
      work.then(resolve, reject).finally(() => done.abort(null));
    });
  }

  /** Speaks for calls that hang in an attempt. One at a time, and none while nothing is in progress. */
  private async watch(): Promise<void> {
    if (this.isWatching || this.options.onWaiting === undefined) return;
    this.isWatching = true;
    for (let [oldest] = this.calls; oldest !== undefined && !this.closed.aborted; [oldest] = this.calls) {
      this.notice(oldest);
      await this.options.clock.sleep(NOTICE_AFTER_MS, this.closed);
    }
    this.isWatching = false;
  }

  private notice({ startMs, timeoutMs, why }: Call): void {
    const nowMs = this.options.clock.monotonicMs();
    const elapsedMs = nowMs - startMs;
    if (elapsedMs < (why === undefined ? SILENCE_MS : NOTICE_AFTER_MS)) return;
    const seconds = (ms: number) => `${Math.round(ms / 1000)} s`;
    const bound = `(giving up after ${seconds(timeoutMs)})`;
    this.tell(
      why === undefined
        ? `Apache Kafka has not responded for ${seconds(elapsedMs)} ${bound}.`
        : `Apache Kafka has been unavailable for ${seconds(elapsedMs)} ${bound}: ${why}.`,
    );
  }

  /** Not more often than who waits wants to read. */
  private tell(words: string): void {
    const nowMs = this.options.clock.monotonicMs();
    if (nowMs - this.noticedAtMs < NOTICE_EVERY_MS) return;
    this.noticedAtMs = nowMs;
    this.options.onWaiting?.(words);
  }
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}
