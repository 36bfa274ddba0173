/** A log that goes back under a query: found out, kept as a loss until a person accepts it, and read on from there. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { makeOld } from '../../checkpoint/support/old.ts';
import { acceptLoss } from '../../../src/checkpoint/history/accept-loss.ts';
import { verifyCheckpoint } from '../../../src/checkpoint/verify/verify.ts';
import type { DataLoss, PartitionState } from '../../../src/contracts/batch.ts';
import type { HistoryMark, PartitionMark, RecordInput } from '../../../src/contracts/log.ts';
import { decideStart, lossesOfBreaks } from '../../../src/engine/history/compare.ts';
import { openEmbeddedLog } from '../../../src/log/embedded/log.ts';
import { createManualClock } from '../../../src/testing/manual-clock.ts';
import { createHarness, groupsOf, recordOf, START_MS, TOPIC, verdictsOf, type Harness } from '../harness.ts';

interface Place {
  readonly harness: Harness;
  readonly location: string;
  append(ids: readonly string[], bad?: readonly string[]): Promise<void>;
  /** Retention takes all that is there. */
  forget(): Promise<void>;
  /** Keeps a copy of the log as it is now. */
  copy(name: string): void;
  /** Puts a copy back, with nothing of what came after it. */
  putBack(name: string): void;
}

