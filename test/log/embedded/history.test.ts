/** The embedded log against the loss of what it has acknowledged: copies that were put back, and damage that SQLite hides. */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import type { HistoryBreak, Log, PartitionMark } from '../../../src/contracts/log.ts';
import { readChunks, readPartition } from '../../contract/log/log-records.ts';
import { hasCode } from '../../contract/log/log-under-test.ts';
import { newFiles, record, type Files } from '../files.ts';

const TOPIC = 't';

async function append(log: Log, ...values: string[]): Promise<void> {
  await log.append(
    TOPIC,
    values.map((value) => record(value, { partition: 0 })),
  );
}

/** A mark for every batch of the partition. */
async function marksOf(log: Log): Promise<PartitionMark[]> {
  const { latest = 0 } = (await log.offsets(TOPIC))[0] ?? {};
  const marks: PartitionMark[] = [];
  for (let start = 0; start < latest;) {
    const [chunk] = await readChunks(log, { topic: TOPIC, partition: 0, start, end: start + 1 });
    assert.ok(chunk?.mark !== undefined);
    marks.push({ partition: 0, mark: chunk.mark });
    start = chunk.mark.nextOffset;
  }
  return marks;
}

async function breaks(log: Log, marks: readonly PartitionMark[]): Promise<readonly HistoryBreak[]> {
  const topic = await log.describeTopic(TOPIC);
  assert.ok(topic !== undefined && log.checkHistory !== undefined);
  return log.checkHistory(topic, marks);
}

function copyOf({ folder, path }: Files): string {
  const copy = join(folder, 'copy.db');
  const db = new DatabaseSync(path);
  db.exec(`VACUUM INTO '${copy}'`);
  db.close();
  return copy;
}

function putBack({ path }: Files, copy: string, { withAck }: { withAck: boolean }): void {
  for (const suffix of ['', '-wal', '-shm', ...(withAck ? ['-ack'] : [])])
    rmSync(path + suffix, { force: true });
  copyFileSync(copy, path);
}

/** A log of three appends of which the copy has two. */
async function logWithCopy(files: Files): Promise<{ copy: string; marks: PartitionMark[] }> {
  const log = await files.open();
  await log.createTopic(TOPIC, { partitions: 1 });
  await append(log, 'a', 'b');
  await append(log, 'c');
  const copy = copyOf(files);
  await append(log, 'd', 'e');
  const marks = await marksOf(log);
  await log.close();
  return { copy, marks };
}

describe('an older copy of the log that was put back', () => {
  test('is refused with the ranges that are missing, by producers and by readers', async (t) => {
    const files = await newFiles(t);
    const { copy } = await logWithCopy(files);
    putBack(files, copy, { withAck: false });
    const named = hasCode('DATA_LOSS', 'topic t, partition 0, offsets 3 to 4 (2)', 'log.db-ack');
    await assert.rejects(files.open(), named);
    await assert.rejects(files.open({ readOnly: true }), named);
    assert.deepEqual(statSync(files.path).size, statSync(copy).size);
  });

  test('is taken when the file of what was acknowledged is removed, and its history tells where it parts', async (t) => {
    const files = await newFiles(t);
    const { copy, marks } = await logWithCopy(files);
    putBack(files, copy, { withAck: true });
    const log = await files.open();
    const [before] = await breaks(log, marks);
    assert.deepEqual({ ...before, why: '' }, { partition: 0, start: 3, isExact: true, end: 5, why: '' });
    // Past the old end, in other batches and in one at the very same place.
    await append(log, 'd', 'e');
    await append(log, 'f');
    const [after] = await breaks(log, marks);
    assert.deepEqual({ ...after, why: '' }, { partition: 0, start: 3, isExact: true, end: 5, why: '' });
    assert.match(String(after?.why), /now hold other records/);
    assert.deepEqual(await breaks(log, marks.slice(0, 2)), []);
  });

  test('parts where the first append came after it, also if a query knows only marks that are far apart', async (t) => {
    const files = await newFiles(t);
    const { copy, marks } = await logWithCopy(files);
    putBack(files, copy, { withAck: true });
    const log = await files.open();
    await append(log, 'x', 'y', 'z');
    const [first, , last] = marks as [PartitionMark, PartitionMark, PartitionMark];
    const [found] = await breaks(log, [first, last]);
    assert.equal(found?.start, 3);
  });

  test('of equal bytes at equal times has another chain', async (t) => {
    const files = await newFiles(t);
    const at = { partition: 0, timestampMs: 1_750_000_000_000 };
    const log = await files.open();
    await log.createTopic(TOPIC, { partitions: 1 });
    const copy = copyOf(files);
    await log.append(TOPIC, [record('a', at)]);
    const [mark] = (await marksOf(log)) as [PartitionMark];
    await log.close();
    putBack(files, copy, { withAck: true });
    const other = await files.open();
    await other.append(TOPIC, [record('a', at)]);
    const [now] = (await marksOf(other)) as [PartitionMark];
    assert.equal(now.mark.checksum, mark.mark.checksum);
    assert.notEqual(now.mark.chain, mark.mark.chain);
    assert.equal((await breaks(other, [mark])).length, 1);
  });
});

