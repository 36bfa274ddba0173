import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BatchPlan, PartitionState } from '../../src/contracts/batch.ts';
import {
  atMost,
  boundOf,
  isBalanced,
  partitionsAfter,
  planBatch,
  recoverSink,
  recover,
  type PlanInput,
} from '../../src/engine/protocol.ts';

const HOUR_MS = 3_600_000;

function input(over: Partial<PlanInput> = {}): PlanInput {
  return {
    batchId: 0,
    nowMs: 1_000,
    topicId: 'topic-a',
    offsets: [{ partition: 0, earliest: 0, latest: 10 }],
    partitions: [],
    previous: undefined,
    watermarkDelayMs: HOUR_MS,
    idleTimeoutMs: 60_000,
    offsetsMax: 1_000,
    failOnDataLoss: true,
    firstEndMicros: Infinity,
    ...over,
  };
}

function previousPlan(over: Partial<BatchPlan> = {}): BatchPlan {
  return {
    batchId: 0,
    topicId: 'topic-a',
    ranges: [],
    lost: [],
    clockMs: 500,
    watermarkMicros: null,
    idlePartitions: [],
    ...over,
  };
}

function state(partition: number, over: Partial<PartitionState> = {}): PartitionState {
  return { partition, nextOffset: 10, maxEventMicros: null, activeAtMs: 0, mark: null, ...over };
}

function planOf(over: Partial<PlanInput>): BatchPlan {
  const decision = planBatch(input(over));
  assert.equal(decision.kind, 'plan');
  return decision.plan;
}

describe('a partition that cannot be asked', () => {
  const away = { partition: 1, earliest: 0, latest: 0, unavailable: 'it has no leader' };
  const here = { partition: 0, earliest: 0, latest: 20 };
  const seen = (nextOffset: number) => state(1, { nextOffset, maxEventMicros: 5_000_000_000, activeAtMs: 0 });
  const read = state(0, { maxEventMicros: 9_000_000_000 });

  it('has nothing new and nothing missing, and the others go on', () => {
    const plan = planOf({ offsets: [here, away], partitions: [read, seen(42)], previous: previousPlan() });
    assert.deepEqual(plan.ranges, [{ partition: 0, start: 10, end: 20 }]);
    assert.deepEqual(plan.lost, []);
  });

  it('is never idle, since it may have unread records, and so holds the watermark back', () => {
    const long = {
      nowMs: 10_000_000,
      watermarkDelayMs: 0,
      partitions: [read, seen(42)],
      previous: previousPlan(),
    };
    const plan = planOf({ ...long, offsets: [here, away] });
    assert.deepEqual([plan.idlePartitions, plan.watermarkMicros], [[], 5_000_000_000]);
    const back = planOf({ ...long, offsets: [here, { partition: 1, earliest: 0, latest: 42 }] });
    assert.deepEqual([back.idlePartitions, back.watermarkMicros], [[1], 9_000_000_000]);
  });

  it('is not remembered before it was seen, so it begins where a new partition does', () => {
    const after = partitionsAfter(previousPlan(), [read], [here, away], new Map());
    assert.deepEqual(
      after.map(({ partition }) => partition),
      [0],
    );
  });

  it('bounds nothing until its end is known', () => {
    const present = [here, { partition: 1, earliest: 0, latest: 50 }];
    const [, held] = atMost(present, [here, away]);
    assert.equal(held?.unavailable, 'it has no leader');
    const bound = boundOf(
      [here, away],
      [
        { ...here, latest: 99 },
        { partition: 1, earliest: 0, latest: 48 },
      ],
    );
    assert.deepEqual(
      atMost(present, bound).map(({ latest }) => latest),
      [20, 48],
    );
  });
});

describe('recover', () => {
  it('starts batch 0 where there is nothing', () => {
    assert.deepEqual(recover({ planned: undefined, committed: undefined }), { kind: 'start', batchId: 0 });
  });

  it('starts the next batch where the last plan was committed', () => {
    assert.deepEqual(recover({ planned: 7, committed: 7 }), { kind: 'start', batchId: 8 });
  });

  it('replays a plan that was not committed', () => {
    assert.deepEqual(recover({ planned: 7, committed: 6 }), { kind: 'replay', batchId: 7 });
    assert.deepEqual(recover({ planned: 0, committed: undefined }), { kind: 'replay', batchId: 0 });
  });

  it('refuses anything else', () => {
    assert.equal(recover({ planned: 6, committed: 7 }).kind, 'refuse');
    assert.equal(recover({ planned: 9, committed: 7 }).kind, 'refuse');
    assert.equal(recover({ planned: undefined, committed: 0 }).kind, 'refuse');
    assert.equal(recover({ planned: 1, committed: undefined }).kind, 'refuse');
  });
});

