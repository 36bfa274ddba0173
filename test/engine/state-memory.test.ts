/** The budget of memory for groups and ids: what is above it ends the query with a reason, and loses nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkStateMemory, stateMemoryOf, type OperatorState } from '../../src/engine/state-memory.ts';
import { IdTable } from '../../src/operators/dedupe/id-table.ts';
import type { Aggregate } from '../../src/plan/query-plan.ts';
import { createHarness, groupsOf, recordOf, START_MS, testPlan } from './harness.ts';

const KIBI = 1024;
const SEGMENT_ENTRIES = 64;
/** What a table of ids takes that has none yet. */
const IDS_BYTES = new IdTable(SEGMENT_ENTRIES).bytes;
const GROUPS = 2000;

const events = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) =>
    recordOf({ id: `id-${from + index}`, atMs: START_MS, kind: `kind ${from + index}` }),
  );

test('groups above the budget end the query before the batch commits, and more memory goes on', async () => {
  const plan = testPlan({ dedupe: null });
  const harness = await createHarness({ plan });
  try {
    await harness.append(events(0, 100));
    await harness.run({ stateBytesMax: 128 * KIBI });
    await harness.append(events(100, GROUPS));
    await assert.rejects(harness.run({ stateBytesMax: 128 * KIBI }), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'STATE_TOO_LARGE');
      assert.match(error.message, /takes \d[\d.]* [KM]iB of memory; the limit is 128 KiB/);
      assert.match(error.message, /aggregate kinds holds \d+ groups in \d[\d.]* [KM]iB/);
      assert.match(error.message, /Nothing of this batch was committed/);
      assert.match(error.message, /query\.state_bytes_max/);
      return true;
    });
    assert.equal(Object.keys(harness.view(groupsOf)).length, 100, 'what was committed is as it was');
    await harness.run({ stateBytesMax: 4096 * KIBI });
    const groups = harness.view(groupsOf);
    assert.equal(Object.keys(groups).length, GROUPS);
    assert.ok(Object.values(groups).every(([total, count]) => total === '1.00' && count === 1));
    const atStart = harness.run({ stateBytesMax: 128 * KIBI });
    await assert.rejects(atStart, /STATE_TOO_LARGE|It could not be restored from the checkpoint completely/);
    assert.equal(Object.keys(harness.view(groupsOf)).length, GROUPS);
  } finally {
    await harness.close();
  }
});

test('remembered ids count with the bytes that are allocated for them', async () => {
  const plan = testPlan({ aggregates: [], rows: [{ name: 'id', column: 'id' }], outputMode: 'append' });
  const harness = await createHarness({ plan, segmentEntries: SEGMENT_ENTRIES });
  try {
    await harness.append(events(0, 50));
    await assert.rejects(harness.run({ stateBytesMax: IDS_BYTES - 1 }), {
      code: 'STATE_TOO_LARGE',
      message: /dropDuplicatesWithinWatermark holds \d+ ids in \d/,
    });
    await harness.run({ stateBytesMax: IDS_BYTES });
    await harness.append(events(0, 5000));
    await assert.rejects(harness.run({ stateBytesMax: IDS_BYTES }), { code: 'STATE_TOO_LARGE' });
    await harness.run({ stateBytesMax: 100 * IDS_BYTES });
    const { accepted, duplicate } = harness.view((view) => view.accounting());
    assert.deepEqual([accepted, duplicate], [5000, 50]);
  } finally {
    await harness.close();
  }
});

test('windows and sessions that are over give their memory back', async () => {
  for (const kind of ['window', 'sessionWindow'] as const) {
    const time =
      kind === 'window'
        ? ({ kind, name: 'w', column: 'at', sizeMs: 60_000, slideMs: 60_000, startMs: 0 } as const)
        : ({ kind, name: 'w', column: 'at', gapMs: 60_000 } as const);
    const aggregate: Aggregate = {
      name: 'kinds',
      keys: [time, { kind: 'column', name: 'kind', column: 'kind' }],
      measures: [{ kind: 'last', name: 'note', column: 'id' }],
    };
    const watermark = { column: 'at', delayMs: 0, idleTimeoutMs: 60_000 };
    const plan = testPlan({ dedupe: null, aggregates: [aggregate], outputMode: 'append', watermark });
    const harness = await createHarness({ plan });
    try {
      // Each hour 100 groups, which together would take four times the budget.
      for (let hour = 0; hour < 20; hour += 1) {
        const atMs = START_MS + hour * 3_600_000;
        if (hour > 0) harness.clock.advance(3_600_000);
        const hours = Array.from({ length: 100 }, (_, index) =>
          recordOf({ id: `${index}`, atMs, kind: `${index}` }),
        );
        await harness.append(hours);
        await harness.run({ stateBytesMax: 400 * KIBI });
      }
      assert.equal(harness.view((view) => view.accounting()).accepted, 2000);
    } finally {
      await harness.close();
    }
  }
});

test('groups that the heap has no room for are refused with the setting of Node', () => {
  const state: OperatorState = {
    operatorName: 'aggregate kinds',
    numRowsTotal: 3,
    numRowsUpdated: 0,
    numRowsRemoved: 0,
    memoryUsedBytes: 2048,
    isInHeap: true,
  };
  const memory = { bytesMax: 1e12, heapBytesMax: 2047 };
  assert.throws(() => checkStateMemory(memory, [state]), {
    code: 'STATE_TOO_LARGE',
    message: /--max-old-space-size/,
  });
  checkStateMemory(memory, [{ ...state, isInHeap: false }]);
  const auto = stateMemoryOf(null);
  assert.ok(auto.bytesMax <= 1024 ** 3 && auto.bytesMax <= auto.heapBytesMax);
  assert.equal(stateMemoryOf(5).bytesMax, 5);
});
