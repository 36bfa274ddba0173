import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openCheckpointView } from '../../../src/checkpoint/view.ts';
import { InvariantError } from '../../../src/errors.ts';
import {
  commitOf,
  freshLocation,
  hasCode,
  letterOf,
  open,
  planOf,
  stateOf,
} from '../../checkpoint/support/batches.ts';

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);
const viewOf = <T>(location: string, read: (view: ReturnType<typeof openCheckpointView>) => T): T => {
  const view = openCheckpointView({ location });
  try {
    return read(view);
  } finally {
    view.close();
  }
};

test('starts with nothing', async (t) => {
  const checkpoint = await open(freshLocation(t));
  assert.deepEqual(stateOf(checkpoint), {
    plan: undefined,
    commit: undefined,
    categories: [],
    all: [],
    segments: [],
    appended: [],
    deadLetterBytes: 0,
    unprinted: undefined,
  });
  assert.match(checkpoint.queryId, /^[0-9a-f-]{36}$/);
  assert.equal(checkpoint.hashKey.byteLength, 16);
  assert.equal(checkpoint.epoch, 1);
});

test('keeps its id and its key, and raises its epoch with every runner', async (t) => {
  const location = freshLocation(t);
  const first = await open(location);
  first.close();
  const second = await open(location);
  assert.equal(second.queryId, first.queryId);
  assert.deepEqual(second.hashKey, first.hashKey);
  assert.equal(second.epoch, first.epoch + 1);
});

test('gives two checkpoints different ids and keys', async (t) => {
  const [one, other] = [await open(freshLocation(t)), await open(freshLocation(t))];
  assert.notEqual(one.queryId, other.queryId);
  assert.notDeepEqual(one.hashKey, other.hashKey);
});

test('keeps a plan that was written and not committed, for the replay', async (t) => {
  const location = freshLocation(t);
  const plan = planOf(0, { idlePartitions: [3], watermarkMicros: 1_750_000_000_123_456 });
  const first = await open(location);
  first.writePlan(plan);
  first.close();
  const second = await open(location);
  assert.deepEqual(second.lastPlan(), plan);
  assert.equal(second.lastCommit(), undefined);
  second.commit(commitOf(0, { plan }));
  assert.equal(second.lastCommit()?.batchId, 0);
});

test('changes nothing where a plan is written twice, and refuses another one for the same batch', async (t) => {
  const checkpoint = await open(freshLocation(t));
  checkpoint.writePlan(planOf(0));
  checkpoint.writePlan({ ...planOf(0) });
  assert.deepEqual(checkpoint.lastPlan(), planOf(0));
  assert.throws(() => checkpoint.writePlan(planOf(0, { clockMs: 1 })), InvariantError);
  assert.throws(() => checkpoint.commit(commitOf(0, { plan: planOf(0, { clockMs: 1 }) })), InvariantError);
  assert.deepEqual(checkpoint.lastPlan(), planOf(0));
});

test('refuses a plan and a commit that are not of the next batch', async (t) => {
  const checkpoint = await open(freshLocation(t));
  assert.throws(() => checkpoint.writePlan(planOf(1)), InvariantError);
  assert.throws(() => checkpoint.commit(commitOf(1)), InvariantError);
  checkpoint.commit(commitOf(0));
  assert.throws(() => checkpoint.commit(commitOf(0)), InvariantError);
  assert.throws(() => checkpoint.commit(commitOf(2)), InvariantError);
  assert.throws(() => checkpoint.writePlan(planOf(2)), InvariantError);
  assert.equal(checkpoint.lastCommit()?.accounting.read, 2);
  checkpoint.commit(commitOf(1));
  assert.equal(checkpoint.lastCommit()?.accounting.read, 4);
});

