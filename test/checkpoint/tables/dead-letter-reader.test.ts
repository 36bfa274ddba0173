/** Dead letters are read a row at a time, each after the one before: damaged pages must not lead round in a circle. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { checkpointFile } from '../../../src/checkpoint/connection.ts';
import { openCheckpointView } from '../../../src/checkpoint/view.ts';
import { commitOf, freshLocation, hasCode, letterOf, open } from '../support/batches.ts';

const LETTERS = 120;
/** More than any letter's number in the first leaf, and less than the last number. */
const RAISED_KEY = 110;

test('refuses dead letters whose pages lead back to an earlier letter', async (t) => {
  const location = freshLocation(t);
  const checkpoint = await open(location);
  for (let offset = 0; offset < LETTERS; offset += 1) {
    checkpoint.stageDeadLetter(letterOf(0, { offset, value: new Uint8Array(200) }));
  }
  checkpoint.commit(commitOf(0));
  checkpoint.close();
  raiseFirstDivider(location);
  const view = openCheckpointView({ location });
  t.after(() => view.close());
  const seen: number[] = [];
  assert.throws(
    () => {
      for (const { offset } of view.deadLetters({})) {
        seen.push(offset);
        assert.ok(seen.length <= LETTERS, 'more letters were read than there are');
      }
    },
    hasCode('CHECKPOINT_CORRUPT', location, 'dead_letters', 'not in the order of its key'),
  );
  assert.ok(seen.length > 0 && seen.length < LETTERS);
});

/**
 * In the table's root page, an interior one, the first cell says which letters are in its child: those up to its key
 * (https://www.sqlite.org/fileformat.html, "B-tree Pages"). With a larger key, what follows the child's last letter is
 * looked for in the child, and the first letter of the next page is found every time.
 */
function raiseFirstDivider(location: string): void {
  const database = new DatabaseSync(checkpointFile(location));
  const { rootpage } = database
    .prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'dead_letters'")
    .get() as { rootpage: number };
  const { page_size: pageBytes } = database.prepare('PRAGMA page_size').get() as { page_size: number };
  database.close();
  const file = readFileSync(checkpointFile(location));
  const page = (rootpage - 1) * pageBytes;
  assert.equal(file[page], 5, 'the table has more than one leaf');
  const cell = page + file.readUInt16BE(page + 12);
  const key = file[cell + 4] as number;
  assert.ok(key < RAISED_KEY, `the first leaf ends at ${key}`);
  file[cell + 4] = RAISED_KEY;
  writeFileSync(checkpointFile(location), file);
}
