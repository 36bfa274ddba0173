import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createMemoryLog } from '../../../src/log/memory/log.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';
import { bytes, plainRecords, readPartition, readRecords } from '../../contract/log/log-records.ts';

const OPTIONS = { partitions: 1, compacted: true };

test('the newest record of every key stays as it is where it is, and older ones go', async () => {
  const log = createMemoryLog({ clock: systemClock });
  await log.createTopic('t', OPTIONS);
  const headers = [{ name: 'h', value: bytes('1') }];
  await log.append('t', [
    { key: bytes('a'), value: bytes('old') },
    { key: bytes('b'), value: bytes('only'), timestampMs: 7, headers },
    { key: bytes('a'), value: bytes('older') },
  ]);
  await log.append('t', [{ key: bytes('c'), value: bytes('only') }]);
  await log.append('t', [{ key: bytes('a'), value: null }]);
  const before = await readPartition(log, 't', 0);
  assert.deepEqual(await log.enforceRetention(), []);
  assert.deepEqual(
    await readPartition(log, 't', 0),
    before.filter(({ offset }) => [1, 3, 4].includes(offset)),
  );
  assert.deepEqual(await log.offsets('t'), [{ partition: 0, earliest: 0, latest: 5 }]);
});

test('a range that starts, ends or lies in a gap gives what there is of it', async () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(key, { minLength: 1, maxLength: 6 }), { maxLength: 8 }),
      async (calls) => {
        const log = createMemoryLog({ clock: systemClock });
        await log.createTopic('t', OPTIONS);
        for (const [call, keys] of calls.entries()) {
          await log.append(
            't',
            keys.map((of, index) => ({ key: bytes(of), value: bytes(`${call}.${index}`) })),
          );
          if (call % 3 === 1) await log.enforceRetention();
        }
        const before = await readPartition(log, 't', 0);
        const newest = new Map(before.map((record) => [record.key, record.offset]));
        await log.enforceRetention();
        const kept = before.filter((record) => newest.get(record.key) === record.offset);
        const latest = calls.flat().length;
        for (let start = 0; start <= latest; start += 1) {
          for (let end = start; end <= latest; end += 1) {
            const found = await readRecords(log, { topic: 't', partition: 0, start, end });
            assert.deepEqual(
              found,
              kept.filter(({ offset }) => offset >= start && offset < end),
            );
          }
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('retention takes nothing from a compacted topic, and setting it keeps the topic compacted', async () => {
  const log = createMemoryLog({ clock: systemClock });
  await log.createTopic('t', { ...OPTIONS, recordBytesMax: 100 });
  await log.setRetention('t', { retentionMs: 0, retentionBytes: 0 });
  await log.append('t', [{ key: bytes('a'), value: bytes('x'), timestampMs: 1 }]);
  await log.enforceRetention();
  assert.equal((await readPartition(log, 't', 0)).length, 1);
  await assert.rejects(
    log.append('t', [{ key: bytes('a'), value: new Uint8Array(100) }]),
    /limit of topic t, 100/,
  );
});

test('records that compaction takes while they are read are left out', async () => {
  const log = createMemoryLog({ clock: systemClock });
  await log.createTopic('t', OPTIONS);
  for (const value of ['1', '2', '3']) await log.append('t', [{ key: bytes('a'), value: bytes(value) }]);
  const values: (string | null)[] = [];
  for await (const chunk of log.read({ topic: 't', partition: 0, start: 0, end: 3 })) {
    values.push(...plainRecords(chunk).map(({ value }) => value));
    await log.enforceRetention();
  }
  assert.deepEqual(values, ['1', '3']);
});
