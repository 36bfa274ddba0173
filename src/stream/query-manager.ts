/** The queries of a session: Structured Streaming's `StreamingQueryManager`. */
import type { BatchProgress } from '../contracts/batch.ts';
import { TallystreamError } from '../errors.ts';
import { isInHandler } from './handler-scope.ts';
import { endOf, type QueryEnd, type StreamingQuery } from './query.ts';

/**
 * Receives the events of queries. Errors that a listener throws are ignored, because they must not change what a query
 * does.
 */
export interface StreamingQueryListener {
  /** Called before `start` resolves. */
  onQueryStarted?(event: { readonly id: string; readonly runId: string; readonly name: string }): void;
  /** Called after each commit. */
  onQueryProgress?(progress: BatchProgress): void;
  /** Called when a query was stopped, has failed, or has finished. */
  onQueryTerminated?(event: {
    readonly id: string;
    readonly runId: string;
    readonly exception: Error | undefined;
  }): void;
}

/** A query has failed, and the program has not asked for its result. */
export interface UnheardFailure {
  readonly name: string;
  readonly exception: Error;
  /** Whether something has asked since. */
  readonly isHeard: () => boolean;
}

/** The queries of a session: Structured Streaming's `StreamingQueryManager`. */
export class StreamingQueryManager {
  private readonly queries = new Map<string, StreamingQuery>();
  private readonly listeners = new Set<StreamingQueryListener>();
  private readonly starting = new Set<string>();
  private terminated = new Terminations();
  private readonly onUnheard: (failure: UnheardFailure) => void;

  constructor(onUnheard: (failure: UnheardFailure) => void = () => {}) {
    this.onUnheard = onUnheard;
  }

  /** Queries that are running. */
  get active(): readonly StreamingQuery[] {
    return [...this.queries.values()];
  }

  /** The active query with this id. */
  get(id: string): StreamingQuery | undefined {
    return this.active.find((query) => query.id === id);
  }

  /** Calls the listener for every query of the session from now on. Errors that it throws are ignored. */
  addListener(listener: StreamingQueryListener): void {
    this.listeners.add(listener);
  }

  /** Stops calling the listener. */
  removeListener(listener: StreamingQueryListener): void {
    this.listeners.delete(listener);
  }

  /**
   * Resolves when any query of this session has ended, even if it ended before the call. Rejects with the first
   * failure if a query failed. `resetTerminated` forgets queries that have ended.
   * @throws USAGE in a handler of a query, because that query waits for the handler
   */
  async awaitAnyTermination(): Promise<void> {
    if (isInHandler()) {
      throw new TallystreamError('USAGE', {
        what: 'awaitAnyTermination was called in a handler of a query.',
        why: 'The query waits for the handler to return, so this might never end.',
        hint: 'Call it outside the handler.',
      });
    }
    const { terminated } = this;
    await terminated.first;
    const failure = terminated.hearFailure();
    if (failure !== undefined) throw failure;
  }

  /** Forgets the queries that have ended, so that `awaitAnyTermination` waits for the next one. */
  resetTerminated(): void {
    if (this.terminated.hasAny) this.terminated = new Terminations();
  }

  /** Keeps a name for a query that is about to run. @throws USAGE if one of that name is running */
  reserve(name: string): void {
    if (this.starting.has(name) || this.queries.has(name)) {
      throw new TallystreamError('USAGE', {
        what: `A query named ${name} is running in this session.`,
        hint: 'Stop that one first, or give this one another queryName.',
      });
    }
    this.starting.add(name);
  }

  release(name: string): void {
    this.starting.delete(name);
  }

  /** Adds a query that has just started, until it ends. */
  register(query: StreamingQuery): void {
    this.starting.delete(query.name);
    this.queries.set(query.name, query);
    const { id, runId, name } = query;
    this.tell((listener) => listener.onQueryStarted?.({ id, runId, name }));
    const end = endOf(query);
    void end.ended.then(() => {
      this.queries.delete(name);
      const exception = end.failure();
      this.terminated.add(end);
      const isTold = [...this.listeners].some((listener) => 'onQueryTerminated' in listener);
      this.tell((listener) => listener.onQueryTerminated?.({ id, runId, exception }));
      if (exception === undefined || isTold) return;
      // Callers that await the end are told in this turn.
      setImmediate(() => {
        const failure = { name, exception, isHeard: end.isHeard };
        if (!end.isHeard()) this.onUnheard(failure);
      });
    });
  }

  progressed(progress: BatchProgress): void {
    this.tell((listener) => listener.onQueryProgress?.(progress));
  }

  private tell(say: (listener: StreamingQueryListener) => void): void {
    for (const listener of this.listeners) {
      try {
        say(listener);
      } catch {
        // A listener is for the eyes of others; what goes wrong there is theirs.
      }
    }
  }
}

/** The queries that have ended since the last reset. */
class Terminations {
  hasAny = false;
  private failed: QueryEnd | undefined;
  private readonly ended = Promise.withResolvers<undefined>();

  get first(): Promise<undefined> {
    return this.ended.promise;
  }

  /** The first failure, which the program is told of by this. */
  hearFailure(): Error | undefined {
    return this.failed?.hear();
  }

  add(end: QueryEnd): void {
    this.hasAny = true;
    if (end.failure() !== undefined) this.failed ??= end;
    this.ended.resolve(undefined);
  }
}
