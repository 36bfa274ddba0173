/** Three brokers, of which one after the other is away: leaders and coordinators move, and nothing is lost or doubled. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../scripts/kafka/ports.js';
import { startCluster, withoutKafka, type TestBroker, type TestCluster } from './broker.ts';
import { assertExact, AT_ONCE, groupOffsets, openLog, placeOn, startOn, untilRead } from './purchases.ts';

const SESSION_MS = 2_000;

describe('a cluster of three brokers', { skip: withoutKafka(), timeout: 600_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster(3, { 'broker.session.timeout.ms': String(SESSION_MS) });
  });
  after(() => cluster.stop());

  test('is restarted broker by broker, loses one without a word and has one hang, and totals stay exact', async (t) => {
    const topic = 'rolling';
    // The first one in the list is nobody.
    const bootstrap = `127.0.0.1:${await freePort()},${cluster.bootstrap}`;
    const { place, words } = placeOn(t, bootstrap, topic);
    const env = { ...AT_ONCE, TALLYSTREAM_KAFKA_REQUEST_TIMEOUT: '3 seconds' };
    const producer = startOn(t, place, ['produce', ...words, '--rate', '200'], env);
    await producer.until(({ stderr }) => stderr.includes('Producing'));
    const query = startOn(t, place, ['run', ...words], env);
    await query.until(({ stderr }) => stderr.includes('batch committed'));
    await cluster.whenInSync();
    for (const broker of cluster.brokers) {
      await broker.restart();
      await cluster.whenInSync();
    }
    const [first, second] = cluster.brokers as [TestBroker, TestBroker];
    await first.kill('SIGKILL');
    await sleep(SESSION_MS);
    await first.restart();
    await cluster.whenInSync();
    await second.kill('SIGSTOP');
    await sleep(2 * SESSION_MS);
    await second.kill('SIGCONT');
    await cluster.whenInSync();

    producer.kill('SIGINT');
    const produced = await producer.end();
    assert.equal(produced.code, 130, produced.stderr);
    const log = await openLog(t, cluster.bootstrap);
    const offsets = await log.offsets(topic);
    const events = offsets.reduce((sum, { latest }) => sum + latest, 0);
    assert.ok(events > 1_000, `${events} events`);
    await untilRead(place, words, events);
    query.kill('SIGINT');
    const ended = await query.end();
    assert.equal(ended.code, 130, ended.stderr);
    await assertExact(place, words, log, topic);
    const acknowledged = /([\d,]+) events delivered/.exec(produced.stderr)?.[1]?.replaceAll(',', '');
    assert.equal(Number(acknowledged), events, produced.stderr);
    assert.deepEqual(
      await groupOffsets(t, first.port, topic, offsets.length),
      offsets.map(({ latest }) => latest),
    );
  });
});
