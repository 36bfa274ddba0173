import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { checkpointFile } from '../../../src/checkpoint/connection.ts';
import { InvariantError } from '../../../src/errors.ts';
import { commitOf, freshLocation, hasCode, letterOf, open, stateOf } from '../support/batches.ts';

/** Reaches into a runner for what a test cannot do from outside. */
function databaseOf(checkpoint: unknown): DatabaseSync {
  return (checkpoint as { parts: { database: DatabaseSync } }).parts.database;
}

test('takes no lock on the checkpoint, and holds no snapshot of it', async (t) => {
  const location = freshLocation(t);
  const checkpoint = await open(location);
  checkpoint.commit(commitOf(0));
  const other = new DatabaseSync(checkpointFile(location), { timeout: 0 });
  const isFree = () => {
    other.exec('UPDATE meta SET lock_pid = lock_pid; BEGIN EXCLUSIVE; COMMIT');
    // A snapshot that somebody still reads would keep the WAL from being emptied.
    assert.equal(other.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.['busy'], 0);
  };
  checkpoint.stageDeadLetter(letterOf(1));
  checkpoint.stageDuplicate(0, 3);
  assert.equal(databaseOf(checkpoint).isTransaction, true);
  isFree();
  assert.equal(checkpoint.isRedriven({ topicId: 'a', partition: 0, offset: 0 }), false);
  isFree();
  checkpoint.stageDuplicate(0, 4);
  isFree();
  checkpoint.discardStaged();
  isFree();
  other.close();
});

test('writes nothing into the folder', async (t) => {
  const location = freshLocation(t);
  const checkpoint = await open(location);
  const files = readdirSync(location);
  for (let offset = 0; offset < 200; offset += 1) {
    checkpoint.stageDeadLetter(letterOf(0, { offset, value: new Uint8Array(100_000) }));
  }
  assert.deepEqual(readdirSync(location), files);
});

test('keeps everything staged where the disk is full, so that the commit can be tried again', async (t) => {
  const location = freshLocation(t);
  const checkpoint = await open(location);
  const database = databaseOf(checkpoint);
  checkpoint.stageDeadLetter(letterOf(0, { value: new Uint8Array(500_000) }));
  checkpoint.stageDuplicate(0, 1);
  database.exec('PRAGMA max_page_count = 60');
  const before = checkpoint.deadLetterBytes();
  for (let round = 0; round < 3; round += 1) {
    assert.throws(() => checkpoint.commit(commitOf(0)), hasCode('STORAGE_FULL', location, 'Free some space'));
  }
  assert.equal(checkpoint.deadLetterBytes(), before);
  assert.equal(checkpoint.lastPlan(), undefined);
  database.exec('PRAGMA max_page_count = 1000000');
  checkpoint.commit(commitOf(0));
  assert.equal(stateOf(checkpoint).deadLetterBytes, before);
  assert.equal(database.prepare('SELECT count(*) FROM dead_letters').get()?.[0 as never], 1);
  assert.equal(database.prepare('SELECT count(*) FROM duplicates').get()?.[0 as never], 1);
  checkpoint.commit(commitOf(1));
});

test('refuses a commit where staged rows were lost', async (t) => {
  const checkpoint = await open(freshLocation(t));
  checkpoint.stageDuplicate(0, 1);
  checkpoint.stageDuplicate(0, 2);
  databaseOf(checkpoint).exec('ROLLBACK');
  assert.throws(() => checkpoint.commit(commitOf(0)), InvariantError);
  assert.equal(checkpoint.lastCommit(), undefined);
});
