import { rowOf } from '../../../src/columns/rows.ts';
import type { Log } from '../../../src/contracts/log.ts';
import type { TopicOutput } from '../../../src/contracts/sink.ts';
import { createMemoryLog } from '../../../src/log/memory/log.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';
import { createTopicSink } from '../../../src/sinks/topics.ts';
import { readPartition } from '../log/log-records.ts';
import { sinkContract, type DeliveredRow, type SinkUnderTest } from './sink-suite.ts';

/** A record a row, as JSON. */
const OUTPUT: TopicOutput = {
  topic: 'out',
  options: { partitions: 1 },
  *records(result) {
    for (const { table } of result.outputs()) {
      for (let row = 0; row < table.count; row += 1) {
        yield { key: null, value: Buffer.from(JSON.stringify(rowOf(table.batch, row))) };
      }
    }
  },
};

function subjectOn(log: Log): SinkUnderTest {
  const sink = createTopicSink({ log, controlTopic: 'out.control', outputs: [OUTPUT] });
  return {
    sink: {
      name: sink.name,
      open: (runner, committed) => sink.open?.(runner, committed) ?? Promise.resolve(undefined),
      // As the engine does it: a sink that says what it holds is asked, and what it holds is not written again.
      async write(result, identity) {
        const held = await sink.open?.(identity, identity.batchId - 1);
        if (held === undefined || held < identity.batchId) await sink.write(result, identity);
      },
    },
    delivered: async () => {
      const records = await readPartition(log, 'out', 0);
      return records.map(({ value }) => JSON.parse(value ?? '') as DeliveredRow);
    },
    reopen: () => Promise.resolve(subjectOn(log)),
    close: async () => sink.close?.(),
  };
}

sinkContract('topics', async () => subjectOn(createMemoryLog({ clock: systemClock })));
