import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { checkpointFile } from '../../src/checkpoint/connection.ts';
import { openCheckpointView } from '../../src/checkpoint/view.ts';
import { verifyCheckpoint } from '../../src/checkpoint/verify/verify.ts';
import { commitOf, freshLocation, hasCode, letterOf, open } from './support/batches.ts';
import { reseal } from './support/reseal.ts';
import { startChild } from './support/child.ts';

/** A closed checkpoint with one of everything in it, after `sql` was done to it by hand. */
async function damaged(t: TestContext, sql: string, sealed?: 'sealed again'): Promise<string> {
  const location = freshLocation(t);
  const checkpoint = await open(location);
  checkpoint.stageDeadLetter(letterOf(0));
  const entries = new Uint8Array(64).fill(7);
  checkpoint.commit(
    commitOf(0, { dedupe: { appended: entries, sealed: [{ segment: 0, entries }], evicted: [] } }),
  );
  checkpoint.close();
  const database = new DatabaseSync(checkpointFile(location));
  database.exec(sql);
  database.close();
  if (sealed === 'sealed again') reseal(location);
  return location;
}

for (const [table, read] of [
  ['dedupe_segments', 'dedupeSegments'],
  ['dedupe_appended', 'dedupeAppended'],
] as const) {
  test(`finds one flipped bit in ${table}`, async (t) => {
    const location = await damaged(
      t,
      `UPDATE ${table} SET entries = CAST(substr(entries, 1, 40) || x'06' || substr(entries, 42) AS BLOB)`,
    );
    const checkpoint = await open(location);
    assert.throws(() => [...checkpoint[read]()], hasCode('CHECKPOINT_CORRUPT', location, 'checksum'));
  });
}

test('refuses a checkpoint that was emptied after it was closed, and changes nothing in it', async (t) => {
  const location = await damaged(t, 'SELECT 1');
  truncateSync(checkpointFile(location));
  const isRefused = hasCode('CHECKPOINT_CORRUPT', location, 'is empty', 'restore a copy');
  await assert.rejects(open(location), isRefused);
  await assert.rejects(open(location), isRefused);
  assert.equal(readFileSync(checkpointFile(location)).length, 0);
});

test('refuses one that was emptied after a kill, once a second runner has seen it', async (t) => {
  const location = await damaged(t, 'SELECT 1');
  rmSync(join(location, 'lock.db'));
  const copy = freshLocation(t);
  mkdirSync(copy, { recursive: true });
  copyFileSync(checkpointFile(location), checkpointFile(copy));
  const killed = startChild(t, 'hold', copy);
  await killed.line();
  killed.signal('SIGKILL');
  await killed.ended();
  for (const suffix of ['', '-wal', '-shm']) truncateSync(`${checkpointFile(copy)}${suffix}`);
  await assert.rejects(open(copy), hasCode('CHECKPOINT_CORRUPT', copy, 'is empty'));
});

test('begins in a folder whose first runner was killed before it had written anything', async (t) => {
  const location = freshLocation(t);
  mkdirSync(location, { recursive: true });
  for (const name of ['checkpoint.db', 'lock.db']) writeFileSync(join(location, name), '');
  const checkpoint = await open(location);
  assert.equal(checkpoint.lastCommit(), undefined);
});

/** The digits of a stored total, its state and its key, each with one byte that another disk gave back. */
const FLIPPED: [string, string][] = [
  ['a total', `UPDATE aggregate_categories SET total = replace(total, '12.30', '12.70')`],
  ['a count', 'UPDATE aggregate_categories SET transactions = transactions + 1'],
  ['a state', `UPDATE aggregate_categories SET "group:state" = replace("group:state", '12.30', '12.70')`],
  ['a key', `UPDATE aggregate_categories SET "group:key" = replace("group:key", 'Home', 'Hole')`],
  ["a key's column", `UPDATE aggregate_categories SET category = 'Hole'`],
  ['whether it is closed', 'UPDATE aggregate_categories SET "group:closed" = 1'],
  ['a number for its text', 'UPDATE aggregate_categories SET total = CAST(total AS REAL)'],
  ['the checksum', 'UPDATE aggregate_categories SET "group:crc32" = "group:crc32" + 1'],
];

for (const [what, sql] of FLIPPED) {
  test(`finds one flipped byte of a group: ${what}`, async (t) => {
    const location = freshLocation(t);
    const first = await open(location);
    const key = ['2025-06-26', 'Home'];
    const state = what === 'a state' ? { state: [['12.30', 3], null] } : {};
    const totals = [{ key, measures: ['12.30', 3], ...state }];
    const change = { aggregate: 'categories', added: [], closed: [], removed: [], totals };
    first.commit(commitOf(0, { aggregates: [change] }));
    assert.deepEqual([...first.groups('categories')], totals);
    first.close();
    const database = new DatabaseSync(checkpointFile(location));
    assert.equal(database.prepare(sql).run().changes, 1);
    database.close();
    const isFound = hasCode('CHECKPOINT_CORRUPT', location, 'aggregate_categories', 'checksum');
    const view = openCheckpointView({ location });
    assert.throws(() => [...view.groups('categories')], isFound);
    view.close();
    const { findings } = verifyCheckpoint({ location });
    // A row's checksum is what the seal adds up, so that it finds a damaged one too.
    assert.equal(
      findings.some(({ check }) => check === 'seal'),
      what === 'the checksum',
    );
    const [finding, ...more] = findings.filter(({ check }) => check !== 'seal');
    assert.deepEqual([finding?.check, more], ['groups', []]);
    assert.match(finding?.where ?? '', /^table aggregate_categories, group \["2025-06-26","Ho[ml]e"\]$/);
    assert.match(finding?.hint ?? '', /restore a copy/);
    const checkpoint = await open(location);
    if (what === 'whether it is closed') return; // A closed group is not read at start.
    assert.throws(() => [...checkpoint.groups('categories')], isFound);
    if (what !== 'a key') assert.throws(() => checkpoint.group('categories', key), isFound);
  });
}

