import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_ACCOUNTING } from '../../src/contracts/batch.ts';
import { createMemorySink } from '../../src/sinks/memory.ts';
import { GROUPS, resultOf, tableOf } from './results.ts';

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

test('keeps the rows of every output as objects that compare with others', async () => {
  const sink = createMemorySink();
  const window = { start: '2025-06-26T14:00:00.000Z', end: '2025-06-26T15:00:00.000Z' };
  const hours = tableOf(GROUPS, [[window.start, window.end, 'a', '4.10', 3n]]);
  for (const batchId of [0, 1]) {
    const result = resultOf(batchId, [
      { name: 'hours', table: hours },
      { name: 'none', table: tableOf(GROUPS, []) },
    ]);
    await sink.write(result, { queryId: 'q', batchId, epoch: 1 });
    await sink.write(result, { queryId: 'q', batchId, epoch: 1 });
  }
  hours.clear();
  const row = { window, kind: 'a', total: '4.10', events: 3n };
  assert.deepEqual(sink.deliveries()[1]?.result.outputs, [
    { name: 'hours', rows: [row] },
    { name: 'none', rows: [] },
  ]);
  assert.deepEqual(sink.rows('hours'), [row, row]);
  assert.deepEqual(sink.rows('none'), []);
  assert.equal(sink.rows().length, 2);
});
