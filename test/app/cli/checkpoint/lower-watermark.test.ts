import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openEmbeddedLog } from '../../../../src/log/embedded/log.ts';
import { systemClock } from '../../../../src/observe/system-clock.ts';
import { logLines, Place } from '../../../e2e/run-cli.ts';

const YEARS_MS = 4 * 365 * 24 * 3_600_000;

interface Totals {
  readonly accounting: Readonly<Record<string, number>>;
}

interface Lowered {
  readonly dryRun: boolean;
  readonly lowered: boolean;
  readonly batchId: number | null;
  readonly partitions: readonly {
    readonly partition: number;
    readonly before: string;
    readonly after: string;
  }[];
}

function placeOf(t: TestContext): Place {
  const place = new Place({
    TALLYSTREAM_LOG_PARTITIONS: '1',
    TALLYSTREAM_QUERY_FUTURE_TOLERANCE: '3650 days',
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

async function carry(place: Place, ...lines: readonly string[]) {
  await place.ok(['produce', '--from', '-'], { input: lines.join('') });
  return place.ok(['run', '--available-now']);
}

test('checkpoint lower-watermark is the way back after an event of a clock that was ahead', async (t) => {
  const place = placeOf(t);
  const nowMs = Date.now();
  const ahead = new Date(nowMs + YEARS_MS).toISOString();
  await carry(place, purchase('ahead', nowMs + YEARS_MS));
  const late = await carry(place, purchase('a', nowMs), purchase('b', nowMs));
  const warning = logLines(late.stderr).find(({ operation }) => operation === 'lateness');
  assert.match(
    String(warning?.['msg']),
    /ahead of this machine's clock.*checkpoint lower-watermark --to now/,
  );
  assert.equal(warning?.['newest'], ahead);

  const to = new Date(nowMs).toISOString();
  const words = ['checkpoint', 'lower-watermark', '--to', to];
  const dry = await place.json<Lowered>([...words, '--dry-run']);
  assert.deepEqual([dry.dryRun, dry.lowered, dry.batchId], [true, true, 2]);
  const done = await place.json<Lowered>(words);
  assert.deepEqual([done.dryRun, done.lowered, done.batchId], [false, true, 2]);
  assert.deepEqual(done.partitions, [{ partition: 0, before: ahead, after: to }]);
  assert.match((await place.ok(words)).stdout, /Nothing was lowered/);
  await place.ok(['checkpoint', 'verify']);
  assert.match(
    (await place.ok(['checkpoint', 'show'])).stdout,
    new RegExp(`^lowered +accepted times to ${to} in batch 2`, 'm'),
  );

  await carry(place, purchase('c', nowMs));
  const { accounting } = await place.json<Totals>(['totals']);
  assert.deepEqual([accounting['accepted'], accounting['late']], [2, 2]);
});

test('checkpoint lower-watermark says what is wrong with its time, and waits for no running query', async (t) => {
  const place = placeOf(t);
  await carry(place, purchase('a', Date.now()));
  for (const words of [[], ['--to', 'yesterday'], ['--to', '2025-02-30']]) {
    const { code, stderr } = await place.run(['checkpoint', 'lower-watermark', ...words]);
    assert.equal(code, 2);
    assert.match(stderr, /--to [^]*RFC 3339/);
  }
  const query = place.start(['run']);
  await query.until(({ stdout }) => stdout.includes('STARTED'));
  const { code, stderr } = await place.run(['checkpoint', 'lower-watermark', '--to', '2020-01-01']);
  assert.equal(code, 5);
  assert.match(stderr, /CHECKPOINT_LOCKED/);
  query.kill('SIGTERM');
  await query.end();
  const missing = await place.run(['checkpoint', 'lower-watermark', '--to', 'now', '--topic', 'other']);
  assert.match(missing.stderr, /CHECKPOINT_NOT_FOUND/);
});

test('records with any timestamp are read, listed and shown, and the query says which unit they have', async (t) => {
  const place = placeOf(t);
  const timestamps = [-1, 0, 1_785_000_000, 1_785_000_000_000_000, 1_785_000_000_123_456_768, 2 ** 63];
  const log = await openEmbeddedLog({ path: join(place.dataDir, 'log.db'), clock: systemClock });
  await log.createTopic('purchasing_events', { partitions: 1 });
  const records = timestamps.flatMap((timestampMs, at) =>
    ['x', purchase(`p${at}`, Date.now())].map((text) => ({
      key: null,
      value: Buffer.from(text),
      timestampMs,
    })),
  );
  await log.append('purchasing_events', records);
  await log.close();
  const { stderr } = await place.ok(['run', '--available-now']);
  const warned = logLines(stderr).filter(({ operation }) => operation === 'record-time');
  assert.deepEqual(
    warned.map(({ looksLike }) => looksLike),
    ['none', 'seconds', 'microseconds', 'nanoseconds'],
  );
  const letters = await place.jsonLines<{ timestamp: string }>(['dead-letters', 'list']);
  assert.deepEqual(
    letters.map(({ timestamp }) => timestamp),
    [
      '1969-12-31T23:59:59.999Z',
      '1970-01-01T00:00:00.000Z',
      '1970-01-21T15:50:00.000Z',
      '1785000000000000',
      '1785000000123456768',
      '9223372036854775807',
    ],
  );
  assert.match((await place.ok(['dead-letters', 'show', '0:8'])).stdout, /timestamp +1785000000123456768/);
  assert.match((await place.ok(['topic', 'tail'])).stdout, /1785000000123456768/);
  await place.ok(['dead-letters', 'redrive']);
  await place.ok(['run', '--available-now']);
  const { accounting } = await place.json<Totals>(['totals']);
  assert.deepEqual([accounting['accepted'], accounting['invalid']], [6, 12]);
});