test('finds one flipped byte of what is remembered of a partition, and of the key of the hashes', async (t) => {
  const sql = 'UPDATE partitions SET max_event_micros = coalesce(max_event_micros, 0) + 1';
  const location = await damaged(t, sql);
  await assert.rejects(open(location), hasCode('CHECKPOINT_CORRUPT', 'partitions', 'checksum'));
  const found = verifyCheckpoint({ location }).findings.filter(({ check }) => check === 'protocol');
  assert.deepEqual(
    found.map(({ where }) => where),
    ['table partitions, partition 0'],
  );
  const keyed = await damaged(t, 'UPDATE meta SET hash_key = randomblob(16)');
  await assert.rejects(open(keyed), hasCode('CHECKPOINT_CORRUPT', keyed, 'table meta', 'checksum'));
  assert.match(verifyCheckpoint({ location: keyed }).findings[0]?.where ?? '', /^table meta/);
  const resealed = await damaged(t, 'UPDATE meta SET hash_key = randomblob(16)', 'sealed again');
  await assert.rejects(open(resealed), hasCode('CHECKPOINT_CORRUPT', resealed, 'hash key'));
});

for (const [what, sql, read] of [
  ['plan', "UPDATE plans SET plan = '{'", 'lastPlan'],
  ['plan', "UPDATE plans SET plan = 'null'", 'lastPlan'],
  ['plan', "UPDATE plans SET plan = json_set(plan, '$.batchId', 3)", 'lastPlan'],
  ['report', "UPDATE commits SET report = 'x'", 'unprintedReport'],
] as const) {
  test(`refuses a ${what} that cannot be read: ${sql}`, async (t) => {
    const checkpoint = await open(await damaged(t, sql, 'sealed again'));
    assert.throws(() => checkpoint[read](), hasCode('CHECKPOINT_CORRUPT', what));
  });
}

test('refuses an offset that no number can hold', async (t) => {
  const location = await damaged(t, 'UPDATE partitions SET next_offset = 9223372036854775807');
  await assert.rejects(open(location), hasCode('CHECKPOINT_CORRUPT'));
});

for (const sql of [
  'DROP TABLE redriven',
  "UPDATE meta SET fingerprint = '['",
  'DELETE FROM meta',
  'DELETE FROM accounting',
]) {
  test(`refuses a checkpoint that somebody changed: ${sql}`, async (t) => {
    const location = await damaged(t, sql);
    await assert.rejects(
      async () => (await open(location)).lastCommit(),
      hasCode('CHECKPOINT_CORRUPT', location),
    );
  });
}

test('refuses a format of a newer program, for a runner and for a reader, and leaves it as it is', async (t) => {
  const location = await damaged(t, 'PRAGMA user_version = 99');
  const before = readFileSync(checkpointFile(location));
  const isNewer = hasCode('CHECKPOINT_VERSION', 'format 99', location);
  await assert.rejects(open(location), isNewer);
  assert.throws(() => openCheckpointView({ location }), isNewer);
  assert.deepEqual(readFileSync(checkpointFile(location)), before);
});

test("refuses another program's SQLite file and leaves it as it is", async (t) => {
  const location = freshLocation(t);
  mkdirSync(location, { recursive: true });
  const database = new DatabaseSync(checkpointFile(location));
  database.exec('CREATE TABLE notes (text)');
  database.close();
  const before = readFileSync(checkpointFile(location));
  await assert.rejects(open(location), hasCode('CHECKPOINT_CORRUPT', 'another program'));
  assert.throws(() => openCheckpointView({ location }), hasCode('CHECKPOINT_CORRUPT', 'another program'));
  assert.deepEqual(readFileSync(checkpointFile(location)), before);
});

test('refuses a file that is no database', async (t) => {
  const location = freshLocation(t);
  mkdirSync(location, { recursive: true });
  writeFileSync(
    checkpointFile(location),
    'This is a text, and long enough to have a header of its own.'.repeat(20),
  );
  await assert.rejects(open(location), hasCode('CHECKPOINT_CORRUPT', location, 'not a database'));
  assert.throws(
    () => openCheckpointView({ location }),
    hasCode('CHECKPOINT_CORRUPT', location, 'not a database'),
  );
});

test('refuses pages that were overwritten', async (t) => {
  const location = await damaged(t, '');
  const file = readFileSync(checkpointFile(location));
  file.fill(0xab, 4096);
  writeFileSync(checkpointFile(location), file);
  await assert.rejects(open(location), hasCode('CHECKPOINT_CORRUPT', location));
  assert.throws(() => openCheckpointView({ location }), hasCode('CHECKPOINT_CORRUPT', location));
});

test('refuses a location that is a file, or lies in one', async (t) => {
  const location = freshLocation(t);
  mkdirSync(dirname(location), { recursive: true });
  writeFileSync(location, '');
  await assert.rejects(open(location), hasCode('CONFIG_INVALID', location, 'query.checkpoint_location'));
  await assert.rejects(open(`${location}/deeper`), hasCode('CONFIG_INVALID', location));
});
