import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { checkpointFile } from '../../../src/checkpoint/connection.ts';
import { noteFile } from '../../../src/checkpoint/seals/commit-note.ts';
import { SealSum, isSame, sumsInSql } from '../../../src/checkpoint/seals/seal.ts';
import { SEALED_TABLES } from '../../../src/checkpoint/seals/sealed-tables.ts';
import { readSummary } from '../../../src/checkpoint/summary.ts';
import { verifyCheckpoint } from '../../../src/checkpoint/verify/verify.ts';
import { openCheckpointView } from '../../../src/checkpoint/view.ts';
import { createRandom } from '../../../src/producer/random.ts';
import { freshLocation, hasCode, open } from '../support/batches.ts';
import { makeOld } from '../support/old.ts';
import { BATCHES, loadWhole, readWhole, runWhole } from '../support/whole.ts';

async function written(t: TestContext, batches = BATCHES): Promise<string> {
  const location = freshLocation(t);
  const checkpoint = await open(location);
  for (let batchId = 0; batchId < batches; batchId += 1) runWhole(checkpoint, batchId);
  checkpoint.close();
  return location;
}

async function raiseLoss(location: string): Promise<void> {
  const checkpoint = await open(location);
  checkpoint.raiseLosses([{ partition: 1, start: 2, end: 5, kind: 'unread', why: 'They were removed.' }]);
  checkpoint.close();
}

/** That version knew nothing of what it had read. */
function withoutMarks(whole: unknown): object {
  const { marks: _, ...rest } = whole as { marks: unknown };
  return rest;
}

function edit<T>(location: string, act: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(checkpointFile(location));
  try {
    return act(database);
  } finally {
    database.close();
  }
}

test('seals every table that the schema has', async (t) => {
  const location = await written(t, 1);
  const tables = edit(location, (database) =>
    database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'seal'").all(),
  ).map(({ name }) => String(name));
  const known = [...SEALED_TABLES.map(({ name }) => name), 'aggregate_categories', 'aggregate_all'];
  assert.deepEqual(tables.sort(), known.sort(), 'a new table needs a line in SEALED_TABLES');
  for (const { name, columns, key, crc } of SEALED_TABLES) {
    const found = edit(location, (database) =>
      database.prepare('SELECT name FROM pragma_table_info(?)').all(name),
    ).map((column) => String(column['name']));
    const covered = [...new Set([...key, ...columns, crc])].map((column) => column.replaceAll('"', ''));
    if (name === 'commits') covered.push('printed');
    assert.deepEqual(found.sort(), covered.sort(), `columns of ${name}`);
  }
});

/** A row that is taken out cleanly, as a damaged pointer takes out many. */
for (const table of [...SEALED_TABLES.map(({ name }) => name), 'aggregate_categories', 'aggregate_all']) {
  test(`finds that a row of ${table} is missing`, async (t) => {
    const location = await written(t);
    if (table === 'data_losses') await raiseLoss(location);
    edit(location, (database) => {
      const last = `SELECT * FROM ${table} LIMIT 1`;
      const [column = '', value] = Object.entries(database.prepare(last).get() ?? {})[0] ?? [];
      database.exec('PRAGMA foreign_keys = OFF');
      const count = database.prepare(`SELECT count(*) AS n FROM ${table} WHERE "${column}" = ?`);
      assert.ok(Number(count.get(value as string)?.['n']) > 0);
      database.prepare(`DELETE FROM ${table} WHERE "${column}" = ?`).run(value as string);
    });
    const isFound = hasCode('CHECKPOINT_CORRUPT', location);
    assert.throws(() => readSummary({ location }), isFound);
    assert.notDeepEqual(verifyCheckpoint({ location }).findings, []);
    await assert.rejects(async () => loadWhole(await open(location)), isFound);
    const isShown = !['dedupe_segments', 'dedupe_appended', 'partitions'].includes(table);
    if (isShown) assert.throws(() => readWhole(location), isFound);
  });
}

