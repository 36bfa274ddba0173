import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BATCH_BYTES_MAX } from '../../../src/log/shared/record-batch.ts';
import { plainRecords, readChunks } from '../../contract/log/log-records.ts';
import { newFiles, record } from '../files.ts';

describe('many small batches', () => {
  const PER_APPEND = 3;
  const APPENDS = 30;
  const values = Array.from({ length: APPENDS * PER_APPEND }, (_, index) =>
    `${index} `.padEnd(30_000 + 100 * index, 'x'),
  );

  test('are read in chunks of up to the bytes of the largest batch, from any place to any', async (t) => {
    const { open } = await newFiles(t);
    const log = await open();
    await log.createTopic('t', { partitions: 1 });
    for (let at = 0; at < values.length; at += PER_APPEND)
      await log.append(
        't',
        values.slice(at, at + PER_APPEND).map((value) => record(value)),
      );
    for (const [start, end] of [
      [0, values.length],
      [1, values.length - 1],
      [4, 6],
      [5, 36],
    ] as const) {
      const chunks = await readChunks(log, { topic: 't', partition: 0, start, end });
      const records = chunks.flatMap(plainRecords);
      assert.deepEqual(
        records.map(({ offset, value }) => [offset, value]),
        values.slice(start, end).map((value, index) => [start + index, value]),
      );
      for (const { bytes: all } of chunks) assert.ok(all.length <= BATCH_BYTES_MAX, `${all.length} bytes`);
      const sum = records.reduce((total, { value }) => total + (value?.length ?? 0), 0);
      assert.ok(chunks.length <= 2 * Math.ceil(sum / BATCH_BYTES_MAX), `${chunks.length} chunks`);
    }
  });
});
