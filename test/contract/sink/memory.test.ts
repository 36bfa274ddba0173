import { createMemorySink } from '../../../src/sinks/memory.ts';
import { sinkContract } from './sink-suite.ts';

sinkContract('memory', async () => {
  const sink = createMemorySink();
  return {
    sink,
    delivered: async () =>
      sink
        .deliveries()
        .map(({ queryId, batchId, result: { accounting } }) => ({ queryId, batchId, accounting })),
    close: async () => undefined,
  };
});
