/** `produce` and `run` on a real broker, as a user has them, with what a broker does on its bad days. */
import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPartitionsV3 } from '@platformatic/kafka';
import { logLines } from '../e2e/run-cli.ts';
import { startBroker, withoutKafka, type TestBroker } from './broker.ts';
import { assertExact, connect, groupOffsets, openLog, placeOn, untilRead, type Totals } from './purchases.ts';

describe('the purchase query on Kafka', { skip: withoutKafka(), timeout: 600_000 }, () => {
  let broker: TestBroker;
  before(async () => {
    // A broker that was killed comes back when its old session is over.
    const properties = { 'broker.session.timeout.ms': '2000', 'broker.heartbeat.interval.ms': '500' };
    broker = await startBroker({ properties });
  });
  after(() => broker.stop());

  test('totals what was produced, and shows its offsets to lag tools', async (t) => {
    const { place, words } = placeOn(t, broker.bootstrap, 'purchasing_events');
    await place.ok(['produce', ...words, '--events', '5000', '--rate', 'max', '--seed', 'kafka']);
    await place.ok(['run', ...words, '--available-now']);
    const totals = await place.json<Totals>(['totals', ...words]);
    const log = await openLog(t, broker.bootstrap);
    await assertExact(place, words, log, 'purchasing_events');
    assert.equal(totals.accounting.read, 5000);
    const ends = (await log.offsets('purchasing_events')).map(({ latest }) => latest);
    assert.deepEqual(await groupOffsets(t, broker.port, 'purchasing_events', ends.length), ends);
    // As a run leaves them that was killed between a commit and showing it.
    const before = ends.map((_, partition) => ({ partition, nextOffset: 1 }));
    await log.publishOffsets?.('purchase-totals', 'purchasing_events', before);
    // A second run finds nothing, and counts nothing twice.
    await place.ok(['run', ...words, '--available-now']);
    assert.deepEqual(await place.json<Totals>(['totals', ...words]), totals);
    assert.deepEqual(await groupOffsets(t, broker.port, 'purchasing_events', ends.length), ends);
  });

  test('does not create a topic whose name is misspelt, and a producer says which one it created', async (t) => {
    const { place, words } = placeOn(t, broker.bootstrap, 'orders_of_2026');
    const created = await place.ok(['produce', ...words, '--events', '10', '--rate', 'max']);
    assert.match(created.stderr, /Created the topic orders_of_2026 with 4 partitions\.\n/);
    const again = await place.ok(['produce', ...words, '--events', '10', '--rate', 'max']);
    assert.doesNotMatch(again.stderr, /Created/);
    const misspelt = placeOn(t, broker.bootstrap, 'orders_of_2062');
    const refused = await misspelt.place.run(['run', ...misspelt.words, '--available-now']);
    assert.notEqual(refused.code, 0);
    for (const words of [
      'TOPIC_NOT_FOUND',
      'Did you mean orders_of_2026?',
      `kafka-topics.sh --bootstrap-server ${broker.bootstrap} --create --topic orders_of_2062 --partitions 4`,
    ]) {
      assert.ok(refused.stderr.includes(words), refused.stderr);
    }
    const log = await openLog(t, broker.bootstrap);
    assert.equal(await log.describeTopic('orders_of_2062'), undefined);
    const other = await misspelt.place.ok(['produce', ...misspelt.words, '--events', '1', '--rate', 'max']);
    assert.match(
      other.stderr,
      /Created the topic orders_of_2062 .* Did you mean orders_of_2026, which also exists\?/,
    );
  });

  test('stays exact while the broker is killed and the topic grows from 4 to 12 partitions', async (t) => {
    const { place, words } = placeOn(t, broker.bootstrap, 'growing');
    const env = { TALLYSTREAM_QUERY_TRIGGER: '0 seconds', TALLYSTREAM_KAFKA_REQUEST_TIMEOUT: '2 seconds' };
    const producer = place.start(['produce', ...words, '--events', '6000', '--rate', '300'], { env });
    await producer.until(({ stderr }) => stderr.includes('Producing'));
    t.after(() => producer.kill('SIGKILL'));
    const query = place.start(['run', ...words], { env });
    t.after(() => query.kill('SIGKILL'));
    await query.until(({ stderr }) => stderr.includes('batch committed'));
    await broker.kill('SIGKILL');
    await sleep(1_500);
    await broker.restart();
    await grow(t, broker, 'growing', 12);
    // The producer learns of new partitions when it starts; this one is for them.
    await place.ok(['produce', ...words, '--events', '1000', '--rate', 'max', '--seed', 'more']);
    assert.equal((await producer.end()).code, 0, producer.stderr);
    await untilRead(place, words, 7000);
    query.kill('SIGINT');
    const ended = await query.end();
    assert.equal(ended.code, 130, ended.stderr);
    const waits = logLines(ended.stderr).filter(({ operation }) => operation === 'wait');
    assert.ok(waits.length > 0, 'nothing was said while the broker was away');
    const log = await openLog(t, broker.bootstrap);
    await assertExact(place, words, log, 'growing');
    assert.equal((await place.json<Totals>(['totals', ...words])).accounting.read, 7000);
    const offsets = await log.offsets('growing');
    assert.equal(offsets.length, 12);
    assert.ok(
      offsets.slice(4).every(({ latest }) => latest > 0),
      'new partitions have records',
    );
  });
});

async function grow(t: TestContext, broker: TestBroker, name: string, count: number): Promise<void> {
  const connection = await connect(t, broker.port);
  // Null leaves the choice of brokers to the cluster, which the client's type does not know.
  const assignments = null as unknown as [];
  await createPartitionsV3.api.async(connection, [{ name, count, assignments }], 10_000, false);
}
