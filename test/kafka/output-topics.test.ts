/** Output topics on a real broker: whatever is killed when, a reader that reads committed sees each batch once. */
import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Producer, stringSerializers } from '@platformatic/kafka';
import { makeTopics } from '../../scripts/kafka/topics.js';
import { createSinks, openLog } from '../../src/app/compose.ts';
import { loadConfig } from '../../src/app/config/load.ts';
import type { Sink } from '../../src/contracts/sink.ts';
import { openKafkaLog } from '../../src/log/kafka/log.ts';
import { systemClock } from '../../src/observe/system-clock.ts';
import { readPartition, type PlainRecord } from '../contract/log/log-records.ts';
import { Place } from '../e2e/run-cli.ts';
import { stopAndTakeOver } from '../e2e/take-over.ts';
import { runLibraryQuery } from '../fault/support/library-query.ts';
import { roundsOf } from '../fault/support/rounds.ts';
import { startBroker, withoutKafka, type TestBroker } from './broker.ts';

interface TotalsRow {
  readonly date: string;
  readonly currency: string;
  readonly category?: string;
  readonly total: string;
  readonly transactions: number;
}

interface Totals {
  readonly lastBatchId: number;
  readonly days: readonly TotalsRow[];
  readonly categories: readonly Required<TotalsRow>[];
  readonly accounting: { readonly read: number; readonly accepted: number; readonly invalid: number };
}

const LINES = 3_000;
const KILLS = 8;

