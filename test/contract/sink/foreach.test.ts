import { createForeachSink } from '../../../src/sinks/foreach.ts';
import { sinkContract, type DeliveredRow, type SinkUnderTest } from './sink-suite.ts';

/** A writer that makes it once, as Structured Streaming's documentation advises: it notes the batch with its rows. */
sinkContract('foreach', async () => {
  const target = new Map<string, DeliveredRow[]>();
  const subject = (): SinkUnderTest => {
    let rows: DeliveredRow[] = [];
    const keyOf = ({ queryId, batchId }: { queryId: string; batchId: number }): string =>
      `${queryId} ${batchId}`;
    return {
      sink: createForeachSink({
        open(info) {
          rows = [];
          return !target.has(keyOf(info));
        },
        process: (row) => void rows.push(row as object as DeliveredRow),
        close(error, info) {
          if (error === undefined && !target.has(keyOf(info))) target.set(keyOf(info), rows);
        },
      }),
      delivered: async () => [...target.values()].flat(),
      reopen: async () => subject(),
      close: async () => undefined,
    };
  };
  return subject();
});
