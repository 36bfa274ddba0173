import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { checkpointFile } from '../../../src/checkpoint/connection.ts';
import { quickCheck } from '../../../src/checkpoint/open/integrity.ts';
import { commitOf, freshLocation, hasCode, open } from '../support/batches.ts';

const bytesMax = Infinity;

test('finds a checkpoint sound, and leaves the folder as it was', async (t) => {
  const location = freshLocation(t);
  const checkpoint = await open(location);
  checkpoint.commit(commitOf(0));
  assert.deepEqual(quickCheck({ location, bytesMax }), { kind: 'sound' }, 'while a runner is at work');
  checkpoint.close();
  const files = readdirSync(location);
  assert.deepEqual(quickCheck({ location, bytesMax }), { kind: 'sound' });
  assert.deepEqual(readdirSync(location), files);
});

test('finds a page that was overwritten where nothing else reads it', async (t) => {
  const location = freshLocation(t);
  const checkpoint = await open(location);
  const entries = new Uint8Array(64 * 1024).fill(7);
  checkpoint.commit(
    commitOf(0, {
      dedupe: { appended: entries.subarray(0, 0), sealed: [{ segment: 0, entries }], evicted: [] },
    }),
  );
  checkpoint.close();
  const file = readFileSync(checkpointFile(location));
  const page = file.subarray(0, 4096).fill(0, 28, 32);
  // The header's count of pages: one fewer than there are loses the last one.
  page.writeUInt32BE(file.length / file.readUInt16BE(16) - 1, 28);
  writeFileSync(checkpointFile(location), file);
  const found = quickCheck({ location, bytesMax });
  assert.equal(found.kind, 'damaged');
  assert.match(found.problem, /page/);
});

test('does not read a file that is larger than was asked for', async (t) => {
  const location = freshLocation(t);
  (await open(location)).close();
  const { size } = statSync(checkpointFile(location));
  assert.deepEqual(quickCheck({ location, bytesMax: size - 1 }), { kind: 'too large', bytes: size });
  assert.deepEqual(quickCheck({ location, bytesMax: size }), { kind: 'sound' });
});

test('refuses a file that is no database', async (t) => {
  const location = freshLocation(t);
  (await open(location)).close();
  writeFileSync(checkpointFile(location), 'This is a text, and long enough to have a header.'.repeat(20));
  assert.throws(() => quickCheck({ location, bytesMax }), hasCode('CHECKPOINT_CORRUPT', location));
});
