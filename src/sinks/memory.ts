/** Keeps every batch's result in memory: for tests and trials, since nothing is ever given up. */
import type { BatchResult } from '../contracts/batch-result.ts';
import type { DeadLetter } from '../contracts/batch.ts';
import type { BatchIdentity, Sink } from '../contracts/sink.ts';

/** What a sink was given of a batch. All groups of an aggregate are left out: they belong to the running state. */
export interface MemoryDelivery extends BatchIdentity {
  readonly result: Omit<BatchResult, 'allGroups' | 'deadLetters'> & {
    readonly deadLetters: readonly DeadLetter[];
  };
}

export interface MemorySink extends Sink {
  /** One delivery a (queryId, batchId), in order of the first; of a repeat the latest is kept, which says the same. */
  deliveries(): readonly MemoryDelivery[];
}

export function createMemorySink(name = 'memory'): MemorySink {
  const kept = new Map<string, MemoryDelivery>();
  return {
    name,
    async write(batch, identity) {
      const { plan, accounting, aggregates, sample, lost } = batch;
      const { queryId, batchId } = identity;
      // A copy, because the engine goes on with its own values after the call.
      const result = structuredClone({
        plan,
        accounting,
        aggregates,
        sample,
        lost,
        deadLetters: [...batch.deadLetters()],
      });
      kept.set(JSON.stringify([queryId, batchId]), { ...identity, result });
    },
    deliveries: () => [...kept.values()],
  };
}
