import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { InvariantError } from '../../../src/errors.ts';
import { openEmbeddedLog } from '../../../src/log/embedded/log.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';
import { readPartition, readRecords } from '../../contract/log/log-records.ts';
import { hasCode } from '../../contract/log/log-under-test.ts';
import { newFiles, record } from '../files.ts';

describe('opening', () => {
  test('makes the folder and the file', async (t) => {
    const { folder, open } = await newFiles(t);
    const path = join(folder, 'a', 'b', 'log.db');
    const log = await open({ path });
    assert.deepEqual(await log.listTopics(), []);
    assert.ok(existsSync(path));
  });

  test('refuses a file that is no database, and leaves it as it is', async (t) => {
    const { path, open } = await newFiles(t);
    await fs.writeFile(
      path,
      'these are the notes of somebody, and they are long enough to be a header of a file\n'.repeat(20),
    );
    const size = statSync(path).size;
    await assert.rejects(open(), hasCode('LOG_UNAVAILABLE', path, 'not a SQLite database'));
    assert.equal(statSync(path).size, size);
  });

  test('refuses a database of another program', async (t) => {
    const { path, open } = await newFiles(t);
    withDatabase(path, (db) => db.exec('CREATE TABLE somebodys (a)'));
    await assert.rejects(open(), hasCode('LOG_UNAVAILABLE', path, 'not a Tallystream log'));
  });

  test('refuses a log of a newer version, and says what to do', async (t) => {
    const { path, open } = await newFiles(t);
    await (await open()).close();
    withDatabase(path, (db) => db.exec('PRAGMA user_version = 99'));
    await assert.rejects(open(), hasCode('LOG_UNAVAILABLE', 'newer version', 'Update'));
  });

  test('refuses a folder in place of the file, and a file in place of the folder', async (t) => {
    const { folder, path, open } = await newFiles(t);
    await assert.rejects(open({ path: folder }), hasCode('LOG_UNAVAILABLE', folder));
    await fs.writeFile(path, '');
    await assert.rejects(open({ path: join(path, 'log.db') }), hasCode('LOG_UNAVAILABLE', path));
  });

  test('leaves the log and what it has acknowledged behind when the last one closes', async (t) => {
    const { folder, open } = await newFiles(t);
    const log = await open();
    await log.createTopic('t', { partitions: 1 });
    await log.append('t', [record('x')]);
    await log.close();
    assert.deepEqual(readdirSync(folder), ['log.db', 'log.db-ack']);
  });

  test('and using it after closing is a fault of the program', async (t) => {
    const { open } = await newFiles(t);
    const log = await open();
    await log.createTopic('t', { partitions: 1 });
    await log.append('t', [record('x')]);
    await log.close();
    await assert.rejects(log.append('t', [record('x')]), InvariantError);
    await assert.rejects(readRecords(log, { topic: 't', partition: 0, start: 0, end: 1 }), InvariantError);
  });
});

describe('a read-only log', () => {
  test('does not make what is missing', async (t) => {
    const { folder, open } = await newFiles(t);
    const path = join(folder, 'missing', 'log.db');
    await assert.rejects(open({ path, readOnly: true }), hasCode('LOG_UNAVAILABLE', path));
    assert.ok(!existsSync(dirname(path)));
  });

  test('does not take an empty file for a log', async (t) => {
    const { path, open } = await newFiles(t);
    await fs.writeFile(path, '');
    await assert.rejects(open({ readOnly: true }), hasCode('LOG_UNAVAILABLE', 'empty'));
    assert.equal(statSync(path).size, 0);
  });

  test('reads, and refuses to write', async (t) => {
    const { folder, open } = await newFiles(t);
    const writer = await open();
    await writer.createTopic('t', { partitions: 1, retentionBytes: 0 });
    await writer.append('t', [record('x')]);
    const reader = await open({ readOnly: true });
    await writer.append('t', [record('y')]);
    assert.deepEqual(
      (await readPartition(reader, 't', 0)).map(({ value }) => value),
      ['x', 'y'],
    );
    for (const write of [
      () => reader.append('t', [record('z')]),
      () => reader.createTopic('u', { partitions: 1 }),
      () => reader.deleteTopic('t'),
      () => reader.enforceRetention(),
    ]) {
      await assert.rejects(write(), hasCode('LOG_UNAVAILABLE', 'for reading only'));
    }
    await writer.close();
    await reader.close();
    assert.deepEqual(readdirSync(folder), ['log.db', 'log.db-ack']);
  });
});

