/**
 * Knows whether a caller runs inside a handler of a query. The query waits for its handler, so a handler that waited for
 * the end of its query would wait forever.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

interface Call {
  readonly scope: HandlerScope;
  /** What a handler started and did not wait for may wait for the query once the handler has returned. */
  isOver: boolean;
}

const calls = new AsyncLocalStorage<Call>();

/** The handlers of one query. */
export class HandlerScope {
  /** The queries whose end a handler of this query waits for now. */
  private readonly awaited = new Set<HandlerScope>();

  /** Runs a handler of the query, of which there is one at a time. */
  async run<T>(handler: () => Promise<T>): Promise<T> {
    const call: Call = { scope: this, isOver: false };
    try {
      return await calls.run(call, handler);
    } finally {
      call.isOver = true;
      this.awaited.clear();
    }
  }

  /**
   * Whether the end of this query waits for the caller: in a handler of the query itself, or in one of another query that a
   * handler of this one waits for.
   */
  get waitsForCaller(): boolean {
    const scope = currentScope();
    return scope !== undefined && this.waitsFor(scope);
  }

  /** Waits for something of this query, and lets it be known where the caller is in a handler of another. */
  async wait<T>(end: Promise<T>): Promise<T> {
    const waiting = currentScope();
    waiting?.awaited.add(this);
    try {
      return await end;
    } finally {
      waiting?.awaited.delete(this);
    }
  }

  private waitsFor(other: HandlerScope): boolean {
    return this === other || [...this.awaited].some((scope) => scope.waitsFor(other));
  }
}

/** Whether the caller runs in a handler of any query. */
export function isInHandler(): boolean {
  return currentScope() !== undefined;
}

function currentScope(): HandlerScope | undefined {
  const call = calls.getStore();
  return call === undefined || call.isOver ? undefined : call.scope;
}