async function withPlace(test: (place: Place) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-history-'));
  const path = join(folder, 'log.db');
  const open = (clock = createManualClock(START_MS)) => openEmbeddedLog({ path, clock });
  const first = await open();
  await first.createTopic(TOPIC, { partitions: 1 });
  await first.close();
  const harness = await createHarness({ openLog: (clock) => openEmbeddedLog({ path, clock }) });
  const names = ['', '-wal', '-shm', '-ack'];
  try {
    await test({
      harness,
      location: harness.location,
      async append(ids, bad = []) {
        const log = await open();
        const records: RecordInput[] = ids.map((id) => recordOf({ id, atMs: START_MS }));
        const damaged = bad.map((text): RecordInput => ({
          key: null,
          value: new TextEncoder().encode(text),
          partition: 0,
        }));
        await log.append(TOPIC, [...records, ...damaged]);
        await log.close();
      },
      async forget() {
        const log = await open(createManualClock(START_MS + 10_000));
        await log.setRetention(TOPIC, { retentionMs: 500 });
        await log.enforceRetention();
        await log.setRetention(TOPIC, {});
        await log.close();
      },
      copy: (name) => copyFileSync(path, join(folder, name)),
      putBack(name) {
        for (const suffix of names) rmSync(path + suffix, { force: true });
        copyFileSync(join(folder, name), path);
      },
    });
  } finally {
    await harness.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const ids = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);
const accept = ({ harness, location }: Place) =>
  acceptLoss({ location, clock: harness.clock, ranges: 'all' });
const countOf = (harness: Harness) => harness.view((view) => view.accounting().accepted);

describe('a log that went back', () => {
  it('is refused with the ranges that differ, though it has grown past what was read', () =>
    withPlace(async (place) => {
      const { harness } = place;
      await place.append(ids('a', 6));
      place.copy('old');
      await place.append(ids('b', 4));
      await harness.run();
      place.putBack('old');
      await place.append(ids('c', 10));
      await assert.rejects(harness.run(), {
        code: 'DATA_LOSS',
        message: /no longer in the log: partition 0 offsets 6 to 9 \(4\).*accept-loss/,
      });
      assert.equal(countOf(harness), 10);
    }));

  it('is refused at every start until the loss is accepted, also after a producer has caught up', () =>
    withPlace(async (place) => {
      const { harness, location } = place;
      await place.append(ids('a', 6));
      place.copy('old');
      await place.append(ids('b', 4));
      await harness.run();
      place.putBack('old');
      const named = { code: 'DATA_LOSS', message: /partition 0 offsets 6 to 9 \(4\)/ };
      await assert.rejects(harness.run(), named);
      await place.append(ids('c', 4));
      await assert.rejects(harness.run(), named);
      await place.append(ids('d', 4));
      await assert.rejects(harness.run({ failOnDataLoss: false }), named);
      const { findings } = verifyCheckpoint({ location });
      assert.deepEqual(
        findings.map(({ check, what }) => [check, what]),
        [
          [
            'history',
            'Records that were counted are no longer in the log: offsets 6 to 9 (4) of partition 0.',
          ],
        ],
      );
    }));

  it('is read on from where it differs after the loss was accepted, and every new record is counted once', () =>
    withPlace(async (place) => {
      const { harness, location } = place;
      await place.append(ids('a', 6));
      place.copy('old');
      await place.append(ids('b', 4));
      await harness.run();
      place.putBack('old');
      // One that was counted before, sent again; and nine that were never read.
      await place.append(['b1', ...ids('c', 9)]);
      await assert.rejects(harness.run(), { code: 'DATA_LOSS' });
      assert.deepEqual(
        (await accept(place)).map(({ partition, start, end, kind, batchId }) => ({
          partition,
          start,
          end,
          kind,
          batchId,
        })),
        [{ partition: 0, start: 6, end: 10, kind: 'counted', batchId: 0 }],
      );
      assert.deepEqual(verifyCheckpoint({ location }).findings, []);
      await harness.run();
      assert.equal(countOf(harness), 19);
      assert.deepEqual(harness.view(verdictsOf), ['0:6 DUPLICATE']);
      assert.deepEqual(verifyCheckpoint({ location }).findings, []);
      const lost = [{ batchId: 0, partition: 0, start: 6, end: 10, wasCounted: true }];
      assert.deepEqual(
        harness.view((view) => view.lostRanges()),
        lost,
      );
      assert.deepEqual(
        harness.view((view) => view.raisedLosses()),
        [],
      );
      await place.append(ids('d', 2));
      await harness.run();
      assert.equal(countOf(harness), 21);
      assert.deepEqual(
        harness.view((view) => view.lostRanges()),
        lost,
      );
      assert.deepEqual(harness.view(groupsOf), { '2025-06-26 a': ['21.00', 21] });
    }));

  it('may have another dead letter at an offset that had one', () =>
    withPlace(async (place) => {
      const { harness, location } = place;
      await place.append(ids('a', 2));
      place.copy('old');
      await place.append([], ['not json']);
      await harness.run();
      place.putBack('old');
      await place.append([], ['[not json either']);
      await assert.rejects(harness.run(), { code: 'DATA_LOSS' });
      await accept(place);
      await harness.run();
      assert.deepEqual(harness.view(verdictsOf), ['0:2 MALFORMED_JSON', '0:2 MALFORMED_JSON']);
      assert.deepEqual(verifyCheckpoint({ location }).findings, []);
    }));

  it('is taken again without a word to a person when the right log is back', () =>
    withPlace(async (place) => {
      const { harness } = place;
      await place.append(ids('a', 6));
      place.copy('old');
      await place.append(ids('b', 4));
      await harness.run();
      place.copy('right');
      place.putBack('old');
      await place.append(ids('c', 7));
      await assert.rejects(harness.run(), { code: 'DATA_LOSS' });
      place.putBack('right');
      await place.append(ids('d', 1));
      await harness.run();
      assert.equal(countOf(harness), 11);
      assert.deepEqual(
        harness.view((view) => [view.raisedLosses(), view.acceptedLosses()]),
        [[], []],
      );
    }));

  it('is found out while the query runs over several batches', () =>
    withPlace(async (place) => {
      const { harness } = place;
      for (const prefix of ['a', 'b', 'c', 'd']) {
        await place.append(ids(prefix, 3));
        if (prefix === 'b') place.copy('old');
        await harness.run();
      }
      place.putBack('old');
      await place.append(ids('e', 20));
      await assert.rejects(harness.run(), { code: 'DATA_LOSS', message: /offsets 6 to 11 \(6\)/ });
    }));

  it('has marks in a checkpoint of an older version from its next commit on', () =>
    withPlace(async (place) => {
      const { harness, location } = place;
      await place.append(ids('a', 6));
      await harness.run();
      makeOld(location);
      assert.deepEqual(
        harness.view((view) => view.partitions().map(({ mark }) => mark)),
        [null],
      );
      assert.deepEqual(verifyCheckpoint({ location }).findings, []);
      await place.append(ids('b', 2));
      await harness.run();
      const [state] = harness.view((view) => view.partitions());
      assert.equal(state?.mark?.nextOffset, 8);
    }));
});

describe('accepting a loss', () => {
  it('takes ranges as they were raised and no others', () =>
    withPlace(async (place) => {
      const { harness, location } = place;
      await place.append(ids('a', 2));
      place.copy('old');
      await place.append(ids('b', 2));
      await harness.run();
      place.putBack('old');
      await assert.rejects(harness.run(), { code: 'DATA_LOSS' });
      const { clock } = harness;
      const other = [{ partition: 0, start: 1, end: 4 }];
      await assert.rejects(acceptLoss({ location, clock, ranges: other }), {
        code: 'USAGE',
        message: /0:2-3/,
      });
      const [accepted] = await acceptLoss({ location, clock, ranges: [{ partition: 0, start: 2, end: 4 }] });
      assert.equal(accepted?.acceptedAtMs, clock.nowMs());
      assert.deepEqual(await accept(place), []);
      await harness.run();
    }));

  it('goes past records that were removed before they were read', () =>
    withPlace(async (place) => {
      const { harness, location } = place;
      await place.append(ids('a', 2));
      await harness.run();
      await place.append(ids('b', 3));
      await place.forget();
      await place.append(ids('c', 1));
      await assert.rejects(harness.run(), { code: 'DATA_LOSS', message: /offsets 2 to 4/ });
      await accept(place);
      assert.deepEqual(verifyCheckpoint({ location }).findings, []);
      await harness.run();
      assert.equal(countOf(harness), 3);
      const lost = [{ batchId: 0, partition: 0, start: 2, end: 5 }];
      assert.deepEqual(
        harness.view((view) => view.lostRanges()),
        lost,
      );
      assert.deepEqual(verifyCheckpoint({ location }).findings, []);
    }));
});

describe('the decisions about history', () => {
  const mark = (nextOffset: number): HistoryMark => {
    return { baseOffset: nextOffset - 1, nextOffset, checksum: nextOffset, leaderEpoch: null, chain: null };
  };
  const marks: PartitionMark[] = [10, 20, 30].map((at) => ({ partition: 0, mark: mark(at) }));
  const state: PartitionState = {
    partition: 0,
    nextOffset: 30,
    maxEventMicros: null,
    activeAtMs: 0,
    mark: mark(30),
  };
  const found = { partition: 0, end: 30, why: 'They differ.' };
  const loss: DataLoss = { partition: 0, start: 20, end: 30, kind: 'counted', why: 'They differ.' };

  it('a loss begins at the last mark below a break that is not exact, and at the break itself if it is', () => {
    assert.deepEqual(lossesOfBreaks([{ ...found, start: 29 }], marks, [state]), [loss]);
    const exact = [{ ...found, start: 24, isExact: true }];
    assert.deepEqual(lossesOfBreaks(exact, marks, [state]), [{ ...loss, start: 24 }]);
    assert.deepEqual(lossesOfBreaks([{ ...found, start: 5 }], marks, [state]), [{ ...loss, start: 0 }]);
    assert.deepEqual(lossesOfBreaks([], marks, [state]), []);
  });

  it('a raised loss ends the run, but for one that is undone and for unread records that may be passed over', () => {
    const unread: DataLoss = { ...loss, kind: 'unread' };
    const decide = (raised: DataLoss[], undone: DataLoss[], failOnDataLoss: boolean) =>
      decideStart({ raised, undone, failOnDataLoss });
    assert.deepEqual(decide([], [], true), { kind: 'go on' });
    assert.deepEqual(decide([loss], [], false), { kind: 'refuse', losses: [loss] });
    assert.deepEqual(decide([loss, unread], [loss], true), { kind: 'refuse', losses: [unread] });
    assert.deepEqual(decide([loss, unread], [loss], false), { kind: 'withdraw', losses: [loss, unread] });
  });
});