describe('damage', () => {
  test('of a batch is LOG_CORRUPT with topic, partition, offsets and file, and spares the others', async (t) => {
    const { path, open } = await newFiles(t);
    const log = await open();
    await log.createTopic('purchases', { partitions: 2 });
    for (const values of [['a', 'b'], ['c', 'd', 'e'], ['f']]) {
      await log.append(
        'purchases',
        values.map((value) => record(value, { partition: 1 })),
      );
    }
    withDatabase(path, (db) => {
      const { body } = db.prepare('SELECT body FROM batches WHERE base_offset = 2').get() as {
        body: Uint8Array;
      };
      body[body.length - 1] = (body[body.length - 1] as number) ^ 1;
      db.prepare('UPDATE batches SET body = ? WHERE base_offset = 2').run(body);
    });
    const range = { topic: 'purchases', partition: 1, start: 0, end: 6 };
    const named = hasCode('LOG_CORRUPT', 'purchases', 'partition 1', 'Offsets 2 to 4', path, 'Restore');
    await assert.rejects(readRecords(log, range), named);
    assert.equal((await readRecords(log, { ...range, end: 2 })).length, 2);
    assert.equal((await readRecords(log, { ...range, start: 5 })).length, 1);
  });

  test('that lost a batch is LOG_CORRUPT with the offset', async (t) => {
    const { path, open } = await newFiles(t);
    const log = await open();
    await log.createTopic('t', { partitions: 1 });
    for (const value of ['a', 'b', 'c']) await log.append('t', [record(value)]);
    withDatabase(path, (db) => db.exec('DELETE FROM batches WHERE base_offset = 1'));
    const range = { topic: 't', partition: 0, start: 0, end: 3 };
    await assert.rejects(readRecords(log, range), hasCode('LOG_CORRUPT', 'Offset 1', 'missing'));
  });

  test('of the database’s own pages is LOG_CORRUPT', async (t) => {
    const { path, open } = await newFiles(t);
    const log = await open();
    await log.createTopic('t', { partitions: 1 });
    await log.append('t', [record('x'.repeat(100_000))]);
    await log.close();
    // The first page makes the file a database and stays; the tables lie behind it.
    const firstPageBytes = 16_384;
    const file = await fs.open(path, 'r+');
    await file.write(Buffer.alloc(statSync(path).size - firstPageBytes, 0xab), 0, undefined, firstPageBytes);
    await file.close();
    await assert.rejects(open(), hasCode('LOG_CORRUPT', path, 'Restore'));
  });
});

