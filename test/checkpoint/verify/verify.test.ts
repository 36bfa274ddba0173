import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { checkpointFile } from '../../../src/checkpoint/connection.ts';
import { crcOfCells } from '../../../src/checkpoint/seals/row-crc.ts';
import { verifyCheckpoint } from '../../../src/checkpoint/verify/verify.ts';
import { freshLocation, hasCode, letterOf, open, planOf, QUERY } from '../support/batches.ts';
import { startChild } from '../support/child.ts';
import { reseal } from '../support/reseal.ts';
import { runBatch } from '../support/series.ts';

const BATCHES = 4;

/** Closed after some batches of the series, with dead letters, duplicates, ids and a last plan without a commit. */
async function written(t: TestContext, batches = BATCHES): Promise<string> {
  const location = freshLocation(t);
  const checkpoint = await open(location);
  for (let batchId = 0; batchId < batches; batchId += 1) runBatch(checkpoint, batchId);
  checkpoint.writePlan(planOf(batches));
  checkpoint.close();
  return location;
}

function edit(location: string, sql: string): void {
  const database = new DatabaseSync(checkpointFile(location));
  database.exec(`PRAGMA ignore_check_constraints = ON; ${sql}`);
  database.close();
  // Each check is looked at by itself: the seal would find every one of these edits.
  reseal(location);
}

const found = (location: string) =>
  verifyCheckpoint({ location }).findings.map(
    ({ check, what, where, why }) => `${check}: ${what} ${where}: ${why}`,
  );

test('finds a sound checkpoint sound, and leaves its folder as it was', async (t) => {
  const location = await written(t);
  const before = readFileSync(checkpointFile(location));
  const files = readdirSync(location);
  const { findings, checks } = verifyCheckpoint({ location });
  assert.deepEqual(findings, []);
  assert.deepEqual(checks, [
    'file',
    'integrity',
    'seal',
    'identity',
    'json',
    'protocol',
    'history',
    'accounting',
    'dedupe',
    'groups',
    'note',
  ]);
  assert.deepEqual(readdirSync(location), files);
  assert.deepEqual(readFileSync(checkpointFile(location)), before);
});

test('finds an empty checkpoint sound, and one whose old batches were dropped', async (t) => {
  const empty = freshLocation(t);
  (await open(empty)).close();
  assert.deepEqual(found(empty), []);
  const old = await written(t, 130);
  assert.deepEqual(found(old), []);
  edit(old, 'UPDATE accounting SET read = 100, invalid = 0');
  assert.match(found(old).join('\n'), /column read: It says 100, but the 100 stored batches have 200/);
});

test('finds it sound again and again while a runner commits', async (t) => {
  const location = freshLocation(t);
  const child = startChild(t, 'series', location);
  await child.line();
  for (let round = 0; round < 20; round += 1) {
    assert.deepEqual(found(location), []);
    await new Promise((resolve) => setImmediate(resolve));
  }
});