describe('the write-ahead log of a process that was killed', () => {
  /** What a kill leaves: the files of an open log. */
  async function killed(files: Files): Promise<Map<string, Buffer>> {
    const log = await files.open();
    await log.createTopic(TOPIC, { partitions: 1 });
    for (let index = 0; index < 8; index += 1) await append(log, `value ${index}`);
    const image = new Map(
      ['', '-wal', '-ack'].map((suffix) => [suffix, readFileSync(files.path + suffix)] as const),
    );
    await log.close();
    return image;
  }

  function restore({ path }: Files, image: ReadonlyMap<string, Buffer>): void {
    for (const suffix of ['', '-wal', '-shm', '-ack']) rmSync(path + suffix, { force: true });
    for (const [suffix, bytes] of image) writeFileSync(path + suffix, bytes);
  }

  test('holds everything', async (t) => {
    const files = await newFiles(t);
    restore(files, await killed(files));
    assert.equal((await readPartition(await files.open(), TOPIC, 0)).length, 8);
  });

  test('with one flipped bit is found out at every place where it loses an acknowledged record', async (t) => {
    const files = await newFiles(t);
    const image = await killed(files);
    const wal = image.get('-wal') as Buffer;
    let [refused, harmless] = [0, 0];
    for (let at = 0; at < wal.length; at += 1021) {
      const flipped = Buffer.from(wal);
      flipped[at] = (flipped[at] as number) ^ (1 << (at % 8));
      restore(files, new Map([...image, ['-wal', flipped]]));
      try {
        const log = await files.open();
        assert.equal((await readPartition(log, TOPIC, 0)).length, 8, `byte ${at}`);
        await log.close();
        harmless += 1;
      } catch (error) {
        assert.ok(hasCode('DATA_LOSS', 'acknowledged')(error), `byte ${at}: ${String(error)}`);
        refused += 1;
      }
    }
    t.diagnostic(`${refused} refused, ${harmless} harmless`);
    assert.ok(refused > 50);
  });

  test('that a power cut took the newest acknowledgements from is no damage', async (t) => {
    const files = await newFiles(t);
    const image = await killed(files);
    const ack = image.get('-ack') as Buffer;
    for (const left of [
      Buffer.alloc(0),
      Buffer.alloc(ack.length),
      ack.subarray(0, 32),
      ack.subarray(0, 40),
    ]) {
      restore(files, new Map([...image, ['-ack', left]]));
      const log = await files.open();
      await append(log, 'after');
      assert.equal((await readPartition(log, TOPIC, 0)).length, 9);
      await log.close();
      await (await files.open()).close();
    }
  });
});

describe('the file of what was acknowledged', () => {
  test('of another log at the same path is made anew', async (t) => {
    const files = await newFiles(t);
    await logWithCopy(files);
    for (const suffix of ['', '-wal', '-shm']) rmSync(files.path + suffix, { force: true });
    const log = await files.open();
    await log.createTopic(TOPIC, { partitions: 1 });
    await append(log, 'a');
    await log.close();
    await (await files.open()).close();
  });

  test('forgets a topic that was removed', async (t) => {
    const files = await newFiles(t);
    const log = await files.open();
    await log.createTopic(TOPIC, { partitions: 1 });
    await append(log, 'a');
    await log.deleteTopic(TOPIC);
    await log.close();
    assert.deepEqual(await (await files.open()).listTopics(), []);
  });

  test('is not made by a reader', async (t) => {
    const files = await newFiles(t);
    await logWithCopy(files);
    rmSync(`${files.path}-ack`);
    const reader = await files.open({ readOnly: true });
    assert.equal((await readPartition(reader, TOPIC, 0)).length, 5);
    assert.ok(!existsSync(`${files.path}-ack`));
  });
});

describe('a log of a version without chains', () => {
  /** As that version made it. */
  const OLD = `
    DROP TABLE generations; DROP TABLE log_identity;
    ALTER TABLE partitions DROP COLUMN chain; ALTER TABLE batches DROP COLUMN chain;
    PRAGMA user_version = 1;`;

  async function oldLog(files: Files): Promise<void> {
    await logWithCopy(files);
    const db = new DatabaseSync(files.path);
    db.exec(OLD);
    db.close();
    rmSync(`${files.path}-ack`);
  }

  test('is read as it is by whoever may only read', async (t) => {
    const files = await newFiles(t);
    await oldLog(files);
    const reader = await files.open({ readOnly: true });
    assert.equal((await readPartition(reader, TOPIC, 0)).length, 5);
    const marks = await marksOf(reader);
    assert.equal(marks.at(-1)?.mark.chain, null);
    assert.deepEqual(await breaks(reader, marks), []);
  });

  test('gets chains with the first append, and keeps its records and marks', async (t) => {
    const files = await newFiles(t);
    await oldLog(files);
    const reader = await files.open({ readOnly: true });
    const marks = await marksOf(reader);
    await reader.close();
    const log = await files.open();
    await append(log, 'f');
    assert.deepEqual(
      (await readPartition(log, TOPIC, 0)).map(({ value }) => value),
      ['a', 'b', 'c', 'd', 'e', 'f'],
    );
    assert.deepEqual(await breaks(log, marks), []);
    assert.match(String((await marksOf(log)).at(-1)?.mark.chain), /^[0-9a-f]{32}$/);
  });

  test('that was put back from an older copy is refused too, once it was used by this version', async (t) => {
    const files = await newFiles(t);
    await oldLog(files);
    const copy = join(files.folder, 'old.db');
    copyFileSync(files.path, copy);
    const log = await files.open();
    await append(log, 'f');
    await log.close();
    putBack(files, copy, { withAck: false });
    await assert.rejects(files.open(), hasCode('DATA_LOSS', 'offsets 5 to 5 (1)'));
  });
});