describe('trouble around it', () => {
  test('a lock that stays is LOG_UNAVAILABLE, reading goes on, and writing does after it', async (t) => {
    const { path, open } = await newFiles(t);
    const log = await open({ busyTimeoutMs: 20 });
    await log.createTopic('t', { partitions: 1 });
    await log.append('t', [record('before')]);
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    const late = await open({ busyTimeoutMs: 20 });
    assert.equal((await late.listTopics()).length, 1);
    await assert.rejects(log.append('t', [record('during')]), hasCode('LOG_UNAVAILABLE', path, 'locked'));
    assert.equal((await readPartition(log, 't', 0)).length, 1);
    other.close();
    await log.append('t', [record('after')]);
    assert.deepEqual(
      (await readPartition(log, 't', 0)).map(({ value }) => value),
      ['before', 'after'],
    );
  });

  test('a full disk is STORAGE_FULL, keeps what was there, and heals when space is made', async (t) => {
    const { open } = await newFiles(t);
    const log = await open({ fileBytesMax: 4 * 1024 * 1024 });
    await log.createTopic('t', { partitions: 1, retentionBytes: 1_000_000 });
    const value = new Uint8Array(300_000).fill(65);
    let kept = 0;
    const fill = async () => {
      for (; kept < 100; kept += 1) await log.append('t', [record(value), record(value)]);
    };
    await assert.rejects(fill(), hasCode('STORAGE_FULL'));
    assert.ok(kept > 3);
    assert.equal((await readPartition(log, 't', 0)).length, kept * 2);
    const [removed] = await log.enforceRetention();
    assert.equal(removed?.reason, 'size');
    const [range] = await log.append('t', [record('again')]);
    assert.equal(range?.baseOffset, kept * 2);
  });

  test('a topic that is removed while it is read is TOPIC_NOT_FOUND, also where a new one has its name', async (t) => {
    const { open } = await newFiles(t);
    const log = await open();
    await log.createTopic('t', { partitions: 1 });
    const value = new Uint8Array(400_000);
    await log.append('t', [record(value), record(value), record(value), record(value)]);
    const reading = log.read({ topic: 't', partition: 0, start: 0, end: 4 })[Symbol.asyncIterator]();
    assert.equal((await reading.next()).done, false);
    await log.deleteTopic('t');
    await log.createTopic('t', { partitions: 1 });
    await log.append('t', [record(value), record(value), record(value), record(value)]);
    await assert.rejects(reading.next(), hasCode('TOPIC_NOT_FOUND'));
  });

  test('retention that passes a reader is DATA_LOSS with what it missed', async (t) => {
    const { open } = await newFiles(t);
    const [log, other] = [await open(), await open()];
    await log.createTopic('t', { partitions: 1, retentionBytes: 0 });
    const value = new Uint8Array(400_000);
    for (let round = 0; round < 4; round += 1) await log.append('t', [record(value)]);
    const reading = log.read({ topic: 't', partition: 0, start: 0, end: 4 })[Symbol.asyncIterator]();
    assert.equal((await reading.next()).done, false);
    await other.enforceRetention();
    await assert.rejects(reading.next(), hasCode('DATA_LOSS', 'Offsets 1 to 3'));
  });
});

describe('space', () => {
  test('comes back to the disk after retention and after a topic is removed', async (t) => {
    const { path, open } = await newFiles(t);
    const log = await open();
    const value = new Uint8Array(500_000).fill(65);
    for (const topic of ['kept', 'removed']) {
      await log.createTopic(topic, { partitions: 2, retentionBytes: 1_000_000 });
      for (let round = 0; round < 20; round += 1) {
        await log.append(topic, [record(value, { partition: round % 2 }), record('small', { partition: 0 })]);
      }
    }
    await log.enforceRetention();
    const afterRetention = statSync(path).size;
    assert.ok(afterRetention < 5_000_000, `${afterRetention} bytes after retention`);
    assert.equal(statSync(`${path}-wal`).size, 0);
    await log.deleteTopic('removed');
    const afterRemoval = statSync(path).size;
    assert.ok(afterRemoval < 2_500_000, `${afterRemoval} bytes after the topic was removed`);
    assert.equal((await readPartition(log, 'kept', 1)).at(-1)?.value?.length, value.length);
  });
});

function withDatabase(path: string, act: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(path);
  try {
    act(db);
  } finally {
    db.close();
  }
}

test('opens two logs of one file in one process', async (t) => {
  const { path, open } = await newFiles(t);
  const [first, second] = [await open(), await openEmbeddedLog({ path, clock: systemClock })];
  t.after(() => second.close());
  await first.createTopic('t', { partitions: 1 });
  assert.equal((await second.describeTopic('t'))?.partitions, 1);
});
