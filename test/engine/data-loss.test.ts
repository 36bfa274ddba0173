/** Records that retention took before the query read them: an error that names them, or a note that does. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Log, LostRecords } from '../../src/contracts/log.ts';
import { TallystreamError } from '../../src/errors.ts';
import { acceptLoss } from '../../src/checkpoint/history/accept-loss.ts';
import { verifyCheckpoint } from '../../src/checkpoint/verify/verify.ts';
import { readPlanned } from '../../src/engine/read-planned.ts';
import { createHarness, recordOf, START_MS, TOPIC, type Harness } from './harness.ts';

const events = (from: number, count: number, partition = 0) =>
  Array.from({ length: count }, (_, index) =>
    recordOf({ id: `e${from + index}`, atMs: START_MS }, partition),
  );

async function forget(harness: Harness): Promise<void> {
  harness.clock.advance(1_000);
  await harness.log.setRetention(TOPIC, { retentionMs: 500 });
  await harness.log.enforceRetention();
}

/** A log in which these records are missing among others. */
function withGap(log: Log, gone: LostRecords): Log {
  const has = (partition: number, start: number, end: number) =>
    partition === gone.partition && start < gone.end && end > gone.start;
  const parts: Pick<Log, 'read' | 'findLost'> = {
    async *read(range) {
      if (!has(range.partition, range.start, range.end)) return yield* log.read(range);
      if (range.start < gone.start) yield* log.read({ ...range, end: gone.start });
      throw new TallystreamError('DATA_LOSS', { what: 'gone' });
    },
    findLost: async ({ partition, start, end }) => (has(partition, start, end) ? gone : undefined),
  };
  return withParts(log, parts);
}

/** A log as it was before its second partition was added. */
function withOne(log: Log): Log {
  return withParts(log, {
    async describeTopic(name) {
      const topic = await log.describeTopic(name);
      return topic && { ...topic, partitions: 1 };
    },
    offsets: async (name) => (await log.offsets(name)).slice(0, 1),
    follow: async () => undefined,
  });
}

