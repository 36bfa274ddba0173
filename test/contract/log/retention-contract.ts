import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Log } from '../../../src/contracts/log.ts';
import { bytes, readPartition, readRecords } from './log-records.ts';
import { hasCode, openBench, type LogSetup } from './log-under-test.ts';

const HOUR_MS = 3_600_000;

export function retentionContract(setup: LogSetup): void {
  const { features } = setup;
  describe('retention', () => {
    test(
      'by age takes what is too old, and says what it took',
      { skip: !features.retentionByAge },
      async (t) => {
        const { log, topic, clock } = await openBench(t, setup);
        const name = await topic(2, { retentionMs: HOUR_MS });
        const oldMs = clock.nowMs() - 2 * HOUR_MS;
        await appendOne(log, name, 1, 'old 1', oldMs);
        await appendOne(log, name, 1, 'old 2', oldMs + 1);
        await appendOne(log, name, 1, 'young', clock.nowMs());
        const [removed, ...others] = await log.enforceRetention();
        assert.deepEqual(others, []);
        assert.ok(removed !== undefined && removed.bytes > 0);
        assert.deepEqual(
          { ...removed, bytes: 0 },
          { topic: name, partition: 1, start: 0, end: 2, bytes: 0, reason: 'age' },
        );
        assert.deepEqual((await log.offsets(name))[1], { partition: 1, earliest: 2, latest: 3 });
        assert.deepEqual(await valuesOf(log, name, 1), ['young']);
      },
    );

    test(
      'changes with setRetention, for a topic that is there',
      { skip: !features.retentionByAge },
      async (t) => {
        const { log, topic, clock } = await openBench(t, setup);
        const name = await topic(1, {});
        await appendOne(log, name, 0, 'old', clock.nowMs() - 2 * HOUR_MS);
        assert.deepEqual(await log.enforceRetention(), []);
        await log.setRetention(name, { retentionMs: HOUR_MS });
        assert.equal((await log.enforceRetention()).length, 1);
        await appendOne(log, name, 0, 'old again', clock.nowMs() - 2 * HOUR_MS);
        await log.setRetention(name, {});
        assert.deepEqual(await log.enforceRetention(), []);
        await assert.rejects(log.setRetention('missing', {}), hasCode('TOPIC_NOT_FOUND'));
      },
    );

    test(
      'keeps an old record behind a young one, so that no hole is torn',
      { skip: !features.retentionByAge },
      async (t) => {
        const { log, topic, clock } = await openBench(t, setup);
        const name = await topic(1, { retentionMs: HOUR_MS });
        await appendOne(log, name, 0, 'young', clock.nowMs());
        await appendOne(log, name, 0, 'old', clock.nowMs() - 2 * HOUR_MS);
        assert.deepEqual(await log.enforceRetention(), []);
        assert.deepEqual(await valuesOf(log, name, 0), ['young', 'old']);
      },
    );

    test(
      'by size takes the oldest until the partition fits',
      { skip: !features.retentionBySize },
      async (t) => {
        const { log, topic } = await openBench(t, setup);
        const name = await topic(1, { retentionBytes: 35_000 });
        for (let round = 0; round < 10; round += 1) {
          await log.append(name, [{ key: null, value: new Uint8Array(10_000).fill(48 + round) }]);
        }
        const [removed, ...others] = await log.enforceRetention();
        assert.deepEqual(others, []);
        assert.equal(removed?.reason, 'size');
        assert.deepEqual([removed.start, removed.end], [0, 7]);
        assert.ok(removed.bytes >= 70_000 && removed.bytes < 71_000, `${removed.bytes} bytes`);
        assert.deepEqual(
          (await valuesOf(log, name, 0)).map((value) => value?.[0]),
          ['7', '8', '9'],
        );
      },
    );

    test(
      'keeps the latest offset where it takes everything',
      { skip: !features.retentionByAge },
      async (t) => {
        const { log, topic, clock } = await openBench(t, setup);
        const name = await topic(1, { retentionMs: HOUR_MS });
        await appendOne(log, name, 0, 'old', clock.nowMs() - 2 * HOUR_MS);
        await log.enforceRetention();
        assert.deepEqual(await log.offsets(name), [{ partition: 0, earliest: 1, latest: 1 }]);
        const [range] = await appendOne(log, name, 0, 'next', clock.nowMs());
        assert.equal(range?.baseOffset, 1);
        assert.deepEqual(await valuesOf(log, name, 0), ['next']);
      },
    );

    test('a second time takes nothing more', { skip: !features.retentionByAge }, async (t) => {
      const { log, topic, clock } = await openBench(t, setup);
      const name = await topic(1, { retentionMs: HOUR_MS, retentionBytes: 1_000_000 });
      await appendOne(log, name, 0, 'old', clock.nowMs() - 2 * HOUR_MS);
      assert.equal((await log.enforceRetention()).length, 1);
      assert.deepEqual(await log.enforceRetention(), []);
    });

    test('leaves a topic without bounds alone', async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(1);
      await appendOne(log, name, 0, 'ancient', 0);
      assert.deepEqual(await log.enforceRetention(), []);
      assert.deepEqual(await valuesOf(log, name, 0), ['ancient']);
    });

    test(
      'makes a read below the earliest DATA_LOSS with the missing offsets',
      { skip: !features.retentionByAge },
      async (t) => {
        const { log, topic, clock } = await openBench(t, setup);
        const name = await topic(1, { retentionMs: HOUR_MS });
        for (let round = 0; round < 5; round += 1)
          await appendOne(log, name, 0, 'old', clock.nowMs() - 2 * HOUR_MS);
        await appendOne(log, name, 0, 'young', clock.nowMs());
        await log.enforceRetention();
        const range = { topic: name, partition: 0, start: 2, end: 6 };
        await assert.rejects(readRecords(log, range), hasCode('DATA_LOSS', 'Offsets 2 to 4', name));
        const below = { ...range, end: 4 };
        await assert.rejects(readRecords(log, below), hasCode('DATA_LOSS', 'Offsets 2 to 3', name));
      },
    );
  });
}

function appendOne(log: Log, topic: string, partition: number, value: string, timestampMs: number) {
  return log.append(topic, [{ key: null, value: bytes(value), partition, timestampMs }]);
}

async function valuesOf(log: Log, topic: string, partition: number): Promise<(string | null)[]> {
  return (await readPartition(log, topic, partition)).map(({ value }) => value);
}
