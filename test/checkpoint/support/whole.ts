/** A checkpoint with rows in every table, most of them on several pages, and all that readers and a start see of it. */
import type { BatchCommit, GroupRow } from '../../../src/contracts/batch.ts';
import type { Checkpoint } from '../../../src/contracts/checkpoint.ts';
import { openCheckpointView } from '../../../src/checkpoint/view.ts';
import { createRandom } from '../../../src/producer/random.ts';
import { commitOf, letterOf, planOf, stateOf, TOPIC_ID } from './batches.ts';

export const BATCHES = 12;
const PARTITIONS = 350;
const GROUPS = 600;
const GROUPS_A_BATCH = 200;
const LETTERS_A_BATCH = 12;
const DUPLICATES_A_BATCH = 50;
const REDRIVEN_A_BATCH = 40;
const SEGMENT_BYTES = 12_000;
const PART_BYTES = 992;

/** What batch `batchId` commits follows from its number alone. */
export function runWhole(checkpoint: Checkpoint, batchId: number): void {
  for (let index = 0; index < LETTERS_A_BATCH; index += 1) {
    const value = bytesOf(`letter ${batchId} ${index}`, 20 + ((index * 997) % 900));
    checkpoint.stageDeadLetter(letterOf(batchId, { partition: index, offset: batchId, value }));
  }
  for (let index = 0; index < DUPLICATES_A_BATCH; index += 1) {
    checkpoint.stageDuplicate(index, 1000 + batchId);
  }
  checkpoint.commit(wholeCommit(batchId));
}

function wholeCommit(batchId: number): BatchCommit {
  const [invalid, duplicate] = [LETTERS_A_BATCH, DUPLICATES_A_BATCH];
  const categories = Array.from({ length: GROUPS_A_BATCH }, (_, index): GroupRow => {
    const number = (index * 7 + batchId * GROUPS_A_BATCH) % GROUPS;
    return { key: ['2025-06-26', `category ${number}`], measures: [`${batchId}.${number}`, batchId] };
  });
  const isLast = batchId % 4 === 3;
  return commitOf(batchId, {
    plan: planOf(batchId, { ranges: [{ partition: 0, start: batchId * 1000, end: batchId * 1000 + 1000 }] }),
    partitions: Array.from({ length: PARTITIONS }, (_, partition) => {
      const nextOffset = partition === 0 ? batchId * 1000 + 1000 : batchId;
      return {
        partition,
        nextOffset,
        maxEventMicros: 1_750_000_000_000_000 + batchId,
        activeAtMs: 1_750_000_000_000 + batchId,
        mark: { baseOffset: nextOffset - 1, nextOffset, checksum: batchId, leaderEpoch: null, chain: 'ab12' },
      };
    }),
    accounting: { read: 100 + invalid + duplicate, accepted: 100, invalid, duplicate, late: 0 },
    aggregates: [
      {
        aggregate: 'categories',
        added: [],
        removed: [],
        closed: categories.slice(0, 30),
        totals: categories.slice(30),
      },
      {
        aggregate: 'all',
        added: [],
        removed: [],
        closed: [],
        totals: [{ key: [], measures: [batchId + 1] }],
      },
    ],
    dedupe: {
      appended: bytesOf(`part ${batchId}`, PART_BYTES),
      sealed: isLast
        ? [{ segment: (batchId - 3) / 4, entries: bytesOf(`segment ${batchId}`, SEGMENT_BYTES) }]
        : [],
      evicted: [],
    },
    redriven: Array.from({ length: REDRIVEN_A_BATCH }, (_, index) => redrivenAt(batchId, index)),
    lost: [{ partition: 1, start: batchId * 10, end: batchId * 10 + 5 }],
  });
}

function redrivenAt(batchId: number, index: number) {
  return { topicId: TOPIC_ID, partition: index, offset: batchId };
}

function bytesOf(seed: string, length: number): Uint8Array {
  const random = createRandom(seed);
  return Uint8Array.from({ length }, () => random.below(256));
}

/** All that a reader can be shown. @throws CHECKPOINT_CORRUPT and others */
export function readWhole(location: string): unknown {
  const view = openCheckpointView({ location });
  try {
    return view.atOneCommit(() => ({
      query: [view.queryName, view.topic, view.topicId(), view.latestClockMs(), view.lastBatchId()],
      accounting: view.accounting(),
      categories: [...view.groups('categories')],
      all: [...view.groups('all')],
      letters: [...view.deadLetters({})],
      duplicates: [...view.deadLetters({ reason: 'DUPLICATE' })],
      one: [...view.deadLetters({ partition: 3, offset: 5 })],
      reason: [...view.deadLetters({ reason: 'LATE' })],
      redriven: [3, 17, 39].map((index) => view.isRedriven(redrivenAt(7, index))),
      lost: view.lostRanges(),
      marks: view.marks(),
      raised: view.raisedLosses(),
      progress: view.recentProgress(),
    }));
  } finally {
    view.close();
  }
}

/** All that a start loads. @throws CHECKPOINT_CORRUPT and others */
export function loadWhole(checkpoint: Checkpoint): unknown {
  return {
    ...stateOf(checkpoint),
    queryId: checkpoint.queryId,
    hashKey: [...checkpoint.hashKey],
    redriven: [3, 17, 39].map((index) => checkpoint.isRedriven(redrivenAt(7, index))),
  };
}
