import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { hasCode } from '../../contract/log/log-under-test.ts';
import { newFiles, record } from '../files.ts';

/** A row that no look-up finds, as one behind a damaged index. */
for (const [what, sql, why] of [
  [
    'a partition that is missing in the middle',
    'DELETE FROM partitions WHERE partition = 1',
    /0 \(offsets 0 to 1\), 2/,
  ],
  [
    'the last partition missing',
    'DELETE FROM partitions WHERE partition = 2',
    /partitions 0 to 2\. Found: 0 .*, 1 /,
  ],
  ['all partitions missing', 'DELETE FROM partitions', /Found: none/],
  ['offsets that cannot be', 'UPDATE partitions SET earliest = 9 WHERE partition = 1', /1 \(offsets 9 to/],
] as const) {
  test(`refuses a topic with ${what}, where the other partitions would be read as if they were all`, async (t) => {
    const { path, open } = await newFiles(t);
    const first = await open();
    await first.createTopic('t', { partitions: 3 });
    for (const text of ['a', 'b', 'c']) await first.append('t', [record(text)]);
    await first.close();
    const database = new DatabaseSync(path);
    const before = database.prepare('SELECT count(*) AS n FROM partitions').get();
    assert.equal(before?.['n'], 3);
    database.exec('UPDATE partitions SET latest = 1 WHERE latest > 1; UPDATE partitions SET latest = 1');
    database.exec(sql);
    database.close();
    const log = await open();
    await assert.rejects(
      log.offsets('t'),
      (error: Error) => hasCode('LOG_CORRUPT', path, 'topic t')(error) && why.test(error.message),
    );
    await log.close();
  });
}