test('writes plan and commit at once where the plan was not written before', async (t) => {
  const location = freshLocation(t);
  const first = await open(location);
  first.commit(
    commitOf(0, {
      partitions: [
        { partition: 1, nextOffset: 7, maxEventMicros: 1_750_000_000_000_001, activeAtMs: 5, mark: null },
        { partition: 0, nextOffset: 2, maxEventMicros: null, activeAtMs: 4, mark: null },
      ],
      accounting: { read: 9, accepted: 1, invalid: 2, duplicate: 3, late: 3 },
    }),
  );
  first.commit(
    commitOf(1, {
      partitions: [{ partition: 0, nextOffset: 4, maxEventMicros: 8, activeAtMs: 6, mark: null }],
    }),
  );
  first.close();
  const second = await open(location);
  assert.deepEqual(second.lastPlan(), planOf(1));
  assert.deepEqual(second.lastCommit(), {
    batchId: 1,
    watermarkMicros: planOf(1).watermarkMicros,
    partitions: [
      { partition: 0, nextOffset: 4, maxEventMicros: 8, activeAtMs: 6, mark: null },
      { partition: 1, nextOffset: 7, maxEventMicros: 1_750_000_000_000_001, activeAtMs: 5, mark: null },
    ],
    accounting: { read: 11, accepted: 3, invalid: 2, duplicate: 3, late: 3 },
  });
});

test('refuses an accounting that does not add up', async (t) => {
  const checkpoint = await open(freshLocation(t));
  const accounting = { read: 3, accepted: 2, invalid: 0, duplicate: 0, late: 0 };
  assert.throws(() => checkpoint.commit(commitOf(0, { accounting })), InvariantError);
  assert.equal(checkpoint.lastCommit(), undefined);
});

test('holds the groups that were changed with their new totals, and the others as they were', async (t) => {
  const location = freshLocation(t);
  const first = await open(location);
  const change = (category: string, total: string, transactions: number) => ({
    aggregate: 'categories',
    added: [],
    closed: [],
    removed: [],
    totals: [{ key: ['2025-06-26', category], measures: [total, transactions] }],
  });
  first.commit(commitOf(0, { aggregates: [change('Home', '10000000000000000.01', 1)] }));
  first.commit(
    commitOf(1, {
      aggregates: [
        change('Books', '0.10', 1),
        { aggregate: 'all', added: [], closed: [], removed: [], totals: [{ key: [], measures: [2] }] },
      ],
    }),
  );
  first.commit(
    commitOf(2, {
      aggregates: [
        change('Home', '10000000000000000.03', 2),
        { aggregate: 'all', added: [], closed: [], removed: [], totals: [{ key: [], measures: [3] }] },
      ],
    }),
  );
  first.close();
  const second = await open(location);
  assert.deepEqual(stateOf(second).categories, [
    { key: ['2025-06-26', 'Books'], measures: ['0.10', 1] },
    { key: ['2025-06-26', 'Home'], measures: ['10000000000000000.03', 2] },
  ]);
  assert.deepEqual(stateOf(second).all, [{ key: [], measures: [3] }]);
});

test('refuses a group without the cells of its aggregate, and one of no aggregate of the plan', async (t) => {
  const checkpoint = await open(freshLocation(t));
  const change = (aggregate: string, ...key: readonly string[]) =>
    commitOf(0, {
      aggregates: [
        { aggregate, added: [], closed: [], removed: [], totals: [{ key, measures: ['0.10', 1] }] },
      ],
    });
  assert.throws(() => checkpoint.commit(change('categories', 'd')), InvariantError);
  assert.throws(() => checkpoint.commit(change('weeks', 'd', 'c')), InvariantError);
  assert.equal(checkpoint.lastPlan(), undefined);
});

