/** Keeps every batch's result in memory: for tests and trials, since nothing is ever given up. */
import { rowOf, type Row } from '../columns/rows.ts';
import type { BatchResult } from '../contracts/batch-result.ts';
import type { DeadLetter } from '../contracts/batch.ts';
import type { BatchIdentity, Sink } from '../contracts/sink.ts';

/** One output of a batch. */
export interface MemoryOutput {
  readonly name: string;
  /** As `rowOf` gives them, but with the prototype of objects, so that a test compares them with its own. */
  readonly rows: readonly Row[];
}

/** What a sink was given of a batch. All groups of an aggregate are left out: they belong to the running state. */
export interface MemoryDelivery extends BatchIdentity {
  readonly result: Omit<BatchResult, 'allGroups' | 'deadLetters' | 'outputs'> & {
    readonly deadLetters: readonly DeadLetter[];
    readonly outputs: readonly MemoryOutput[];
  };
}

export interface MemorySink extends Sink {
  /** One delivery a (queryId, batchId), in order of the first; of a repeat the latest is kept, which says the same. */
  deliveries(): readonly MemoryDelivery[];
  /**
   * The rows of an output over all batches, in order of delivery: in append mode what the query has given so far. Of all
   * outputs where none is named.
   */
  rows(output?: string): readonly Row[];
}

export function createMemorySink(name = 'memory'): MemorySink {
  const kept = new Map<string, MemoryDelivery>();
  const deliveries = (): readonly MemoryDelivery[] => [...kept.values()];
  return {
    name,
    async write(batch, identity) {
      const { plan, accounting, aggregates, sample, lost } = batch;
      const { queryId, batchId } = identity;
      // A copy, because the engine continues with its own values after the call.
      const result = structuredClone({
        plan,
        accounting,
        aggregates,
        sample,
        lost,
        deadLetters: [...batch.deadLetters()],
        outputs: batch.outputs().map(({ name, table }) => ({
          name,
          rows: Array.from({ length: table.count }, (_, row) => rowOf(table.batch, row)),
        })),
      });
      kept.set(JSON.stringify([queryId, batchId]), { ...identity, result });
    },
    deliveries,
    rows: (output) =>
      deliveries()
        .flatMap(({ result }) => result.outputs)
        .filter(({ name }) => output === undefined || name === output)
        .flatMap(({ rows }) => rows),
  };
}
