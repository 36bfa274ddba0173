/** `checkpoint accept-loss` as an operator uses it, and what the other commands say before and after. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { CHECKPOINT, Place } from '../../../e2e/run-cli.ts';

const ONE_PARTITION = { env: { TALLYSTREAM_LOG_PARTITIONS: '1' } };

async function produce(place: Place, events: number, seed: number): Promise<void> {
  await place.ok(
    ['produce', '--events', String(events), '--rate', 'max', '--seed', String(seed)],
    ONE_PARTITION,
  );
}

async function backUp(from: string, to: string): Promise<void> {
  const database = new DatabaseSync(from);
  await backup(database, to);
  database.close();
}

/** Restores a copy of the log, as docs/how-to/back-up-and-restore.md says. */
function putLogBack(place: Place, copy: string): void {
  for (const suffix of ['', '-wal', '-shm', '-ack'])
    rmSync(join(place.dataDir, `log.db${suffix}`), { force: true });
  cpSync(copy, join(place.dataDir, 'log.db'));
}

/** 100 events were counted, and the log that holds 60 of them has grown to 160. */
async function placeThatWentBack(t: TestContext): Promise<Place> {
  const place = new Place();
  t.after(() => place.remove());
  await produce(place, 60, 1);
  const copy = join(place.folder, 'copy.db');
  await backUp(join(place.dataDir, 'log.db'), copy);
  await produce(place, 40, 2);
  await place.ok(['run', '--available-now']);
  putLogBack(place, copy);
  await produce(place, 100, 3);
  return place;
}

test('a log that went back is found by verify and doctor before any run', async (t) => {
  const place = await placeThatWentBack(t);
  const verified = await place.run(['checkpoint', 'verify']);
  assert.equal(verified.code, 5);
  assert.match(
    verified.stdout,
    /The log no longer has records that were read: partition 0, offsets 60 to 99/,
  );
  const doctor = await place.run(['doctor', '--ui-port', 'off']);
  assert.match(doctor.stdout, /^fail +lag +The query has lost records: partition 0, offsets 60 to 99/m);
  assert.doesNotMatch(doctor.stdout, /has read everything/);
});

test('the loss is listed, accepted by its range, and shown from then on; the new events are counted', async (t) => {
  const place = await placeThatWentBack(t);
  const refused = await place.run(['run', '--available-now']);
  assert.equal(refused.code, 5);
  assert.match(refused.stderr, /partition 0 offsets 60 to 99 \(40\).*\n[^]*accept-loss/);
  const listed = await place.run(['checkpoint', 'accept-loss']);
  assert.equal(listed.code, 5);
  assert.match(
    listed.stdout,
    /^0:60-99 +partition 0, offsets 60 to 99 \(counted, and no longer in the log\)/m,
  );
  for (const [words, named] of [
    [['0:60-98'], /0:60-99/],
    [['60-99'], /0:60-99/],
    [['0:60-99', '--all'], /cannot be used together/],
  ] as const) {
    const wrong = await place.run(['checkpoint', 'accept-loss', ...words]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, named);
  }
  const { stdout } = await place.ok(['checkpoint', 'accept-loss', '0:60-99']);
  assert.match(stdout, /^accepted as lost: partition 0, offsets 60 to 99/m);
  await place.ok(['run', '--available-now']);
  const totals = await place.json<{ accounting: { accepted: number }; gone: unknown }>(['totals']);
  assert.equal(totals.accounting.accepted, 200);
  const ranges = [{ batchId: 0, partition: 0, start: 60, end: 100 }];
  assert.deepEqual(totals.gone, { records: 40, ranges });
  assert.match((await place.ok(['totals'])).stdout, /NOT IN THE LOG: 40 records/);
  assert.match((await place.ok(['checkpoint', 'verify'])).stdout, /is sound/);
  assert.match((await place.ok(['checkpoint', 'show'])).stdout, /^0 +60 +100 +counted, after batch 0, at /m);
  const again = await place.json<{ raised: unknown[]; accepted: unknown[] }>(['checkpoint', 'accept-loss']);
  assert.deepEqual([again.raised.length, again.accepted.length], [0, 1]);
  assert.match((await place.run(['doctor', '--ui-port', 'off'])).stdout, /40 accepted as lost/);
});

test('all is accepted at once, and nothing is where nothing was lost', async (t) => {
  const place = await placeThatWentBack(t);
  assert.match((await place.ok(['checkpoint', 'accept-loss'])).stdout, /^Nothing was lost/);
  await place.run(['run', '--available-now']);
  const accepted = await place.json<{ acceptedNow: readonly { start: number; end: number }[] }>([
    'checkpoint',
    'accept-loss',
    '--all',
  ]);
  assert.deepEqual(
    accepted.acceptedNow.map(({ start, end }) => [start, end]),
    [[60, 100]],
  );
});

test('is refused while the query runs', async (t) => {
  const place = new Place();
  t.after(() => place.remove());
  const query = place.start(['run']);
  await query.until(({ stdout }) => stdout.includes('STARTED'));
  const refused = await place.run(['checkpoint', 'accept-loss', '--all']);
  assert.match(refused.stderr, /CHECKPOINT_LOCKED/);
  query.kill('SIGTERM');
  await query.end();
});

test('a backup as the documentation describes it is put back, and every event is counted once', async (t) => {
  const place = new Place();
  t.after(() => place.remove());
  const copies = join(place.folder, 'backup');
  mkdirSync(copies);
  const checkpoint = join(place.dataDir, CHECKPOINT);
  await produce(place, 50, 1);
  await place.ok(['run', '--available-now']);
  await backUp(join(checkpoint, 'checkpoint.db'), join(copies, 'checkpoint.db'));
  await produce(place, 30, 2);
  await backUp(join(place.dataDir, 'log.db'), join(copies, 'log.db'));
  await produce(place, 20, 3);
  await place.ok(['run', '--available-now']);
  // All is put back: the log is newer than the checkpoint, and its 30 are read.
  putLogBack(place, join(copies, 'log.db'));
  rmSync(checkpoint, { recursive: true });
  mkdirSync(checkpoint, { recursive: true });
  cpSync(join(copies, 'checkpoint.db'), join(checkpoint, 'checkpoint.db'));
  await place.ok(['run', '--available-now']);
  const totals = await place.json<{ accounting: { read: number } }>(['totals']);
  assert.equal(totals.accounting.read, 80);
  assert.match((await place.ok(['checkpoint', 'verify'])).stdout, /is sound/);
});
