import { createMemorySink } from '../../../src/sinks/memory.ts';
import { sinkContract, type DeliveredRow } from './sink-suite.ts';

sinkContract('memory', async () => {
  const sink = createMemorySink();
  return {
    sink,
    delivered: async () => sink.rows('events') as readonly object[] as readonly DeliveredRow[],
    close: async () => undefined,
  };
});
