/** The checkpoint's file keeps the definitions of its tables as text: a flipped bit there must not be believed. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { checkpointFile } from '../../../src/checkpoint/connection.ts';
import { verifyCheckpoint } from '../../../src/checkpoint/verify/verify.ts';
import { openCheckpointView } from '../../../src/checkpoint/view.ts';
import { commitOf, freshLocation, hasCode, open } from '../support/batches.ts';

/** One bit of a definition, named by a text in it and the place of the letter in that text. */
const FLIPPED: [name: string, text: string, letter: number, bit: number][] = [
  ['the case of a column', 'next_offset INTEGER', 0, 5],
  ['the name of a table', 'TABLE redriven', 6, 0],
  ['the case of an aggregate’s column', '"total" ANY', 1, 5],
  ['whether reports are printed', 'printed INTEGER NOT NULL DEFAULT 0', 33, 0],
  ['the end of a definition', 'crc32 INTEGER NOT NULL\n  ) STRICT', 26, 5],
];

for (const [name, text, letter, bit] of FLIPPED) {
  test(`refuses a checkpoint with one flipped bit in its definitions: ${name}`, async (t) => {
    const location = freshLocation(t);
    const first = await open(location);
    first.commit(commitOf(0));
    first.close();
    const file = readFileSync(checkpointFile(location));
    const found = file.indexOf(text);
    assert.ok(found > 0, `there is no ${text}`);
    const at = found + letter;
    file[at] = (file[at] as number) ^ (1 << bit);
    writeFileSync(checkpointFile(location), file);
    const isRefused = hasCode('CHECKPOINT_CORRUPT', location);
    await assert.rejects(open(location), isRefused);
    assert.throws(() => openCheckpointView({ location }), isRefused);
    assert.equal(verifyCheckpoint({ location }).findings.length, 1);
  });
}

test('refuses a checkpoint in which two tables are said to be stored in the same pages', async (t) => {
  const location = freshLocation(t);
  (await open(location)).close();
  const database = new DatabaseSync(checkpointFile(location));
  database.enableDefensive(false);
  database.exec(`PRAGMA writable_schema = ON;
    UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'plans') WHERE name = 'commits'`);
  database.close();
  await assert.rejects(open(location), hasCode('CHECKPOINT_CORRUPT', 'commits', 'plans', 'the same page'));
});

test('opens a checkpoint in which a person has made an index', async (t) => {
  const location = freshLocation(t);
  (await open(location)).close();
  const database = new DatabaseSync(checkpointFile(location));
  database.exec('CREATE INDEX by_field ON dead_letters (field)');
  database.close();
  (await open(location)).commit(commitOf(0));
});