test('shows nothing of what is staged before the commit, and all of it after', async (t) => {
  const location = freshLocation(t);
  const checkpoint = await open(location);
  checkpoint.stageDeadLetter(letterOf(0));
  checkpoint.stageDuplicate(0, 1);
  const found = () =>
    viewOf(location, (view) => [
      [...view.deadLetters({})].map((letter) => letter.offset),
      [...view.deadLetters({ reason: 'DUPLICATE' })].map((letter) => letter.offset),
    ]);
  assert.deepEqual(found(), [[], []]);
  // Reading and planning end the gathering transaction; what was gathered stays aside.
  assert.equal(checkpoint.isRedriven({ topicId: 'x', partition: 0, offset: 0 }), false);
  checkpoint.writePlan(planOf(0));
  checkpoint.stageDeadLetter(letterOf(0, { partition: 2 }));
  assert.deepEqual(found(), [[], []]);
  checkpoint.commit(commitOf(0));
  assert.deepEqual(found(), [[0, 0], [1]]);
});

test('forgets what is staged when the batch starts again, and when the process ends', async (t) => {
  const location = freshLocation(t);
  const first = await open(location);
  first.discardStaged();
  first.stageDeadLetter(letterOf(0));
  first.stageDuplicate(0, 1);
  first.discardStaged();
  first.stageDeadLetter(letterOf(0));
  first.commit(commitOf(0));
  first.stageDeadLetter(letterOf(1));
  first.close();
  const second = await open(location);
  second.commit(commitOf(1));
  viewOf(location, (view) => {
    assert.deepEqual([...view.deadLetters({})], [letterOf(0)]);
    assert.deepEqual([...view.deadLetters({ reason: 'DUPLICATE' })], []);
  });
});

test('counts the bytes of dead letters, staged and kept', async (t) => {
  const location = freshLocation(t);
  const first = await open(location);
  first.stageDeadLetter(letterOf(0, { key: bytes(1, 2), value: new Uint8Array(1000) }));
  first.stageDeadLetter(letterOf(0, { offset: 1, key: null, value: null }));
  assert.equal(first.deadLetterBytes(), 1002);
  first.discardStaged();
  assert.equal(first.deadLetterBytes(), 0);
  first.stageDeadLetter(letterOf(0));
  first.commit(commitOf(0));
  assert.equal(first.deadLetterBytes(), 2);
  first.close();
  const second = await open(location);
  assert.equal(second.deadLetterBytes(), 2);
  second.stageDeadLetter(letterOf(1));
  assert.equal(second.deadLetterBytes(), 4);
});

test('refuses the same record twice, and a letter of another batch', async (t) => {
  const checkpoint = await open(freshLocation(t));
  checkpoint.stageDeadLetter(letterOf(0));
  assert.throws(() => checkpoint.stageDeadLetter(letterOf(0)), InvariantError);
  assert.throws(() => checkpoint.stageDeadLetter(letterOf(1)), InvariantError);
  checkpoint.commit(commitOf(0));
  checkpoint.stageDeadLetter(letterOf(1, { offset: 0 }));
  assert.throws(() => checkpoint.commit(commitOf(1)), InvariantError);
  checkpoint.discardStaged();
  checkpoint.stageDeadLetter(letterOf(7));
  assert.throws(() => checkpoint.commit(commitOf(1)), InvariantError);
  assert.equal(checkpoint.lastCommit()?.batchId, 0);
});

test('keeps dedupe segments and what was appended since the last full one', async (t) => {
  const location = freshLocation(t);
  const first = await open(location);
  const dedupe = (appended: Uint8Array, sealed: [number, Uint8Array][] = [], evicted: number[] = []) => ({
    dedupe: { appended, sealed: sealed.map(([segment, entries]) => ({ segment, entries })), evicted },
  });
  first.commit(commitOf(0, dedupe(bytes(1))));
  first.commit(commitOf(1, dedupe(bytes())));
  first.commit(commitOf(2, dedupe(bytes(2, 3))));
  assert.deepEqual(stateOf(first).appended, [[1], [2, 3]]);
  first.commit(
    commitOf(
      3,
      dedupe(bytes(9), [
        [0, bytes(1, 2, 3, 4)],
        [1, bytes(5, 6, 7, 8)],
      ]),
    ),
  );
  assert.deepEqual(stateOf(first).segments, [
    [0, [1, 2, 3, 4]],
    [1, [5, 6, 7, 8]],
  ]);
  assert.deepEqual(stateOf(first).appended, [[9]]);
  first.commit(commitOf(4, dedupe(bytes(10), [], [0])));
  first.commit(commitOf(5, dedupe(bytes(), [[2, bytes(9, 10, 11, 12)]], [1])));
  first.close();
  const second = await open(location);
  assert.deepEqual(stateOf(second).segments, [[2, [9, 10, 11, 12]]]);
  assert.deepEqual(stateOf(second).appended, []);
});

