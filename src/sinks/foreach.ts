/** Rows to a function of the user's: Structured Streaming's ForeachWriter. */
import { rowOf } from '../columns/rows.ts';
import type { ResultTable } from '../contracts/batch-result.ts';
import type { ForeachBatchInfo, ForeachWriter, Sink } from '../contracts/sink.ts';

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
