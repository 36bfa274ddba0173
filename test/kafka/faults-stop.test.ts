/** A broker that hangs for a minute, and one that is not there, while everybody is at work. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { logLines } from '../e2e/run-cli.ts';
import { startBroker, withoutKafka, type TestBroker } from './broker.ts';
import { assertExact, AT_ONCE, openLog, placeOn, startOn, untilRead, waitsOf } from './purchases.ts';

const HANG_MS = 60_000;
/** So many show that the producer goes on. */
const MORE_EVENTS = 500;
/** A Ctrl-C is given a second for the call in hand, and a busy machine the rest; the broker is away for longer. */
const STOP_MS_MAX = 30_000;

describe('a broker that goes away', { skip: withoutKafka(), timeout: 600_000 }, () => {
  let broker: TestBroker;
  before(async () => {
    broker = await startBroker();
  });
  after(() => broker.stop());

  test('for a minute is waited for, line by line, and a query that is asked to stop meanwhile stops', async (t) => {
    const topic = 'hanging';
    const { place, words } = placeOn(t, broker.bootstrap, topic);
    const leaving = placeOn(t, broker.bootstrap, topic);
    const producer = startOn(t, place, ['produce', ...words, '--rate', '400']);
    await producer.until(({ stderr }) => stderr.includes('Producing'));
    const query = startOn(t, place, ['run', ...words], AT_ONCE);
    const stopped = startOn(t, leaving.place, ['run', ...leaving.words], AT_ONCE);
    for (const each of [query, stopped]) {
      await each.until(({ stderr }) => stderr.includes('batch committed'));
    }

    await broker.kill('SIGSTOP');
    const hungAtMs = performance.now();
    await sleep(2_000);
    stopped.kill('SIGINT');
    const askedAtMs = performance.now();
    const { code, stderr } = await stopped.end();
    const tookMs = performance.now() - askedAtMs;
    assert.equal(code, 130, stderr);
    assert.ok(tookMs < STOP_MS_MAX, `it took ${tookMs} ms to stop`);
    assert.ok(logLines(stderr).some(({ operation }) => operation === 'stop'));
    await sleep(HANG_MS - (performance.now() - hungAtMs));
    const said = { query: waitsOf(query.stderr), producer: notesOf(producer.stderr) };
    await broker.kill('SIGCONT');

    assert.ok(said.query.count >= 8 && said.query.gapMs < 15_000, JSON.stringify(said.query));
    assert.ok(said.producer >= 5, producer.stderr);
    const log = await openLog(t, broker.bootstrap);
    const appended = async () => (await log.offsets(topic)).reduce((sum, { latest }) => sum + latest, 0);
    const before = await appended();
    while ((await appended()) < before + MORE_EVENTS) await sleep(100);
    producer.kill('SIGINT');
    const produced = await producer.end();
    assert.equal(produced.code, 130, produced.stderr);
    const events = await appended();
    const acknowledged = /([\d,]+) events delivered/.exec(produced.stderr)?.[1]?.replaceAll(',', '');
    assert.equal(Number(acknowledged), events, produced.stderr);
    await untilRead(place, words, events);
    query.kill('SIGINT');
    assert.equal((await query.end()).code, 130, query.stderr);
    await assertExact(place, words, log, topic);
    await leaving.place.ok(['run', ...leaving.words, '--available-now']);
    await assertExact(leaving.place, leaving.words, log, topic);
  });

  test('and hangs does not keep a producer that is asked to stop, which says what is not acknowledged', async (t) => {
    const { place, words } = placeOn(t, broker.bootstrap, 'stopping');
    const producer = startOn(t, place, ['produce', ...words, '--rate', '400']);
    await producer.until(({ stderr }) => stderr.includes('Producing'));
    const log = await openLog(t, broker.bootstrap);
    while ((await log.offsets('stopping').catch(() => [])).every(({ latest }) => latest === 0))
      await sleep(50);
    await broker.kill('SIGSTOP');
    try {
      await sleep(1_000);
      producer.kill('SIGINT');
      const askedAtMs = performance.now();
      const { code, stderr } = await producer.end();
      const tookMs = performance.now() - askedAtMs;
      assert.equal(code, 130, stderr);
      assert.ok(tookMs < STOP_MS_MAX, `it took ${tookMs} ms to stop`);
      assert.match(
        stderr,
        /The log did not accept the events in flight in time.*Apache Kafka is unavailable/,
      );
      assert.match(stderr, /Stopped: .* events? sent and not acknowledged \(some may be in the log\)/);
    } finally {
      await broker.kill('SIGCONT');
    }
  });

  test('for good does not keep a query that is asked to stop', async (t) => {
    const { place, words } = placeOn(t, broker.bootstrap, 'refusing');
    await place.ok(['produce', ...words, '--events', '100', '--rate', 'max']);
    const query = startOn(t, place, ['run', ...words], AT_ONCE);
    await query.until(({ stderr }) => stderr.includes('batch committed'));
    await broker.kill('SIGKILL');
    await query.until(({ stderr }) => waitsOf(stderr).count > 0);
    query.kill('SIGTERM');
    const askedAtMs = performance.now();
    const { code, stderr } = await query.end();
    const tookMs = performance.now() - askedAtMs;
    assert.equal(code, 143, stderr);
    assert.ok(tookMs < STOP_MS_MAX, `it took ${tookMs} ms to stop`);
  });

  test('for good does not keep a producer that is asked to stop before it has begun', async (t) => {
    const { place, words } = placeOn(t, broker.bootstrap, 'never');
    const producer = startOn(t, place, ['produce', ...words], {
      TALLYSTREAM_KAFKA_CONNECT_TIMEOUT: '10 minutes',
    });
    await producer.until(({ stderr }) => notesOf(stderr) > 0);
    producer.kill('SIGINT');
    const askedAtMs = performance.now();
    const { code, stderr } = await producer.end();
    const tookMs = performance.now() - askedAtMs;
    assert.equal(code, 130, stderr);
    assert.ok(tookMs < STOP_MS_MAX, `it took ${tookMs} ms to stop`);
    assert.match(stderr, /Nothing was delivered\. Apache Kafka is unavailable/);
  });
});

/** What the producer has said about a log that does not take events. */
function notesOf(stderr: string): number {
  return (
    stderr.match(/Apache Kafka (?:has been unavailable|has not responded) for|did not accept the events/g)
      ?.length ?? 0
  );
}
