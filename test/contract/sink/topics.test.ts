import type { Log } from '../../../src/contracts/log.ts';
import type { TopicOutput } from '../../../src/contracts/sink.ts';
import { createMemoryLog } from '../../../src/log/memory.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';
import { createTopicSink } from '../../../src/sinks/topics.ts';
import { readPartition } from '../log/log-records.ts';
import { sinkContract, type DeliveredBatch, type SinkUnderTest } from './sink-suite.ts';

/** One record a batch, which says what it is of. The sink names queries by their ids and not in the records. */
function outputOf(queryId: () => string): TopicOutput {
  return {
    topic: 'out',
    options: { partitions: 1 },
    *records({ plan, accounting }) {
      const batch: DeliveredBatch = { queryId: queryId(), batchId: plan.batchId, accounting };
      yield { key: null, value: Buffer.from(JSON.stringify(batch)) };
    },
  };
}

function subjectOn(log: Log): SinkUnderTest {
  let queryId = '';
  const sink = createTopicSink({ log, controlTopic: 'out.control', outputs: [outputOf(() => queryId)] });
  const open = sink.open?.bind(sink);
  return {
    sink: {
      name: sink.name,
      open: (runner, committed) => {
        ({ queryId } = runner);
        return open?.(runner, committed) ?? Promise.resolve(undefined);
      },
      write: (result, identity) => sink.write(result, identity),
    },
    delivered: async () => {
      const records = await readPartition(log, 'out', 0);
      return records.map(({ value }) => JSON.parse(value ?? '') as DeliveredBatch);
    },
    reopen: () => Promise.resolve(subjectOn(log)),
    close: async () => sink.close?.(),
  };
}

sinkContract('topics', async () => subjectOn(createMemoryLog({ clock: systemClock })));
