/** What every sink must do, whatever it writes to. A sink is registered beside this file with a way to read it back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_ACCOUNTING, type Accounting } from '../../../src/contracts/batch.ts';
import type { BatchResult } from '../../../src/contracts/batch-result.ts';
import type { BatchIdentity, Sink } from '../../../src/contracts/sink.ts';

/** One batch as it lies in the sink's target. */
export interface DeliveredBatch {
  readonly queryId: string;
  readonly batchId: number;
  readonly accounting: Accounting;
}

export interface SinkUnderTest {
  readonly sink: Sink;
  /** Every batch that the target holds, copies included. */
  readonly delivered: () => Promise<readonly DeliveredBatch[]>;
  /** A sink on the same target, as a process that starts anew has it; undefined where the target dies with it. */
  readonly reopen?: () => Promise<SinkUnderTest>;
  close(): Promise<void>;
}

/** As the engine does it: a sink that says what it holds is asked, and what it holds is not written again. */
async function deliver(sink: Sink, result: BatchResult, identity: BatchIdentity): Promise<void> {
  const held = await sink.open?.(identity, identity.batchId - 1);
  if (held === undefined || held < identity.batchId) await sink.write(result, identity);
}

export function sinkContract(name: string, open: () => Promise<SinkUnderTest>): void {
  const check = (title: string, body: (subject: SinkUnderTest) => Promise<void>): void => {
    test(`${name} sink: ${title}`, async () => {
      const subject = await open();
      try {
        await body(subject);
      } finally {
        await subject.close();
      }
    });
  };

  check('holds a batch when its write has resolved', async ({ sink, delivered }) => {
    await deliver(sink, batch(0, 3), { queryId: 'q', batchId: 0, epoch: 1 });
    assert.deepEqual(await delivered(), [delivery('q', 0, 3)]);
  });

  check('leaves one copy of a batch that is written twice', async ({ sink, delivered }) => {
    await deliver(sink, batch(7, 3), { queryId: 'q', batchId: 7, epoch: 1 });
    await deliver(sink, batch(7, 3), { queryId: 'q', batchId: 7, epoch: 1 });
    assert.deepEqual(await delivered(), [delivery('q', 7, 3)]);
  });

  check('leaves one copy of a batch that a later runner writes again', async ({ sink, delivered }) => {
    await deliver(sink, batch(7, 3), { queryId: 'q', batchId: 7, epoch: 1 });
    await deliver(sink, batch(7, 3), { queryId: 'q', batchId: 7, epoch: 2 });
    assert.deepEqual(await delivered(), [delivery('q', 7, 3)]);
  });

  check('leaves one copy of a batch that is written again after a restart', async (subject) => {
    if (subject.reopen === undefined) return;
    await deliver(subject.sink, batch(7, 3), { queryId: 'q', batchId: 7, epoch: 1 });
    const again = await subject.reopen();
    await deliver(again.sink, batch(7, 3), { queryId: 'q', batchId: 7, epoch: 2 });
    assert.deepEqual(await again.delivered(), [delivery('q', 7, 3)]);
    await again.close();
  });

  check('tells batches, and queries, apart', async ({ sink, delivered }) => {
    await deliver(sink, batch(0, 1), { queryId: 'q', batchId: 0, epoch: 1 });
    await deliver(sink, batch(1, 2), { queryId: 'q', batchId: 1, epoch: 1 });
    await deliver(sink, batch(0, 3), { queryId: 'r', batchId: 0, epoch: 1 });
    await deliver(sink, batch(0, 1), { queryId: 'q', batchId: 0, epoch: 1 });
    assert.deepEqual(await delivered(), [delivery('q', 0, 1), delivery('q', 1, 2), delivery('r', 0, 3)]);
  });
}

function delivery(queryId: string, batchId: number, accepted: number): DeliveredBatch {
  return { queryId, batchId, accounting: { ...NO_ACCOUNTING, read: accepted, accepted } };
}

function batch(batchId: number, accepted: number): BatchResult {
  return {
    plan: {
      batchId,
      topicId: 't',
      ranges: [],
      lost: [],
      clockMs: 0,
      watermarkMicros: null,
      idlePartitions: [],
    },
    accounting: { ...NO_ACCOUNTING, read: accepted, accepted },
    aggregates: [],
    sample: [],
    lost: [],
    deadLetters: () => [],
    allGroups: () => [],
  };
}