test('finds a checkpoint.db that is older than its checkpoint.db-wal, and the other way round', async (t) => {
  const location = freshLocation(t);
  const checkpoint = await open(location);
  const copyOf = (suffix: string): Buffer => readFileSync(`${checkpointFile(location)}${suffix}`);
  for (let batchId = 0; batchId < 4; batchId += 1) runWhole(checkpoint, batchId);
  checkpoint.close();
  const older = copyOf('');
  const again = await open(location);
  for (let batchId = 4; batchId < 6; batchId += 1) runWhole(again, batchId);
  again.close();
  const newer = copyOf('');
  const third = await open(location);
  runWhole(third, 6);
  const wal = copyOf('-wal');
  third.close();

  const mixed = freshLocation(t);
  for (const [main, note] of [
    [older, true],
    [older, false],
  ] as const) {
    rmSync(mixed, { recursive: true, force: true });
    mkdirSync(mixed, { recursive: true });
    writeFileSync(checkpointFile(mixed), main);
    writeFileSync(`${checkpointFile(mixed)}-wal`, wal);
    if (note) copyFileSync(noteFile(location), noteFile(mixed));
    assert.throws(() => readWhole(mixed), hasCode('CHECKPOINT_CORRUPT'));
    assert.notDeepEqual(verifyCheckpoint({ location: mixed }).findings, []);
    await assert.rejects(async () => loadWhole(await open(mixed)), hasCode('CHECKPOINT_CORRUPT'));
  }
  // Without its WAL the newer one is sound, but it is not the last that was committed here.
  rmSync(mixed, { recursive: true, force: true });
  mkdirSync(mixed, { recursive: true });
  writeFileSync(checkpointFile(mixed), newer);
  assert.doesNotThrow(() => readWhole(mixed));
  copyFileSync(noteFile(location), noteFile(mixed));
  const isLost = hasCode('CHECKPOINT_CORRUPT', 'batch 5 of epoch 2', 'batch 6 of epoch 3', 'last-commit');
  assert.throws(() => readWhole(mixed), isLost);
  assert.throws(() => readSummary({ location: mixed }), isLost);
  await assert.rejects(open(mixed), isLost);
  assert.deepEqual(
    verifyCheckpoint({ location: mixed }).findings.map(({ check }) => check),
    ['note'],
  );
  // The way back for one who put an older copy there on purpose.
  rmSync(noteFile(mixed));
  assert.doesNotThrow(() => readWhole(mixed));
});

test('shows a damaged dead letter as damaged, whatever is asked for, and the others as they are', async (t) => {
  const location = await written(t, 2);
  const sound = openCheckpointView({ location });
  const letters = [...sound.deadLetters({})];
  sound.close();
  edit(location, (database) =>
    database.exec("UPDATE dead_letters SET value = x'00', reason = 'EMPTY' WHERE id = 3"),
  );
  const view = openCheckpointView({ location });
  const damaged = {
    ...letters[2],
    reason: 'EMPTY',
    key: null,
    value: null,
    headers: [],
    damaged: true,
  };
  assert.deepEqual([...view.deadLetters({})], letters.with(2, damaged as never));
  assert.deepEqual([...view.deadLetters({ reason: 'LATE' })], [damaged]);
  const at = { partition: letters[2]?.partition ?? -1, offset: letters[2]?.offset ?? -1 };
  assert.deepEqual([...view.deadLetters(at)], [damaged]);
  view.close();
});

test('seals an old checkpoint when a runner opens it, and reads it before', async (t) => {
  const location = await written(t);
  const before = withoutMarks(readWhole(location));
  makeOld(location);
  assert.deepEqual(readWhole(location), { ...before, marks: [] });
  const summary = readSummary({ location });
  assert.equal(summary.redriven, 480);
  const old = verifyCheckpoint({ location });
  assert.deepEqual([old.isSealed, old.findings], [false, []]);
  const runner = await open(location);
  runWhole(runner, BATCHES);
  runner.close();
  const sealed = verifyCheckpoint({ location });
  assert.deepEqual([sealed.isSealed, sealed.findings], [true, []]);
  const known = await written(t, BATCHES + 1);
  assert.deepEqual(withoutMarks(readWhole(location)), withoutMarks(readWhole(known)));
  edit(location, (database) => database.exec('DELETE FROM dead_letters WHERE id = 1'));
  assert.throws(() => readWhole(location), hasCode('CHECKPOINT_CORRUPT', 'dead_letters has 155 rows'));
});

for (const [what, sql] of [
  ['ids', 'UPDATE dedupe_appended SET crc32 = 1'],
  ['partitions', 'UPDATE partitions SET next_offset = 7'],
  ['a balance', 'UPDATE accounting SET accepted = 7'],
] as const) {
  test(`does not seal an old checkpoint with damaged ${what}, and leaves it as it is`, async (t) => {
    const location = await written(t);
    makeOld(location);
    edit(location, (database) => database.exec(sql));
    const bytes = readFileSync(checkpointFile(location));
    await assert.rejects(open(location), hasCode('CHECKPOINT_CORRUPT', location));
    assert.deepEqual(readFileSync(checkpointFile(location)), bytes);
  });
}

test('adds up the same in JavaScript and in SQL, in any order and with removals', () => {
  const random = createRandom('sums');
  const crcs = Array.from({ length: 2000 }, () => random.uint32());
  const sum = new SealSum();
  for (const crc of crcs) sum.add(crc);
  const database = new DatabaseSync(':memory:', { returnArrays: true });
  database.exec('CREATE TABLE t (crc INTEGER)');
  const insert = database.prepare('INSERT INTO t VALUES (?)');
  for (const crc of crcs.toReversed()) insert.run(crc);
  const row = database.prepare(`SELECT ${sumsInSql('crc')} FROM t`).get() as unknown as number[];
  assert.deepEqual(row, [sum.rows, sum.sum, sum.products]);
  const half = new SealSum();
  for (const crc of crcs.slice(1000)) half.add(crc);
  for (const crc of crcs.slice(0, 1000)) sum.remove(crc);
  assert.ok(isSame(sum, half));
  database.close();
});