/** What is done by hand, and what is found of it: one finding a pattern, and no more. */
const damages: [string, string, ...RegExp[]][] = [
  [
    'a balance that is off, in a batch',
    'UPDATE commits SET accepted = 5 WHERE batch_id = 2',
    /^integrity: .*CHECK constraint failed in commits/,
    /^accounting: The accounting does not balance\. table commits, batch 2: 2 read is not 5 accepted/,
    /^accounting: .*column accepted: It says 0, but the 4 stored batches, which are all batches, have 5/,
  ],
  [
    'a balance that is off, in all',
    'UPDATE accounting SET read = read + 1',
    /does not balance\. table accounting: 9 read/,
    /not the sum of its batches\. table accounting, column read: It says 9/,
  ],
  [
    'a dead letter that is gone',
    'DELETE FROM dead_letters WHERE batch_id = 1',
    /counted as invalid.*table dead_letters, batch 1: 1 were counted, but 0 are stored/,
    /counted as invalid.*table dead_letters, all batches: 4 were counted, but 3/,
    /size of the dead letters.*It says 132 bytes, but the dead letters have 99/,
  ],
  [
    'an invalid event that became a late one',
    "UPDATE dead_letters SET reason = 'LATE' WHERE batch_id = 1",
    /as invalid.*batch 1/,
    /as late.*batch 1: 0 were counted, but 1/,
    /as invalid.*all batches/,
    /as late.*all batches/,
  ],
  [
    'a duplicate that is gone',
    'DELETE FROM duplicates WHERE batch_id = 3',
    /as duplicate.*table duplicates, batch 3/,
    /as duplicate.*all batches/,
  ],
  [
    'a headers column that is no JSON',
    "UPDATE dead_letters SET headers = '[' WHERE id = 2",
    /^json: A stored value is not JSON\. table dead_letters, id 2, column headers/,
  ],
  [
    'a plan that is no JSON',
    "UPDATE plans SET plan = '{' WHERE batch_id = 1",
    /^json: A stored value is not JSON\. table plans, batch 1, column plan/,
  ],
  [
    'a plan of another batch',
    "UPDATE plans SET plan = json_set(plan, '$.batchId', 9) WHERE batch_id = 1",
    /^json: A stored plan belongs to another batch\. table plans, batch 1.*batch 9/,
  ],
  [
    'a plan without ranges',
    `UPDATE plans SET plan = '{"batchId":1,"topicId":"t","ranges":[null],"lost":[]}' WHERE batch_id = 1`,
    /^json: A stored value is not a plan\. table plans, batch 1/,
  ],
  [
    'a report that is no JSON',
    "UPDATE commits SET report = 'x' WHERE batch_id = 0",
    /^json: .*commits, batch 0, column report/,
  ],
  [
    'a progress of another batch',
    "UPDATE commits SET progress = '3' WHERE batch_id = 0",
    /^json: A stored progress belongs to another batch/,
  ],
  [
    'plans that are gone',
    'DELETE FROM plans WHERE batch_id IN (3, 4)',
    /Plan and commit contradict.*last plan is batch 2 and the last commit is batch 3/,
    /A commit has no plan\. table plans, batch 3/,
  ],
  [
    'a batch that is missing',
    'DELETE FROM plans WHERE batch_id = 1',
    /Batches are missing\. table plans, batch 2: The batch before it is 0/,
    /A commit has no plan.*batch 1/,
  ],
  [
    'another topic',
    "UPDATE plans SET plan = json_set(plan, '$.topicId', 'other') WHERE batch_id = 4",
    /belongs to another topic\. table plans, batch 4/,
  ],
  [
    'a clock that went back',
    "UPDATE plans SET plan = json_set(plan, '$.clockMs', 1) WHERE batch_id = 4",
    /clock of a plan went back, but the plan does not record it\. table plans, batch 4/,
  ],
  [
    'a watermark that went back',
    "UPDATE plans SET plan = json_set(plan, '$.watermarkMicros', NULL) WHERE batch_id = 4",
    /watermark went back, but was not lowered by an operator\. table plans, batch 4/,
  ],
  [
    'a watermark that nobody knows to have been lowered any more',
    `UPDATE plans SET plan = json_set(plan, '$.lowered', json('{"batchId":3,"toMicros":1,"fromMicros":2}')) WHERE batch_id = 3`,
    /A batch that lowers the watermark also reads records\. table plans, batch 3/,
    /A plan disagrees with the plan before it on when the watermark was lowered\. table plans, batch 4: It says never, but the plan before says in batch 3/,
  ],
  [
    "a commit's watermark",
    'UPDATE commits SET watermark_micros = 7 WHERE batch_id = 2',
    /different watermark than its plan\. table commits, batch 2: It is 7/,
  ],
  [
    'more read than planned',
    "UPDATE plans SET plan = json_set(plan, '$.ranges[0].start', 7) WHERE batch_id = 3",
    /read more records than planned\. table commits, batch 3: It counts 2 records, but its ranges have 1/,
    /does not continue.*batch 3/,
  ],
  [
    'an offset',
    'UPDATE partitions SET next_offset = 6',
    /offset of a partition.*partition 0: Its next offset is 6, but the last plan that read it ended at 8/,
  ],
  ['an offset that is gone', 'DELETE FROM partitions', /offset of a partition.*Its next offset is missing/],
  [
    'an offset that no number can hold',
    'UPDATE partitions SET next_offset = 9223372036854775807',
    /^protocol: It cannot be read completely/,
  ],
  [
    'rows before their commit',
    'INSERT INTO lost_ranges VALUES (4, 0, 0, 1, 0)',
    /not committed\. table lost_ranges, batch 4: The last commit is batch 3/,
  ],
  [
    'one flipped bit of the remembered ids',
    "UPDATE dedupe_appended SET entries = CAST(substr(entries, 1, 40) || x'ff' || substr(entries, 42) AS BLOB) WHERE batch_id = 1",
    /^dedupe: .*checksum\. table dedupe_appended, batch 1/,
  ],
  [
    'half an id',
    `UPDATE dedupe_appended SET entries = x'00', crc32 = ${crcOfCells([1, new Uint8Array(1)])} WHERE batch_id = 1`,
    /^dedupe: .*end in the middle of an id/,
  ],
  [
    "a group's key of another length",
    `UPDATE aggregate_all SET "group:key" = '[1]'`,
    /^groups: The group's key does not fit its aggregate\. table aggregate_all, group \[1\]: A key of this aggregate has 0 cells/,
  ],
  [
    "a group's state",
    `UPDATE aggregate_all SET "group:state" = '{'`,
    /^groups: The group's state is not JSON\. table aggregate_all/,
  ],
  ['totals that are gone', 'DROP TABLE aggregate_all', /^groups: The totals of all are missing/],
  [
    'the name',
    "UPDATE meta SET query_name = 'other'",
    /^identity: The checkpoint has two different values of query\.name.*"other".*"test-totals"/,
  ],
  ['no accounting', 'DELETE FROM accounting', /^accounting: The accounting is missing/],
];

