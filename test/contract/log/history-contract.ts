/** Marks: what tells the records that were read from others at the same offsets. Run by every log that checks history. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { HistoryBreak, HistoryMark, PartitionMark } from '../../../src/contracts/log.ts';
import { readChunks } from './log-records.ts';
import type { LogSetup } from './log-under-test.ts';
import { openReadable, type Readable } from './reading-contract.ts';

const PARTITION = 0;

interface History extends Readable {
  /** The marks of a partition that is read to its end, a chunk each. */
  readonly marks: () => Promise<PartitionMark[]>;
  readonly check: (marks: readonly PartitionMark[]) => Promise<readonly HistoryBreak[]>;
}

async function openHistory(t: TestContext, setup: LogSetup): Promise<History | undefined> {
  const readable = await openReadable(t, setup);
  const { log, name } = readable;
  if (log.checkHistory === undefined) {
    t.skip('this log cannot go back');
    return undefined;
  }
  return {
    ...readable,
    marks: async () => {
      const { earliest: start, latest: end } = (await log.offsets(name))[PARTITION] ?? {
        earliest: 0,
        latest: 0,
      };
      const chunks = await readChunks(log, { topic: name, partition: PARTITION, start, end });
      return chunks.map(({ mark }) => {
        assert.ok(mark !== undefined, 'every chunk has a mark');
        return { partition: PARTITION, mark };
      });
    },
    check: async (marks) => {
      const topic = await log.describeTopic(name);
      assert.ok(topic !== undefined);
      return (await log.checkHistory?.(topic, marks)) ?? [];
    },
  };
}

export function historyContract(setup: LogSetup): void {
  describe('history', () => {
    test('a chunk has the mark of its last batch, the same at every reading', async (t) => {
      const history = await openHistory(t, setup);
      if (history === undefined) return;
      const { log, name, more, marks } = history;
      await more();
      const [first, second] = [await marks(), await marks()];
      assert.ok(first.length > 0);
      assert.deepEqual(first, second);
      const { latest = 0 } = (await log.offsets(name))[PARTITION] ?? {};
      const { mark } = first.at(-1) as PartitionMark;
      assert.equal(mark.nextOffset, latest);
      assert.ok(mark.baseOffset < mark.nextOffset);
      assert.ok(Number.isInteger(mark.checksum) && mark.checksum >= 0 && mark.checksum < 2 ** 32);
    });

    test('a range that ends within a batch has the mark of that batch', async (t) => {
      const history = await openHistory(t, setup);
      if (history === undefined) return;
      const { log, name, more, marks } = history;
      await more();
      const [{ mark } = { mark: undefined }] = await marks();
      const [chunk] = await readChunks(log, { topic: name, partition: PARTITION, start: 0, end: 1 });
      assert.ok(mark !== undefined && chunk?.mark !== undefined);
      assert.equal(chunk.mark.baseOffset, 0);
      assert.ok(chunk.mark.nextOffset >= 1);
      assert.deepEqual(await history.check([{ partition: PARTITION, mark: chunk.mark }]), []);
    });

    test('the records that were read are found again, also after others came', async (t) => {
      const history = await openHistory(t, setup);
      if (history === undefined) return;
      const { more, marks, check } = history;
      await more();
      const known = await marks();
      assert.deepEqual(await check(known), []);
      await more();
      assert.deepEqual(await check(known), []);
      assert.deepEqual(await check(await marks()), []);
      assert.deepEqual(await check([]), []);
    });

    test('other records at the place of a mark are a break that names the partition and the offsets', async (t) => {
      const history = await openHistory(t, setup);
      if (history === undefined) return;
      const { more, marks, check } = history;
      await more();
      const { mark } = (await marks()).at(-1) as PartitionMark;
      await more();
      const other: HistoryMark = { ...mark, checksum: (mark.checksum ^ 1) >>> 0 };
      const [found, ...rest] = await check([{ partition: PARTITION, mark: other }]);
      assert.deepEqual(rest, []);
      assert.ok(found !== undefined);
      assert.equal(found.partition, PARTITION);
      assert.ok(found.start <= mark.baseOffset, `${found.start} is not above ${mark.baseOffset}`);
      assert.equal(found.end, mark.nextOffset);
      assert.match(found.why, /\.$/);
    });

    test('a partition that ends before a mark is a break from its end on', async (t) => {
      const history = await openHistory(t, setup);
      if (history === undefined) return;
      const { log, name, more, marks, check } = history;
      await more();
      const { mark } = (await marks()).at(-1) as PartitionMark;
      const { latest = 0 } = (await log.offsets(name))[PARTITION] ?? {};
      const beyond = { ...mark, baseOffset: latest, nextOffset: latest + 5 };
      const [found] = await check([{ partition: PARTITION, mark: beyond }]);
      assert.ok(found !== undefined);
      assert.ok(found.start <= latest);
      assert.equal(found.end, latest + 5);
    });

    test('a log that was closed and opened has the same history', async (t) => {
      const history = await openHistory(t, setup);
      if (history?.reopen === undefined) return;
      const { name, more, marks, reopen } = history;
      await more();
      const known = await marks();
      const again = await reopen();
      const topic = await again.describeTopic(name);
      assert.ok(topic !== undefined);
      assert.deepEqual(await again.checkHistory?.(topic, known), []);
    });
  });
}