describe('recoverSink', () => {
  const [planned, committed] = [7, 6];

  it('writes on to a sink that holds what was committed, or less', () => {
    for (const held of [undefined, 0, 5, 6]) {
      assert.deepEqual(recoverSink({ planned, committed, held }), { kind: 'write' });
    }
    assert.deepEqual(recoverSink({ planned: undefined, committed: undefined, held: undefined }), {
      kind: 'write',
    });
  });

  it('leaves out the batch that the sink holds and the checkpoint has planned', () => {
    assert.deepEqual(recoverSink({ planned, committed, held: 7 }), { kind: 'written', batchId: 7 });
    assert.deepEqual(recoverSink({ planned: 0, committed: undefined, held: 0 }), {
      kind: 'written',
      batchId: 0,
    });
  });

  it('refuses a sink that holds what was never planned here', () => {
    assert.equal(recoverSink({ planned, committed, held: 8 }).kind, 'refuse');
    assert.equal(recoverSink({ planned: 6, committed: 6, held: 7 }).kind, 'refuse');
    assert.equal(recoverSink({ planned: undefined, committed: undefined, held: 0 }).kind, 'refuse');
  });
});

describe('planBatch', () => {
  it('names what is gone and goes on after it, where it may', () => {
    const plan = planOf({
      failOnDataLoss: false,
      previous: previousPlan(),
      partitions: [state(0, { nextOffset: 5 }), state(1, { nextOffset: 2 }), state(2, { nextOffset: 3 })],
      offsets: [
        { partition: 0, earliest: 8, latest: 20 },
        { partition: 1, earliest: 0, latest: 4 },
        { partition: 2, earliest: 9, latest: 9 },
      ],
    });
    assert.deepEqual(plan.lost, [
      { partition: 0, start: 5, end: 8 },
      { partition: 2, start: 3, end: 9 },
    ]);
    assert.deepEqual(plan.ranges, [
      { partition: 0, start: 8, end: 20 },
      { partition: 1, start: 2, end: 4 },
    ]);
  });

  it('starts at the earliest offset without a commit, and at 0 in a partition that appears later', () => {
    const first = planOf({ offsets: [{ partition: 0, earliest: 4, latest: 10 }] });
    assert.deepEqual(first.ranges, [{ partition: 0, start: 4, end: 10 }]);
    const later = planOf({
      offsets: [
        { partition: 0, earliest: 4, latest: 10 },
        { partition: 1, earliest: 0, latest: 3 },
      ],
      partitions: [state(0)],
      previous: previousPlan(),
    });
    assert.deepEqual(later.ranges, [{ partition: 1, start: 0, end: 3 }]);
  });

  it('makes no batch where nothing is new', () => {
    assert.equal(planBatch(input({ partitions: [state(0)], previous: previousPlan() })).kind, 'nothing new');
  });

  it('shares the limit out in proportion, rounded up so that no partition starves', () => {
    const plan = planOf({
      offsetsMax: 100,
      offsets: [
        { partition: 0, earliest: 0, latest: 900 },
        { partition: 1, earliest: 0, latest: 99 },
        { partition: 2, earliest: 0, latest: 1 },
        { partition: 3, earliest: 0, latest: 0 },
      ],
    });
    assert.deepEqual(plan.ranges, [
      { partition: 0, start: 0, end: 90 },
      { partition: 1, start: 0, end: 10 },
      { partition: 2, start: 0, end: 1 },
    ]);
  });

  it('refuses a topic that was made anew, records that are gone, and a log that ends too early', () => {
    const previous = previousPlan();
    const partitions = [state(0, { nextOffset: 5 })];
    assert.deepEqual(planBatch(input({ topicId: 'topic-b', previous, partitions })), {
      kind: 'topic recreated',
      committedTopicId: 'topic-a',
    });
    const removed = input({ previous, partitions, offsets: [{ partition: 0, earliest: 8, latest: 20 }] });
    assert.deepEqual(planBatch(removed), {
      kind: 'records removed',
      missing: [{ partition: 0, start: 5, end: 8 }],
    });
    const short = input({ previous, partitions, offsets: [{ partition: 0, earliest: 0, latest: 3 }] });
    assert.deepEqual(planBatch(short), {
      kind: 'log went back',
      missing: [{ partition: 0, start: 3, end: 5 }],
    });
  });

  it('takes the minimum over partitions as the watermark, and never goes back', () => {
    const offsets = [
      { partition: 0, earliest: 0, latest: 20 },
      { partition: 1, earliest: 0, latest: 20 },
    ];
    const partitions = [state(0, { maxEventMicros: 9e9 }), state(1, { maxEventMicros: 5e9 })];
    assert.equal(
      planOf({ offsets, partitions, previous: previousPlan() }).watermarkMicros,
      5e9 - HOUR_MS * 1000,
    );
    const ahead = previousPlan({ watermarkMicros: 6e9 });
    assert.equal(planOf({ offsets, partitions, previous: ahead }).watermarkMicros, 6e9);
  });

  it('lets a partition without an accepted event hold the watermark, until it is idle', () => {
    const offsets = [
      { partition: 0, earliest: 0, latest: 20 },
      { partition: 1, earliest: 0, latest: 0 },
    ];
    const partitions = [state(0, { maxEventMicros: 9e9 }), state(1, { nextOffset: 0, activeAtMs: 1_000 })];
    const waiting = planOf({ offsets, partitions, previous: previousPlan(), nowMs: 60_999 });
    assert.deepEqual([waiting.watermarkMicros, waiting.idlePartitions], [null, []]);
    const idle = planOf({ offsets, partitions, previous: previousPlan(), nowMs: 61_000 });
    assert.deepEqual([idle.watermarkMicros, idle.idlePartitions], [9e9 - HOUR_MS * 1000, [1]]);
  });

  it('never calls a partition with unread records idle', () => {
    const offsets = [{ partition: 0, earliest: 0, latest: 11 }];
    const plan = planOf({ offsets, partitions: [state(0)], previous: previousPlan(), nowMs: 1e12 });
    assert.deepEqual(plan.idlePartitions, []);
  });

  it('ends on offsets that are no numbers, and plans no batch that reads nothing', () => {
    const offsets = [{ partition: 0, earliest: 0, latest: Number.NaN }];
    assert.throws(() => planBatch(input({ offsets, partitions: [state(0)] })), { name: 'InvariantError' });
  });

  it('lets the clock come back with the wall clock, and keeps how long a partition was idle', () => {
    const offsets = [0, 1].map((partition) => ({
      partition,
      earliest: 0,
      latest: partition === 0 ? 20 : 10,
    }));
    const partitions = [state(0), state(1, { activeAtMs: 1_000_000 - 59_000 })];
    const previous = previousPlan({ clockMs: 1_000_000 });
    const back = { offsets, partitions, previous, clockShiftMs: -999_000 };
    const early = planOf({ ...back, nowMs: 1_999 });
    assert.deepEqual([early.clockMs, early.clockShiftMs, early.idlePartitions], [1_999, -999_000, []]);
    assert.deepEqual(planOf({ ...back, nowMs: 2_000 }).idlePartitions, [1]);
  });

  it('says nothing of a clock that did not jump, and carries on that the watermark was lowered', () => {
    const lowered = { batchId: 3, toMicros: 1, fromMicros: 2 };
    const plan = planOf({ previous: previousPlan({ lowered }), clockShiftMs: 0 });
    assert.equal('clockShiftMs' in plan, false);
    assert.deepEqual(plan.lowered, lowered);
  });
});

