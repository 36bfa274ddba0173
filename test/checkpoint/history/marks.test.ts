/** The marks and losses that a checkpoint keeps. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { thinned } from '../../../src/checkpoint/history/marks.ts';
import { verifyCheckpoint } from '../../../src/checkpoint/verify/verify.ts';
import type { DataLoss } from '../../../src/contracts/batch.ts';
import type { HistoryMark } from '../../../src/contracts/log.ts';
import { createRandom } from '../../../src/producer/random.ts';
import { commitOf, freshLocation, open } from '../support/batches.ts';

const markAt = (nextOffset: number): HistoryMark => {
  return { baseOffset: nextOffset - 1, nextOffset, checksum: nextOffset, leaderEpoch: null, chain: 'ab' };
};

test('marks grow with the logarithm of what was read, and one is near every offset', () => {
  const random = createRandom(7);
  let kept: number[] = [];
  let newest = 0;
  for (let commit = 0; commit < 20_000; commit += 1) {
    newest += 1 + random.below(500);
    kept.push(newest);
    if (kept.length > 64) kept = thinned(kept);
    assert.ok(kept.length <= 64);
    assert.equal(kept.at(-1), newest);
  }
  // From any offset to which a log can go back, what is read again is a small multiple of what was lost.
  for (let lost = 1_000; lost < newest - 1_000; lost *= 2) {
    const below = kept.filter((offset) => offset <= newest - lost).at(-1) ?? 0;
    assert.ok(newest - below <= 4 * lost + 8_000, `${newest - below} are read again for ${lost}`);
  }
});

test('marks are kept over runs, and a damaged one is refused and found by verify', async (t) => {
  const location = freshLocation(t);
  const first = await open(location);
  const state = { partition: 0, maxEventMicros: null, activeAtMs: 1 };
  for (let batchId = 0; batchId < 3; batchId += 1) {
    const nextOffset = batchId * 2 + 2;
    first.commit(
      commitOf(batchId, {
        partitions: [{ ...state, nextOffset, mark: markAt(nextOffset) }],
        marks: [{ partition: 0, mark: markAt(nextOffset - 1) }],
      }),
    );
  }
  first.close();
  const second = await open(location);
  assert.deepEqual(
    second.marks().map(({ mark }) => mark),
    [1, 2, 3, 4, 5, 6].map(markAt),
  );
  assert.deepEqual(second.lastCommit()?.partitions[0]?.mark, markAt(6));
  second.close();
  const database = new DatabaseSync(join(location, 'checkpoint.db'));
  database.exec('UPDATE history_marks SET checksum = checksum + 1 WHERE next_offset = 4');
  database.close();
  assert.match(String(verifyCheckpoint({ location }).findings[0]?.where), /history_marks, row 0:4/);
  await assert.rejects(open(location), { code: 'CHECKPOINT_CORRUPT', message: /history_marks/ });
});

test('a loss that is raised again is kept once, and overlapping ones together', async (t) => {
  const location = freshLocation(t);
  const checkpoint = await open(location);
  const loss: DataLoss = { partition: 1, start: 5, end: 9, kind: 'counted', why: 'They differ.' };
  checkpoint.raiseLosses([loss]);
  checkpoint.raiseLosses([loss, { ...loss, partition: 0 }]);
  checkpoint.raiseLosses([{ ...loss, start: 3, end: 6 }]);
  checkpoint.raiseLosses([{ ...loss, kind: 'unread', start: 20, end: 21 }]);
  const ranges = checkpoint
    .raisedLosses()
    .map(({ partition, start, end, kind }) => [partition, start, end, kind]);
  assert.deepEqual(ranges, [
    [0, 5, 9, 'counted'],
    [1, 3, 9, 'counted'],
    [1, 20, 21, 'unread'],
  ]);
  checkpoint.withdrawLosses();
  assert.deepEqual(checkpoint.raisedLosses(), []);
  checkpoint.close();
});