describe('output topics', { skip: withoutKafka(), timeout: 600_000 }, () => {
  let broker: TestBroker;
  before(async () => {
    const properties = { 'broker.session.timeout.ms': '2000', 'broker.heartbeat.interval.ms': '500' };
    broker = await startBroker({ properties });
  });
  after(() => broker.stop());

  test('hold the totals as upserts, and the dead letters with their bytes', async (t) => {
    const { place, words } = placeOn(t, broker, 'plain');
    await place.ok(['produce', ...words, '--from', '-'], { input: linesOf(500) });
    await place.ok(['run', ...words, '--available-now']);
    await assertPublished(place, words, broker, 'plain');
    const [letter] = await recordsOf(broker, 'plain.dead-letters');
    const header = (name: string) => letter?.headers.find((each) => each.name === name)?.value;
    assert.equal(letter?.value, 'not JSON, line 0');
    assert.equal(header('__connect.errors.exception.class.name'), 'MALFORMED_JSON');
    assert.equal(header('__connect.errors.topic'), 'plain');
    // Turned off for a while: the next batch brings what the topic has missed.
    await place.ok(['produce', ...words, '--from', '-'], { input: linesOf(200, 'off') });
    await place.ok(['run', ...words, '--available-now'], {
      env: { TALLYSTREAM_KAFKA_OUTPUT_TOPICS: 'false' },
    });
    await place.ok(['produce', ...words, '--from', '-'], { input: linesOf(1, 'on', '2026-02-03') });
    await place.ok(['run', ...words, '--available-now']);
    await assertTotals(place, words, broker, 'plain');
  });

  test('take a letter that is refused in another form, and the query goes on', async (t) => {
    const { place, words } = placeOn(t, broker, 'refused');
    const anything = {
      'message.timestamp.after.max.ms': `${2n ** 63n - 1n}`,
      'max.message.bytes': '9000000',
    };
    const strict = { 'message.timestamp.after.max.ms': '3600000', 'max.message.bytes': '100000' };
    await makeTopics(broker.port, [
      { name: 'refused', partitions: 1, config: anything },
      { name: 'refused.dead-letters', partitions: 1, config: strict },
    ]);
    const producer = new Producer({
      clientId: 'refused',
      bootstrapBrokers: [broker.bootstrap],
      serializers: stringSerializers,
    });
    t.after(() => producer.close(true));
    const future = 4_000_000_000_000;
    const send = (value: string, more: object = {}) =>
      producer.send({ messages: [{ topic: 'refused', partition: 0, key: 'k', value, ...more }], acks: -1 });
    await send('no JSON 0');
    await send('no JSON 1', { timestamp: BigInt(future) });
    await send('no JSON 2', { headers: { trace: 'x'.repeat(1_500_000) } });
    await send('no JSON 3');
    await send(`no JSON 4 ${'y'.repeat(200_000)}`);
    await place.ok(['run', ...words, '--available-now']);
    const letters = await recordsOf(broker, 'refused.dead-letters');
    const headerOf = (offset: number, name: string) =>
      letters[offset]?.headers.find((each) => each.name === name)?.value;
    assert.deepEqual(
      letters.map(({ value }) => value),
      ['no JSON 0', 'no JSON 1', 'no JSON 2', 'no JSON 3', null],
    );
    assert.equal(headerOf(1, 'tallystream.timestamp.original'), String(future));
    assert.ok((letters[1]?.timestampMs ?? future) < future);
    assert.equal(headerOf(2, 'tallystream.headers.omitted'), '1500005');
    assert.deepEqual(
      [2, 4].map((offset) => headerOf(offset, '__connect.errors.offset')),
      ['2', '4'],
    );
    assert.equal(headerOf(4, 'tallystream.value.omitted'), '200010');
  });

  test('that were deleted get every group again with the next batch', async (t) => {
    const { place, words } = placeOn(t, broker, 'deleted');
    await place.ok(['produce', ...words, '--from', '-'], { input: linesOf(200) });
    await place.ok(['run', ...words, '--available-now']);
    const log = await openKafkaLog({
      bootstrapServers: [broker.bootstrap],
      clock: systemClock,
      clientId: 'test',
    });
    t.after(() => log.close());
    await log.deleteTopic('deleted.totals');
    await place.ok(['produce', ...words, '--from', '-'], { input: linesOf(1, 'again', '2026-02-03') });
    await place.ok(['run', ...words, '--available-now']);
    await assertTotals(place, words, broker, 'deleted');
  });

  test('hold each batch once, however often the query is killed', async (t) => {
    const { place, words } = placeOn(t, broker, 'kills');
    const { random, rounds } = roundsOf((text) => t.diagnostic(text), KILLS);
    await place.ok(['produce', ...words, '--from', '-'], { input: linesOf(LINES) });
    for (let kill = 0; kill < rounds; kill += 1) {
      const query = place.start(['run', ...words, '--log-level', 'info']);
      const seen = random.below(6);
      await query.until(({ stderr }) => committed(stderr) >= seen || stderr.includes('starts'));
      await sleep(random.unit() * 300);
      query.kill('SIGKILL');
      await query.end();
    }
    await place.ok(['run', ...words, '--available-now']);
    await assertPublished(place, words, broker, 'kills');
  });

  test('hold each batch once, where a kill comes between the transaction and the commit', async (t) => {
    const { place, words, env } = placeOn(t, broker, 'between');
    await place.ok(['produce', ...words, '--from', '-'], { input: linesOf(600) });
    const { config } = await loadConfig({
      flags: { 'data-dir': place.dataDir },
      env,
      file: undefined,
      cwd: place.folder,
    });
    for (const fatalCall of [1, 2, 4]) {
      const log = await openLog(config, systemClock);
      const [sink] = await createSinks(config, log);
      assert.ok(sink !== undefined);
      let calls = 0;
      const dying: Sink = {
        name: sink.name,
        open: (runner, last) => sink.open?.(runner, last) ?? Promise.resolve(undefined),
        async write(result, identity) {
          await sink.write(result, identity);
          calls += 1;
          if (calls === fatalCall) throw new Error('killed');
        },
      };
      await assert.rejects(runLibraryQuery({ dataDir: place.dataDir, env, sinks: [dying] }), /killed/);
      await log.close();
    }
    await place.ok(['run', ...words, '--available-now']);
    await assertPublished(place, words, broker, 'between');
  });

  test('hold each batch once, though the broker is killed meanwhile', async (t) => {
    const { place, words } = placeOn(t, broker, 'broker-kills');
    await place.ok(['produce', ...words, '--from', '-'], { input: linesOf(LINES) });
    const query = place.start(['run', ...words, '--available-now']);
    t.after(() => query.kill('SIGKILL'));
    await query.until(({ stderr }) => committed(stderr) >= 3);
    await broker.kill('SIGKILL');
    await sleep(500);
    await broker.restart();
    assert.equal((await query.end()).code, 0, query.stderr);
    await assertPublished(place, words, broker, 'broker-kills');
  });

  test('take nothing from a query that wakes after another took over', async (t) => {
    const { place, words } = placeOn(t, broker, 'zombie');
    await place.ok(['produce', ...words, '--from', '-'], { input: linesOf(LINES) });
    const zombie = place.start(['run', ...words]);
    t.after(() => zombie.kill('SIGKILL'));
    await zombie.until(({ stderr }) => committed(stderr) >= 2);
    await stopAndTakeOver(zombie, place, ['run', ...words, '--available-now']);
    zombie.kill('SIGCONT');
    // It may have written all there was before it was stopped; of this it can no more.
    await place.ok(['produce', ...words, '--from', '-'], { input: linesOf(1, 'late') });
    const ended = await zombie.end();
    assert.equal(ended.code, 5, ended.stderr);
    assert.match(ended.stderr, /WRITER_FENCED|CHECKPOINT_FENCED/);
    await place.ok(['run', ...words, '--available-now']);
    await assertPublished(place, words, broker, 'zombie');
  });
});

