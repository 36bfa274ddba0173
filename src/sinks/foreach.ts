/** Rows to a function of the user's: Structured Streaming's ForeachWriter. */
import { rowOf, type Row } from '../columns/rows.ts';
import type { ResultTable } from '../contracts/batch-result.ts';
import type { BatchIdentity, Sink } from '../contracts/sink.ts';

/** A batch's rows of one output. */
export interface ForeachBatchInfo extends BatchIdentity {
  readonly output: string;
}

/** A function alone is a writer's `process`. */
export interface ForeachWriter {
  /**
   * Before the first row of an output of a batch; not called where it has none. Answers false where the batch is to be
   * left out, as a target does that has noted `(queryId, batchId)`.
   */
  open?(info: ForeachBatchInfo): boolean | void | Promise<boolean | void>;
  /** One row, in order, one at a time; as `rowOf` gives them. */
  process(row: Row, info: ForeachBatchInfo): void | Promise<void>;
  /** Behind the last row, wherever `open` was called; with what `open` or `process` threw, or undefined. */
  close?(error: unknown, info: ForeachBatchInfo): void | Promise<void>;
}

/**
 * At least once: a batch that was cut off, or whose commit was, is given again, whole, with the same identity and rows. It
 * is exactly once where the writer knows what it has: by `open`, or by keys that a repeat replaces. What the writer throws
 * ends the query; at the next start the batch is given again.
 */
export function createForeachSink(writer: ForeachWriter | ForeachWriter['process'], name = 'foreach'): Sink {
  const methods = typeof writer === 'function' ? { process: writer } : writer;
  return {
    name,
    async write(result, identity) {
      for (const output of result.outputs()) {
        if (output.table.count > 0) await give(methods, output, { ...identity, output: output.name });
      }
    },
  };
}

async function give(writer: ForeachWriter, { table }: ResultTable, info: ForeachBatchInfo): Promise<void> {
  try {
    const isWanted = await writer.open?.(info);
    for (let row = 0; row < table.count && isWanted !== false; row += 1) {
      const done = writer.process(rowOf(table.batch, row), info);
      // Most writers answer at once; waiting for each row would give every one of them a turn of the event loop.
      if (done !== undefined) await done;
    }
  } catch (error) {
    try {
      await writer.close?.(error, info);
    } catch {
      // The first failure is the one to know of.
    }
    throw error;
  }
  await writer.close?.(undefined, info);
}
