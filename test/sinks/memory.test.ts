import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_ACCOUNTING } from '../../src/contracts/batch.ts';
import { createMemorySink } from '../../src/sinks/memory.ts';

test('keeps a copy that does not change with what the engine does next', async () => {
  const sink = createMemorySink();
  const added: { key: string[]; measures: (string | number)[] }[] = [{ key: ['USD'], measures: ['1.00', 1] }];
  const result = {
    plan: {
      batchId: 0,
      topicId: 't',
      ranges: [],
      lost: [],
      clockMs: 0,
      watermarkMicros: null,
      idlePartitions: [],
    },
    accounting: NO_ACCOUNTING,
    aggregates: [{ aggregate: 'running', added, closed: [], removed: [], totals: [] }],
    sample: [],
    lost: [],
    deadLetters: () => [],
    outputs: () => [],
    allGroups: () => [],
  };
  await sink.write(result, { queryId: 'q', batchId: 0, epoch: 1 });
  added.pop();
  assert.deepEqual(sink.deliveries()[0]?.result.aggregates[0]?.added, [
    { key: ['USD'], measures: ['1.00', 1] },
  ]);
});