function placeOn(t: TestContext, broker: TestBroker, topic: string) {
  const env = {
    TALLYSTREAM_LOG_TYPE: 'kafka',
    TALLYSTREAM_LOG_TOPIC: topic,
    TALLYSTREAM_KAFKA_BOOTSTRAP_SERVERS: broker.bootstrap,
    TALLYSTREAM_QUERY_TRIGGER: '0 seconds',
    TALLYSTREAM_QUERY_WATERMARK_DELAY: 'off',
    TALLYSTREAM_QUERY_MAX_OFFSETS_PER_TRIGGER: '60',
    TALLYSTREAM_KAFKA_OUTPUT_TOPICS: 'true',
    TALLYSTREAM_KAFKA_REQUEST_TIMEOUT: '3 seconds',
  };
  const place = new Place(env);
  t.after(() => place.remove());
  return { place, env, words: ['--data-dir', place.dataDir] };
}

/** Purchases of two days and three categories; every tenth line is none. */
function linesOf(count: number, name = 'p', day = '2026-02-01'): string {
  const other = day.replace(/.$/, (last) => String(Number(last) + 1));
  const lines = Array.from({ length: count }, (_, index) => {
    if (index % 10 === 0 && count > 1) return `not JSON, line ${index}`;
    const cents = String(index % 100).padStart(2, '0');
    const date = index % 2 === 0 ? day : other;
    return (
      `{"event_id":"${name}${index}","timestamp":"${date}T12:00:00Z","customer_id":"c${index % 17}",` +
      `"product_category":"${['Books', 'Food', 'Home'][index % 3] ?? ''}","quantity":1,` +
      `"unit_price":${index}.${cents},"total_amount":${index}.${cents},"currency":"USD"}`
    );
  });
  return lines.map((line) => `${line}\n`).join('');
}

const committed = (stderr: string): number => stderr.split('batch committed').length - 1;

/** Everything that readers of committed records see, in order of partition and offset. */
async function recordsOf(broker: TestBroker, topic: string): Promise<PlainRecord[]> {
  const log = await openKafkaLog({
    bootstrapServers: [broker.bootstrap],
    clock: systemClock,
    clientId: 'test',
  });
  try {
    const records: PlainRecord[] = [];
    for (const { partition } of await log.offsets(topic)) {
      records.push(...(await readPartition(log, topic, partition)));
    }
    return records;
  } finally {
    await log.close();
  }
}

async function assertPublished(
  place: Place,
  words: readonly string[],
  broker: TestBroker,
  topic: string,
): Promise<void> {
  const { lastBatchId, accounting } = await assertTotals(place, words, broker, topic);
  const markers = (await recordsOf(broker, `${topic}.control`)).map(
    ({ value }) => (JSON.parse(value ?? '') as { batchId: number }).batchId,
  );
  assert.deepEqual(
    markers,
    Array.from({ length: lastBatchId + 1 }, (_, batchId) => batchId),
    'one marker a batch, in order',
  );
  const letters = (await recordsOf(broker, `${topic}.dead-letters`)).map(({ value }) => value);
  assert.equal(letters.length, accounting.invalid);
  assert.equal(new Set(letters).size, letters.length, 'a dead letter stands there twice');
}

/** The newest record of each key says what the checkpoint says. */
async function assertTotals(
  place: Place,
  words: readonly string[],
  broker: TestBroker,
  topic: string,
): Promise<Totals> {
  const totals = await place.json<Totals>(['totals', ...words]);
  const newest = new Map<string | null, unknown>();
  for (const { key, value } of await recordsOf(broker, `${topic}.totals`)) {
    const { batchId, queryName, schemaVersion, ...row } = JSON.parse(value ?? '') as Record<string, unknown>;
    assert.ok(typeof batchId === 'number' && queryName === 'purchase-totals' && schemaVersion === 1);
    newest.set(key, row);
  }
  const keyOf = ({ date, currency, category }: TotalsRow): string =>
    JSON.stringify({ date, currency, ...(category === undefined ? {} : { category }) });
  const expected = [...totals.days, ...totals.categories].map((row) => [keyOf(row), row] as const);
  assert.deepEqual(Object.fromEntries(newest), Object.fromEntries(expected));
  assert.ok(expected.length > 0);
  return totals;
}
