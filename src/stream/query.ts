/** A running query: Structured Streaming's `StreamingQuery`. */
import type { BatchProgress } from '../contracts/batch.ts';
import { MicroBatchLoop } from '../engine/loop.ts';
import type { LoopOptions } from '../engine/loop-options.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { TallystreamError } from '../errors.ts';
import { explainPlan } from './explain.ts';
import { HandlerScope } from './handler-scope.ts';

/** How many progress entries `recentProgress` keeps. */
const RECENT_PROGRESS_MAX = 100;

/** What a query is doing now. */
export interface StreamingQueryStatus {
  /** A sentence for people. */
  readonly message: string;
  /** Whether the last batch left something unread. */
  readonly isDataAvailable: boolean;
  /** Whether a batch is being processed. */
  readonly isTriggerActive: boolean;
}

/** A query that runs, or has ended: Structured Streaming's `StreamingQuery`. */
export class StreamingQuery {
  /** Identifies the query. It stays the same when the query restarts from the same checkpoint. */
  readonly id: string;
  /** Identifies this run. It is different after every start. */
  readonly runId: string;
  /** The `queryName`, or a generated name. */
  readonly name: string;
  private readonly plan: QueryPlan;
  private readonly stopping = new AbortController();
  private readonly loop: MicroBatchLoop;
  private readonly ended: Promise<void>;
  private active = true;
  private failure: Error | undefined;
  /** Whether the program was told of the failure. */
  private isHeard = false;
  private readonly wordsOf: (failure: Error) => Error;
  private readonly progress: BatchProgress[] = [];
  private readonly handlers: HandlerScope;

  /** Starts immediately. A failure rejects `awaitTermination` and is available as `exception`. */
  constructor(
    options: Omit<LoopOptions, 'onProgress'>,
    onProgress: (progress: BatchProgress) => void = () => {},
    /** Gives back what the query had for itself; called once, when it has ended. */
    onEnd: () => Promise<void> = () => Promise.resolve(),
    /** The failure as the program is told of it. */
    wordsOf: (failure: Error) => Error = (failure) => failure,
    /** Where its handlers run, which must not wait for the query. */
    handlers = new HandlerScope(),
  ) {
    this.handlers = handlers;
    this.plan = options.query;
    this.id = options.checkpoint.queryId;
    this.runId = options.runId;
    this.name = options.query.name;
    this.loop = new MicroBatchLoop({
      ...options,
      onProgress: (progress) => {
        this.progress.push(progress);
        if (this.progress.length > RECENT_PROGRESS_MAX) this.progress.shift();
        onProgress(progress);
      },
    });
    this.wordsOf = wordsOf;
    this.ended = this.run(onEnd);
  }

  /** What the query is doing, in words and in Structured Streaming's terms. */
  get status(): StreamingQueryStatus {
    const isTriggerActive = this.active && this.loop.isInBatch;
    const message = !this.active
      ? 'Stopped'
      : isTriggerActive
        ? 'Processing new data'
        : 'Waiting for data to arrive';
    return { message, isDataAvailable: (this.lastProgress?.lagEvents ?? 0) > 0, isTriggerActive };
  }

  /** A readable tree of the plan. */
  explain(): string {
    return explainPlan(this.plan);
  }

  private async run(onEnd: () => Promise<void>): Promise<void> {
    try {
      await this.loop.run(this.stopping.signal);
    } catch (error) {
      this.failure = this.wordsOf(error instanceof Error ? error : new Error(String(error)));
    }
    try {
      await onEnd();
    } catch (error) {
      this.failure ??= this.wordsOf(error instanceof Error ? error : new Error(String(error)));
    }
    this.active = false;
  }

  /** False once the query was stopped, has failed, or has finished all that its trigger asks for. */
  get isActive(): boolean {
    return this.active;
  }

  /** The failure that ended the query; undefined if there was none. */
  get exception(): Error | undefined {
    return this.heardFailure();
  }

  /** The progress of the newest batch; undefined before the first. */
  get lastProgress(): BatchProgress | undefined {
    return this.progress.at(-1);
  }

  /** The progress of the newest batches (at most 100), oldest first. */
  get recentProgress(): readonly BatchProgress[] {
    return [...this.progress];
  }

  /**
   * Resolves when the query has ended or was stopped. Rejects with the failure that ended it.
   * @throws USAGE in a handler of this query, because the query waits for the handler
   */
  async awaitTermination(): Promise<void> {
    this.refuseInHandler('awaitTermination');
    await this.handlers.wait(this.ended);
    const failure = this.heardFailure();
    if (failure !== undefined) throw failure;
  }

  /**
   * Resolves when everything that is in the log now is committed, without waiting for the trigger. Rejects if the
   * query fails.
   * @throws USAGE in a handler of this query, because the query waits for the handler
   */
  async processAllAvailable(): Promise<void> {
    this.refuseInHandler('processAllAvailable');
    await this.handlers.wait(Promise.race([this.loop.processAllAvailable(), this.ended]));
    const failure = this.heardFailure();
    if (failure !== undefined) throw failure;
  }

  /**
   * Finishes the current batch and ends the query. Another call waits for the same end. In a handler of this query it
   * resolves immediately; the query then ends once the handler has returned and the batch is committed.
   */
  async stop(): Promise<void> {
    this.stopping.abort();
    if (!this.handlers.waitsForCaller) await this.handlers.wait(this.ended);
  }

  private refuseInHandler(method: string): void {
    if (!this.handlers.waitsForCaller) return;
    throw new TallystreamError('USAGE', {
      what: `${method} of the query ${this.name} was called in one of its handlers.`,
      why: 'The query waits for the handler to return, so this would never end.',
      hint: `Call ${method} outside the handler. In a handler, stop() ends the query after this batch.`,
    });
  }

  private heardFailure(): Error | undefined {
    if (this.failure !== undefined) this.isHeard = true;
    return this.failure;
  }
}

/** How a query ended, for the manager, which asks without being the program. */
export interface QueryEnd {
  readonly ended: Promise<void>;
  readonly failure: () => Error | undefined;
  /** Whether the program was told of the failure. */
  readonly isHeard: () => boolean;
  /** The failure, which the program is told of by this. */
  readonly hear: () => Error | undefined;
}

export function endOf(query: StreamingQuery): QueryEnd {
  return {
    ended: query['ended'],
    failure: () => query['failure'],
    isHeard: () => query['isHeard'],
    hear: () => query['heardFailure'](),
  };
}
