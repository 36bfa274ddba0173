import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { openEmbeddedLog } from '../../../src/log/embedded/log.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';
import { Place } from '../../e2e/run-cli.ts';

interface Outcome {
  readonly schemaVersion: number;
  readonly dryRun: boolean;
  readonly redriven: number;
  readonly alreadyRedriven: number;
  readonly late: number;
  readonly withoutBytes: number;
}

interface Accounting {
  readonly read: number;
  readonly accepted: number;
  readonly invalid: number;
  readonly duplicate: number;
  readonly late: number;
}

interface Letter {
  readonly reason: string;
  readonly offset: number;
}

function placeOf(t: TestContext): Place {
  const place = new Place({
    TALLYSTREAM_LOG_PARTITIONS: '1',
    TALLYSTREAM_QUERY_FUTURE_TOLERANCE: '0 seconds',
  });
  t.after(() => place.remove());
  return place;
}

function purchase(id: string, timeMs: number): string {
  return (
    `{"event_id":"${id}","timestamp":"${new Date(timeMs).toISOString()}","customer_id":"c","product_category":"Books",` +
    '"quantity":1,"unit_price":5,"total_amount":5,"currency":"USD"}\n'
  );
}

const HOUR_MS = 3_600_000;

async function carry(place: Place, ...lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await place.ok(['produce', '--from', '-'], { input: lines.join('') });
  await place.ok(['run', '--available-now']);
}

/** Appends a line as it would have been at another time: how far an event may be ahead goes by when it was logged. */
async function appendAt(place: Place, timestampMs: number, line: string): Promise<void> {
  const log = await openEmbeddedLog({ path: join(place.dataDir, 'log.db'), clock: systemClock });
  try {
    await log.createTopic('purchasing_events', { partitions: 1 });
    await log.append('purchasing_events', [{ key: null, value: Buffer.from(line), timestampMs }]);
  } finally {
    await log.close();
  }
}

async function accountingOf(place: Place): Promise<Accounting> {
  return (await place.json<{ accounting: Accounting }>(['totals'])).accounting;
}

async function redrive(place: Place, ...words: readonly string[]): Promise<readonly number[]> {
  const { redriven, alreadyRedriven, late, withoutBytes } = await place.json<Outcome>([
    'dead-letters',
    'redrive',
    ...words,
  ]);
  return [redriven, alreadyRedriven, late, withoutBytes];
}

function lettersOf(place: Place, ...words: readonly string[]): Promise<Letter[]> {
  return place.jsonLines<Letter>(['dead-letters', 'list', ...words]);
}

test('an event that was ahead of the clock is accepted once when its time has come, however often it is redriven', async (t) => {
  const place = placeOf(t);
  const nowMs = systemClock.nowMs();
  await appendAt(place, nowMs - 2 * HOUR_MS, purchase('soon', nowMs - HOUR_MS));
  await carry(place);
  assert.deepEqual(await lettersOf(place).then((letters) => letters.map(({ reason }) => reason)), [
    'FUTURE_TIMESTAMP',
  ]);

  const dry = await place.json<Outcome>(['dead-letters', 'redrive', '--dry-run']);
  assert.deepEqual(dry, {
    schemaVersion: 1,
    dryRun: true,
    redriven: 1,
    alreadyRedriven: 0,
    late: 0,
    withoutBytes: 0,
  });
  assert.match(
    (await place.ok(['dead-letters', 'redrive', '--dry-run'])).stdout,
    /^1 dead letter would be appended/,
  );
  await carry(place);
  assert.equal((await accountingOf(place)).read, 1, 'a dry run appends nothing');

  // Twice before the query has seen either: it alone can tell that they are one.
  assert.deepEqual(await redrive(place), [1, 0, 0, 0]);
  assert.deepEqual(await redrive(place, '0:0'), [1, 0, 0, 0]);
  await carry(place);
  assert.deepEqual(await accountingOf(place), { read: 3, accepted: 1, invalid: 1, duplicate: 1, late: 0 });
  assert.deepEqual(
    (await lettersOf(place, '--reason', 'DUPLICATE')).map(({ offset }) => offset),
    [2],
  );

  // Now the checkpoint knows, and nothing is appended.
  assert.deepEqual(await redrive(place), [0, 1, 0, 0]);
  await carry(place);
  assert.equal((await accountingOf(place)).read, 3);
});

test('a late event is redriven only with --accept-late, and counts once then', async (t) => {
  const place = placeOf(t);
  const nowMs = Date.UTC(2024, 5, 26, 12);
  await carry(place, purchase('new', nowMs), purchase('old', nowMs - HOUR_MS - 1));
  assert.deepEqual(await accountingOf(place), { read: 2, accepted: 1, invalid: 0, duplicate: 0, late: 1 });

  const without = await place.ok(['dead-letters', 'redrive']);
  assert.match(
    without.stdout,
    /^0 dead letters were appended .*\nSkipped, LATE and would be late again: 1\. With --accept-late/,
  );
  assert.deepEqual(await redrive(place, '0:1'), [0, 0, 1, 0]);
  await carry(place);
  assert.equal((await accountingOf(place)).read, 2);

  assert.deepEqual(await redrive(place, '0:1', '--accept-late'), [1, 0, 0, 0]);
  await carry(place);
  assert.deepEqual(await accountingOf(place), { read: 3, accepted: 2, invalid: 0, duplicate: 0, late: 1 });
  assert.deepEqual(await redrive(place, '--accept-late'), [0, 1, 0, 0]);
});