test('remembers the originals of redriven records', async (t) => {
  const location = freshLocation(t);
  const identity = { topicId: 'a', partition: 1, offset: 2 };
  const first = await open(location);
  first.commit(commitOf(0, { redriven: [identity, identity] }));
  first.commit(commitOf(1, { redriven: [identity] }));
  first.close();
  const second = await open(location);
  for (const checkpoint of [second, openCheckpointView({ location })]) {
    assert.equal(checkpoint.isRedriven(identity), true);
    assert.equal(checkpoint.isRedriven({ ...identity, topicId: 'b' }), false);
    assert.equal(checkpoint.isRedriven({ ...identity, partition: 0 }), false);
    assert.equal(checkpoint.isRedriven({ ...identity, offset: 1 }), false);
    if (checkpoint !== second) checkpoint.close();
  }
});

test('gives the newest report until it is marked as printed', async (t) => {
  const location = freshLocation(t);
  const first = await open(location);
  first.commit(commitOf(0, { report: ['zero', null, { total: '1.00' }] }));
  assert.deepEqual(first.unprintedReport(), { batchId: 0, report: ['zero', null, { total: '1.00' }] });
  first.markPrinted(0);
  first.markPrinted(0);
  first.markPrinted(9);
  assert.equal(first.unprintedReport(), undefined);
  first.commit(commitOf(1, { report: 'one' }));
  first.commit(commitOf(2, { report: 'two' }));
  first.close();
  const second = await open(location);
  assert.deepEqual(second.unprintedReport(), { batchId: 2, report: 'two' });
  second.markPrinted(2);
  second.close();
  const third = await open(location);
  assert.equal(third.unprintedReport(), undefined);
});

test('keeps the history of the newest hundred batches, the accounting of all', async (t) => {
  const location = freshLocation(t);
  const checkpoint = await open(location);
  for (let batchId = 0; batchId < 120; batchId += 1) checkpoint.commit(commitOf(batchId));
  assert.equal(checkpoint.lastCommit()?.accounting.read, 240);
  assert.deepEqual(checkpoint.unprintedReport(), { batchId: 119, report: { batch: 119 } });
  viewOf(location, (view) => {
    const progress = view.recentProgress() as unknown as { batchId: number }[];
    assert.deepEqual([progress.length, progress[0]?.batchId, progress.at(-1)?.batchId], [100, 20, 119]);
  });
});

test('refuses every write of a runner after another took over', async (t) => {
  const location = freshLocation(t);
  const zombie = await open(location);
  zombie.commit(commitOf(0));
  zombie.stageDeadLetter(letterOf(1));
  const runner = await open(location, { takeOver: true });
  const isFenced = hasCode('CHECKPOINT_FENCED', 'epoch 2', 'epoch 1', location);
  assert.throws(() => zombie.writePlan(planOf(1)), isFenced);
  assert.throws(() => zombie.commit(commitOf(1)), isFenced);
  assert.throws(() => zombie.markPrinted(0), isFenced);
  assert.deepEqual(runner.unprintedReport(), { batchId: 0, report: { batch: 0 } });
  runner.commit(commitOf(1));
  assert.throws(() => zombie.commit(commitOf(2)), isFenced);
  assert.deepEqual(
    viewOf(location, (view) => [view.lastBatchId(), [...view.deadLetters({})]]),
    [1, []],
  );
});
