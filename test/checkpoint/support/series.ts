/**
 * A long series of batches in which every batch follows from its number alone, and what the checkpoint must hold after
 * any of them. A child that is killed and the test that looks at its remains both know it.
 */
import assert from 'node:assert/strict';
import type { BatchCommit } from '../../../src/contracts/batch.ts';
import type { Checkpoint } from '../../../src/contracts/checkpoint.ts';
import { openCheckpointView } from '../../../src/checkpoint/view.ts';
import { commitOf, letterOf, planOf, stateOf } from './batches.ts';

const ENTRY_BYTES = 32;
const ENTRIES_A_BATCH = 10;
const ENTRIES_A_SEGMENT = 64;
const SEGMENTS_KEPT = 3;
const CATEGORIES = 5;

/** Writes one batch as the engine does: every other one with a plan of its own before. */
export function runBatch(checkpoint: Checkpoint, batchId: number): void {
  if (batchId % 2 === 0) checkpoint.writePlan(planOf(batchId));
  checkpoint.discardStaged();
  checkpoint.stageDeadLetter(letterOf(batchId, { value: entries(batchId, batchId + 1) }));
  checkpoint.stageDuplicate(0, batchId * 2 + 1);
  checkpoint.commit(seriesCommit(batchId));
}

/** The checkpoint holds exactly what it must after batch `committed`, seen as a runner and as a reader. */
export function checkSeries(checkpoint: Checkpoint, location: string): void {
  const state = stateOf(checkpoint);
  const count = (state.commit?.batchId ?? -1) + 1;
  const planned = state.plan?.batchId ?? -1;
  assert.ok(planned === count - 1 || planned === count, `plan ${planned} beside ${count} commits`);
  assert.equal(state.commit?.accounting.read ?? 0, count * 2);
  assert.equal(state.commit?.partitions[0]?.nextOffset ?? 0, count * 2);
  assert.deepEqual(state.categories, expectedGroups(count));
  assert.deepEqual(state.all, count === 0 ? [] : [{ key: [], measures: [count] }]);
  assert.equal(state.deadLetterBytes, count * (ENTRY_BYTES + 1));
  checkDedupe(state, count * ENTRIES_A_BATCH);
  const view = openCheckpointView({ location });
  const batches = Array.from({ length: count }, (_, batchId) => batchId);
  assert.deepEqual(
    Array.from(view.deadLetters({}), ({ batchId, offset, value }) => [batchId, offset, value]),
    batches.map((batchId) => [batchId, batchId * 2, entries(batchId, batchId + 1)]),
  );
  assert.deepEqual(
    Array.from(view.deadLetters({ reason: 'DUPLICATE' }), ({ batchId, offset }) => [batchId, offset]),
    batches.map((batchId) => [batchId, batchId * 2 + 1]),
  );
  view.close();
}

function seriesCommit(batchId: number): BatchCommit {
  const total = batchId * ENTRIES_A_BATCH;
  const end = total + ENTRIES_A_BATCH;
  const open = Math.floor(end / ENTRIES_A_SEGMENT);
  const isSealed = open > Math.floor(total / ENTRIES_A_SEGMENT);
  const segment = open - 1;
  return commitOf(batchId, {
    accounting: { read: 2, accepted: 0, invalid: 1, duplicate: 1, late: 0 },
    aggregates: [
      {
        aggregate: 'categories',
        added: [],
        closed: [],
        removed: [],
        totals: [groupAfter(batchId % CATEGORIES, batchId + 1)],
      },
      {
        aggregate: 'all',
        added: [],
        closed: [],
        removed: [],
        totals: [{ key: [], measures: [batchId + 1] }],
      },
    ],
    dedupe: {
      appended: entries(isSealed ? open * ENTRIES_A_SEGMENT : total, end),
      sealed: isSealed ? [{ segment, entries: segmentEntries(segment) }] : [],
      evicted: isSealed && segment >= SEGMENTS_KEPT ? [segment - SEGMENTS_KEPT] : [],
    },
  });
}

function expectedGroups(count: number) {
  return Array.from({ length: Math.min(CATEGORIES, count) }, (_, category) => groupAfter(category, count));
}

/** Each batch of a category adds 1.01 to it. */
function groupAfter(category: number, count: number) {
  const batches = Math.floor((count - 1 - category) / CATEGORIES) + 1;
  const cents = String(batches * 101);
  return {
    key: ['2025-06-26', `category ${category}`],
    measures: [`${cents.slice(0, -2)}.${cents.slice(-2)}`, batches],
  };
}

function checkDedupe(state: ReturnType<typeof stateOf>, total: number): void {
  const open = Math.floor(total / ENTRIES_A_SEGMENT);
  const first = Math.max(0, open - SEGMENTS_KEPT);
  const expected = Array.from({ length: open - first }, (_, index) => first + index);
  assert.deepEqual(
    state.segments,
    expected.map((segment) => [segment, [...segmentEntries(segment)]]),
  );
  assert.deepEqual(state.appended.flat(), [...entries(open * ENTRIES_A_SEGMENT, total)]);
}

function segmentEntries(segment: number): Uint8Array {
  return entries(segment * ENTRIES_A_SEGMENT, (segment + 1) * ENTRIES_A_SEGMENT);
}

function entries(start: number, end: number): Uint8Array {
  const bytes = new Uint8Array((end - start) * ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  for (let entry = start; entry < end; entry += 1) view.setUint32((entry - start) * ENTRY_BYTES, entry);
  return bytes;
}