const MARK = { baseOffset: 12, nextOffset: 20, checksum: 7, leaderEpoch: null, chain: null };

describe('partitionsAfter', () => {
  it('moves what was read, keeps what was not, and begins the idleness of what is new', () => {
    const plan = previousPlan({ clockMs: 700 });
    const after = partitionsAfter(
      plan,
      [state(0), state(1, { nextOffset: 3, maxEventMicros: 42, activeAtMs: 9 })],
      [0, 1, 2].map((partition) => ({ partition, earliest: 0, latest: 20 })),
      new Map([[0, { nextOffset: 20, maxEventMicros: 77, mark: MARK }]]),
    );
    assert.deepEqual(after, [
      { partition: 0, nextOffset: 20, maxEventMicros: 77, activeAtMs: 700, mark: MARK },
      { partition: 1, nextOffset: 3, maxEventMicros: 42, activeAtMs: 9, mark: null },
      { partition: 2, nextOffset: 0, maxEventMicros: null, activeAtMs: 700, mark: null },
    ]);
  });
});

describe('partitionsAfter of a plan whose clock jumped', () => {
  it('moves the times that older clocks gave by the jump', () => {
    const after = partitionsAfter(
      previousPlan({ clockMs: 700, clockShiftMs: -1_000 }),
      [state(0, { activeAtMs: 1_650 }), state(1, { activeAtMs: 1_200 })],
      [],
      new Map([[0, { nextOffset: 20, maxEventMicros: null, mark: null }]]),
    );
    assert.deepEqual(
      after.map(({ activeAtMs }) => activeAtMs),
      [700, 200],
    );
  });
});

describe('isBalanced', () => {
  it('holds exactly when every record has one verdict', () => {
    assert.equal(isBalanced({ read: 22, accepted: 20, invalid: 1, duplicate: 1, late: 0 }), true);
    assert.equal(isBalanced({ read: 22, accepted: 20, invalid: 1, duplicate: 0, late: 0 }), false);
  });
});