function withParts(log: Log, parts: Partial<Log>): Log {
  return new Proxy(log, {
    get(target, name) {
      const value: unknown = name in parts ? parts[name as keyof Log] : Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

async function withHarness(test: (harness: Harness) => Promise<void>): Promise<void> {
  const harness = await createHarness({ partitions: 2 });
  try {
    await test(harness);
  } finally {
    await harness.close();
  }
}

describe('records that are gone before they are read', () => {
  it('end the query with their ranges, unless it may go on', () =>
    withHarness(async (harness) => {
      await harness.append(events(0, 2));
      await harness.run();
      await harness.append(events(2, 3));
      await forget(harness);
      await assert.rejects(harness.run(), {
        code: 'DATA_LOSS',
        message: /partition 0 offsets 2 to 4 \(3\)/,
      });
      assert.deepEqual(
        harness.view((view) => view.lostRanges()),
        [],
      );
    }));

  it('are noted with their batch, and the query goes on after them', () =>
    withHarness(async (harness) => {
      await harness.append(events(0, 2));
      await harness.run();
      await harness.append([...events(2, 3), ...events(5, 1, 1)]);
      await forget(harness);
      await harness.append(events(6, 1));
      await harness.run({ failOnDataLoss: false });
      const { lost, accounting } = harness.view((view) => {
        return { lost: view.lostRanges(), accounting: view.accounting() };
      });
      assert.deepEqual(lost, [
        { batchId: 1, partition: 0, start: 2, end: 5 },
        { batchId: 1, partition: 1, start: 0, end: 1 },
      ]);
      assert.deepEqual([accounting.read, accounting.accepted], [3, 3]);
      // And once only.
      await harness.run({ failOnDataLoss: false });
      await harness.run();
      assert.equal(harness.view((view) => view.lostRanges()).length, 2);
    }));

  it('make a batch of their own where nothing is left to read', () =>
    withHarness(async (harness) => {
      await harness.append(events(0, 1));
      await harness.run();
      await harness.append(events(1, 4));
      await forget(harness);
      await harness.run({ failOnDataLoss: false });
      const lost = harness.view((view) => view.lostRanges());
      assert.deepEqual(lost, [{ batchId: 1, partition: 0, start: 1, end: 5 }]);
      await harness.run();
    }));
});

describe('the accepted loss of unread records', () => {
  const accept = ({ location, clock }: Harness) => acceptLoss({ location, clock, ranges: 'all' });
  const linesOf = (harness: Harness) =>
    harness.view((view) => ({ read: view.accounting().read, lost: view.lostRanges() }));

  it('behind others that are there loses none of these', async () => {
    const gone = { partition: 0, start: 4, end: 6 };
    const harness = await createHarness({ partitions: 2, wrapLog: (log) => withGap(log, gone) });
    try {
      await harness.append(events(0, 2));
      await harness.run();
      await harness.append([...events(2, 6), ...events(20, 1, 1)]);
      await assert.rejects(harness.run(), { code: 'DATA_LOSS' });
      await assert.rejects(harness.run(), { code: 'DATA_LOSS', message: /partition 0 offsets 4 to 5 \(2\)/ });
      assert.equal((await accept(harness)).length, 1);
      assert.deepEqual(linesOf(harness), { read: 2, lost: [] });
      await harness.run();
      assert.deepEqual(linesOf(harness), { read: 7, lost: [{ ...gone, batchId: 1 }] });
      assert.deepEqual(verifyCheckpoint({ location: harness.location }).findings, []);
    } finally {
      await harness.close();
    }
  });

  it('is read on from in a partition that was added later', async () => {
    let isAdded = false;
    const harness = await createHarness({ partitions: 2, wrapLog: (log) => (isAdded ? log : withOne(log)) });
    try {
      await harness.append(events(0, 2));
      await harness.run();
      isAdded = true;
      await harness.append(events(5, 3, 1));
      await forget(harness);
      await harness.append(events(8, 1, 1));
      await assert.rejects(harness.run(), { code: 'DATA_LOSS', message: /partition 1 offsets 0 to 2 \(3\)/ });
      await accept(harness);
      await harness.run();
      assert.deepEqual(linesOf(harness), {
        read: 3,
        lost: [{ batchId: 0, partition: 1, start: 0, end: 3 }],
      });
      assert.deepEqual(verifyCheckpoint({ location: harness.location }).findings, []);
    } finally {
      await harness.close();
    }
  });
});

describe('a planned range', () => {
  const range = { topic: TOPIC, partition: 0, start: 0, end: 6 };

  async function readAll(log: Log, onLost?: (lost: LostRecords) => void): Promise<number[]> {
    const offsets: number[] = [];
    for await (const chunk of readPlanned(log, range, {
      mayPass: () => onLost !== undefined,
      onLost: onLost ?? (() => assert.fail('it was passed over')),
    }))
      offsets.push(...chunk.offsets);
    return offsets;
  }

  it('whose records go while it is read is read on after them', () =>
    withHarness(async (harness) => {
      const { log } = harness;
      await harness.append(events(0, 2));
      await forget(harness);
      await harness.append(events(2, 2));
      await harness.append(events(4, 2));
      const lost: LostRecords[] = [];
      assert.deepEqual(await readAll(log, (gone) => lost.push(gone)), [2, 3, 4, 5]);
      assert.deepEqual(lost, [{ partition: 0, start: 0, end: 2 }]);
      await assert.rejects(readAll(log), { code: 'DATA_LOSS' });
    }));

  it('of which records go behind its reader is read on from the first that is left', () =>
    withHarness(async (harness) => {
      const { log } = harness;
      await harness.append(events(0, 2));
      await harness.append(events(2, 2));
      const late = events(4, 2).map((record) => ({ ...record, timestampMs: START_MS + 10_000 }));
      await harness.append(late);
      const lost: LostRecords[] = [];
      const offsets: number[] = [];
      for await (const chunk of readPlanned(log, range, {
        mayPass: () => true,
        onLost: (gone) => lost.push(gone),
      })) {
        offsets.push(...chunk.offsets);
        if (offsets.length === 2) await forget(harness);
      }
      assert.deepEqual(offsets, [0, 1, 4, 5]);
      assert.deepEqual(lost, [{ partition: 0, start: 2, end: 4 }]);
    }));

  it('is read up to records that are gone after offsets without a record, and on after them', () =>
    withHarness(async (harness) => {
      await harness.append(events(0, 6));
      const lost: LostRecords[] = [];
      // Offset 2 is a marker; 3 and 4 are gone.
      const gone = { partition: 0, start: 3, end: 5 };
      const parts: Pick<Log, 'read' | 'findLost'> = {
        async *read({ start, end, ...rest }) {
          const isGone = start < gone.end && end > gone.start;
          const until = isGone ? gone.start : end;
          if (start < 2) yield* harness.log.read({ ...rest, start, end: Math.min(2, until) });
          if (isGone) throw new TallystreamError('DATA_LOSS', { what: 'gone' });
          if (start > 2) yield* harness.log.read({ ...rest, start, end });
        },
        findLost: async ({ start, end }) => (start < gone.end && end > gone.start ? gone : undefined),
      };
      const log = parts as Log;
      assert.deepEqual(await readAll(log, (each) => lost.push(each)), [0, 1, 5]);
      assert.deepEqual(lost, [gone]);
      await assert.rejects(readAll(log), { code: 'DATA_LOSS' });
    }));

  it('that is gone whole is lost whole', () =>
    withHarness(async (harness) => {
      await harness.append(events(0, 8));
      await forget(harness);
      const lost: LostRecords[] = [];
      assert.deepEqual(await readAll(harness.log, (gone) => lost.push(gone)), []);
      assert.deepEqual(lost, [{ partition: 0, start: 0, end: 6 }]);
    }));
});