for (const [what, sql, ...patterns] of damages) {
  test(`finds ${what}, and nothing else`, async (t) => {
    const location = await written(t);
    edit(location, sql);
    const findings = found(location);
    for (const [index, pattern] of patterns.entries()) assert.match(findings[index] ?? 'nothing', pattern);
    assert.equal(findings.length, patterns.length, findings.join('\n'));
    for (const { hint } of verifyCheckpoint({ location }).findings) assert.notEqual(hint, '');
  });
}

test('finds what else is wrong where a table is gone, its query unreadable, and more', async (t) => {
  const location = await written(t);
  edit(
    location,
    `DROP TABLE duplicates; UPDATE meta SET aggregates = '{}';
     UPDATE dedupe_appended SET crc32 = 1 WHERE batch_id = 2; UPDATE partitions SET next_offset = 1`,
  );
  const findings = found(location);
  for (const pattern of [
    /^protocol: The offset of a partition/,
    /^protocol: It cannot be read completely.*no such table: duplicates/,
    /^accounting: It cannot be read completely.*no such table: duplicates/,
    /^dedupe: /,
    /^groups: It cannot be read completely/,
  ]) {
    assert.ok(
      findings.some((finding) => pattern.test(finding)),
      `${String(pattern)} in\n${findings.join('\n')}`,
    );
  }
});

test('lists a bounded number of findings of one check', async (t) => {
  const location = await written(t, 30);
  edit(location, "UPDATE commits SET report = 'x'");
  const findings = found(location);
  assert.equal(findings.length, 21);
  assert.match(findings.at(-1) ?? '', /more than 20/);
});

test('finds an index that is not its table, and says how it is made anew', async (t) => {
  const location = await written(t);
  edit(location, '');
  const database = new DatabaseSync(checkpointFile(location), { defensive: false });
  database.exec(`PRAGMA writable_schema = ON;
    UPDATE sqlite_schema SET sql = 'CREATE INDEX dead_letters_by_reason ON dead_letters (topic)' WHERE name = 'dead_letters_by_reason'`);
  database.close();
  const { findings } = verifyCheckpoint({ location });
  assert.match(findings[0]?.why ?? '', /index dead_letters_by_reason/);
  assert.match(findings[0]?.hint ?? '', /REINDEX/);
});

test('goes on to the other checks where pages are damaged', async (t) => {
  const location = await written(t, 40);
  const database = new DatabaseSync(checkpointFile(location), { returnArrays: true });
  const page = Number(
    (
      database
        .prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'duplicates'")
        .get() as unknown as unknown[]
    )[0],
  );
  database.exec('UPDATE partitions SET next_offset = 1');
  database.close();
  const file = readFileSync(checkpointFile(location));
  const pageBytes = file.readUInt16BE(16);
  file.fill(0xab, (page - 1) * pageBytes, page * pageBytes);
  writeFileSync(checkpointFile(location), file);
  const findings = found(location);
  assert.match(findings[0] ?? '', /^integrity: /);
  assert.ok(findings.some((finding) => finding.startsWith('protocol: The offset of a partition')));
  assert.ok(findings.some((finding) => finding.startsWith('accounting: It cannot be read completely')));
});

test('has one finding for a file that is no database', async (t) => {
  const location = await written(t);
  writeFileSync(checkpointFile(location), 'This is a text, and long enough to have a header.'.repeat(200));
  const { findings, checks } = verifyCheckpoint({ location });
  assert.deepEqual(checks, ['file']);
  assert.match(findings[0]?.why ?? '', /not a database/);
  assert.equal(findings.length, 1);
});

test('refuses what is missing, and what a newer program made', async (t) => {
  const location = freshLocation(t);
  assert.throws(() => verifyCheckpoint({ location }), hasCode('CHECKPOINT_NOT_FOUND'));
  (await open(location)).close();
  edit(location, 'PRAGMA user_version = 99');
  assert.throws(() => verifyCheckpoint({ location }), hasCode('CHECKPOINT_VERSION'));
});

test('counts the bytes of headers, and knows aggregates that were added and removed', async (t) => {
  const location = freshLocation(t);
  const first = await open(location);
  first.stageDeadLetter(letterOf(0, { headers: [{ name: 'abc', value: new Uint8Array(5) }] }));
  runBatch(first, 0);
  first.close();
  const kept = QUERY.aggregates.slice(0, 1);
  const added = { name: 'cities', keys: [], measures: [{ kind: 'count' as const, name: 'n' }] };
  (await open(location, { plan: { ...QUERY, aggregates: [...kept, added] } })).close();
  assert.deepEqual(found(location), []);
});