test('what is wrong in itself comes back as a dead letter of its own, and a reason chooses what goes', async (t) => {
  const place = placeOf(t);
  await carry(place, 'no event\n', '\n', '[]\n');
  assert.deepEqual(await redrive(place, '--reason', 'empty'), [1, 0, 0, 0]);
  assert.deepEqual(await redrive(place, '--reason', 'empty'), [1, 0, 0, 0]);
  assert.deepEqual(await redrive(place, '--reason', 'WRONG_TYPE', '--dry-run'), [1, 0, 0, 0]);
  // A batch for each, so that what the first redrove is known from its commit.
  const options = { env: { TALLYSTREAM_QUERY_MAX_OFFSETS_PER_TRIGGER: '1' } };
  await place.ok(['run', '--available-now'], options);
  assert.deepEqual(await accountingOf(place), { read: 5, accepted: 0, invalid: 4, duplicate: 1, late: 0 });
  assert.deepEqual(
    (await lettersOf(place)).map(({ reason, offset }) => [offset, reason]),
    [
      [0, 'MALFORMED_JSON'],
      [1, 'EMPTY'],
      [2, 'WRONG_TYPE'],
      [3, 'EMPTY'],
    ],
  );
});

test('a position without a dead letter is refused, and nothing is appended', async (t) => {
  const place = placeOf(t);
  await carry(place, 'no event\n', purchase('good', Date.UTC(2024, 5, 26)));
  const { code, stdout, stderr } = await place.run(['dead-letters', 'redrive', '0:0', '0:1']);
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /There is no dead letter at 0:1\./);
  await carry(place);
  assert.equal((await accountingOf(place)).read, 2);
});

test('letters that come of what is redriven are left for another time, and positions go without a reason', async (t) => {
  const place = placeOf(t);
  await carry(place, ...Array.from({ length: 2_000 }, () => 'no event\n'));
  const runner = place.start(['run'], { env: { TALLYSTREAM_QUERY_TRIGGER: '0 seconds' } });
  assert.deepEqual(await redrive(place), [2_000, 0, 0, 0]);
  runner.kill('SIGTERM');
  assert.equal((await runner.end()).code, 143);
  assert.equal((await place.run(['dead-letters', 'redrive', '0:1', '--reason', 'EMPTY'])).code, 2);
});

test('a redriven record keeps its headers, and names the newest origin alone', async (t) => {
  const place = placeOf(t);
  const log = await openEmbeddedLog({ path: join(place.dataDir, 'log.db'), clock: systemClock });
  const text = (words: string) => Buffer.from(words);
  await log.createTopic('purchasing_events', { partitions: 1 });
  const headers = [
    { name: 'trace', value: text('abc') },
    { name: 'tallystream.redrive.origin', value: text('somewhere/0/7') },
    { name: 'tallystream.producer', value: text('nightly:3') },
  ];
  await log.append('purchasing_events', [{ key: null, value: text('{'), headers }]);
  await carry(place);
  await redrive(place);
  const { id: topicId } = (await log.describeTopic('purchasing_events')) ?? { id: 'none' };
  for await (const chunk of log.read({ topic: 'purchasing_events', partition: 0, start: 1, end: 2 })) {
    const found = chunk.headers.get(0)?.map(({ name, value }) => `${name}=${Buffer.from(value).toString()}`);
    assert.deepEqual(found, ['trace=abc', `tallystream.redrive.origin=${topicId}/0/0`]);
  }
  await log.close();
});

test('a damaged dead letter is shown as damaged, and is never redriven', async (t) => {
  const place = placeOf(t);
  const day = Date.UTC(2024, 5, 26);
  const bad = (id: string): string => purchase(id, day).replace('"quantity":1', '"quantity":-1');
  await carry(place, bad('a'), bad('b'), bad('c'));
  const location = join(place.dataDir, 'checkpoints', 'purchase-totals-embedded-purchasing_events');
  const database = new DatabaseSync(join(location, 'checkpoint.db'));
  // One bit of the category: "Books" is "Bookr" then, and would be counted as one.
  database.exec(
    "UPDATE dead_letters SET value = CAST(replace(CAST(value AS TEXT), 'Books', 'Bookr') AS BLOB) WHERE offset = 1",
  );
  database.close();

  const listed = await place.run(['dead-letters', 'list', '--json']);
  assert.equal(listed.code, 5);
  assert.match(listed.stderr, /1 dead letter in the checkpoint does not match the stored checksum/);
  const letters = listed.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { offset: number; damaged?: boolean; value: string | null });
  assert.deepEqual(
    letters.map(({ offset, damaged = false, value }) => [offset, damaged, value === null]),
    [
      [0, false, false],
      [1, true, true],
      [2, false, false],
    ],
  );
  assert.match((await place.run(['dead-letters', 'list'])).stdout, /0:1 .*DAMAGED/);
  const shown = await place.run(['dead-letters', 'show', '0:1']);
  assert.deepEqual([shown.code, /damaged/.test(shown.stdout)], [5, true]);
  const raw = await place.run(['dead-letters', 'show', '0:1', '--raw']);
  assert.deepEqual([raw.code, raw.stdout], [5, '']);

  const one = await place.run(['dead-letters', 'redrive', '0:1', '--json']);
  assert.deepEqual([one.code, (JSON.parse(one.stdout) as { redriven: number }).redriven], [5, 0]);
  const all = await place.run(['dead-letters', 'redrive', '--json']);
  const { redriven, damaged } = JSON.parse(all.stdout) as { redriven: number; damaged: number };
  assert.deepEqual([all.code, redriven, damaged], [5, 2, 1]);
  assert.match(all.stderr, /never redriven/);
});
