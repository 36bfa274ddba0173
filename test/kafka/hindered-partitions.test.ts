/** Partitions that cannot be read on in: one without a leader, and one with a transaction that somebody left open. */
import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { createTopicsV7 } from '@platformatic/kafka';
import { formatTimestamp } from '../../src/columns/values/timestamp.ts';
import type { RecordInput } from '../../src/contracts/log.ts';
import { systemClock } from '../../src/observe/system-clock.ts';
import { logLines, type Place } from '../e2e/run-cli.ts';
import { startBroker, startCluster, withoutKafka, type TestBroker, type TestCluster } from './broker.ts';
import { assertExact, AT_ONCE, connect, openLog, placeOn, startOn, untilRead } from './purchases.ts';

const UNAVAILABLE = 'A partition cannot be read at the moment';
const WAITING = "Records are blocked by a producer's transaction";

describe('a partition without a leader', { skip: withoutKafka(), timeout: 600_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster(3, { 'broker.session.timeout.ms': '2000' });
  });
  after(() => cluster.stop());

  test('leaves the others to the query, is named, and is read when it is back', async (t) => {
    const topic = 'one-away';
    // Each partition is on one broker alone; that of the last goes away.
    await createSpread(t, cluster.brokers[0] as TestBroker, topic);
    const [first, , last] = cluster.brokers as [TestBroker, TestBroker, TestBroker];
    const { place, words } = placeOn(t, cluster.bootstrap, topic);
    await place.ok(['produce', ...words, '--events', '300', '--rate', 'max', '--seed', 'all']);
    const query = startOn(t, place, ['run', ...words], AT_ONCE);
    await query.until(({ stderr }) => stderr.includes('batch committed'));
    await untilRead(place, words, 300);
    const log = await openLog(t, cluster.bootstrap);
    await last.kill('SIGKILL');
    await log.append(topic, [purchaseFor(0), purchaseFor(1)]);
    await untilRead(place, words, 300 + 2);
    await query.until(({ stderr }) => stderr.includes(UNAVAILABLE));
    const [line] = logLines(query.stderr).filter(({ operation }) => operation === 'unavailable-partition');
    assert.equal(line?.['topic'], topic);
    assert.equal(line['partition'], 2);
    assert.match(line['reason'] as string, /partition 2 of topic one-away has no leader|cannot be reached/);

    // A run that reads all there is now does not end as if it had: it waits, and then says which partition is missing.
    query.kill('SIGINT');
    assert.equal((await query.end()).code, 130, query.stderr);
    const bounded = await place.run(['run', ...words, '--available-now'], {
      env: { TALLYSTREAM_KAFKA_RETRY_TIMEOUT: '3 seconds' },
    });
    assert.equal(bounded.code, 4, bounded.stderr);
    assert.match(bounded.stderr, /artition 2 of topic one-away has no leader/);
    const doctor = await topicCheck(place, words);
    assert.equal(doctor.status, 'warn');
    assert.match(doctor.found, /partition 2 cannot be read now: partition 2 of topic one-away has no leader/);

    await last.restart();
    await place.ok(['produce', ...words, '--events', '60', '--rate', 'max', '--seed', 'back']);
    await place.ok(['run', ...words, '--available-now']);
    await assertExact(place, words, log, topic);
    assert.ok(first.isRunning);
  });

  async function createSpread(t: TestContext, broker: TestBroker, name: string): Promise<void> {
    const assignments = [0, 1, 2].map((partitionIndex) => ({
      partitionIndex,
      brokerIds: [partitionIndex + 1],
    }));
    const configs = [{ name: 'min.insync.replicas', value: '1' }];
    const request = { name, numPartitions: -1, replicationFactor: -1, assignments, configs };
    // The controller is one of the three; each hands the request on to it.
    await createTopicsV7.api.async(await connect(t, broker.port), [request], 10_000, false);
  }
});

describe(
  'a transaction that another producer leaves open',
  { skip: withoutKafka(), timeout: 300_000 },
  () => {
    let broker: TestBroker;
    before(async () => void (broker = await startBroker()));
    after(() => broker.stop());

    test('is told of with the records that wait, and again when it is over', async (t) => {
      const topic = 'left-open';
      const { place, words } = placeOn(t, broker.bootstrap, topic);
      const log = await openLog(t, broker.bootstrap);
      await log.createTopic(topic, { partitions: 2 });
      await log.append(topic, [purchaseFor(0), purchaseFor(1)]);
      const other = await openLog(t, broker.bootstrap);
      const writer = await other.openTransactions?.('left-open', [topic]);
      await writer?.append(topic, [purchaseFor(1)]);
      await log.append(
        topic,
        Array.from({ length: 500 }, (_, index) => purchaseFor(1, `behind-${index}`)),
      );
      assert.deepEqual(
        (await log.offsets(topic)).map(({ latest, end }) => [latest, end]),
        [
          [1, undefined],
          [1, 502],
        ],
      );
      const query = startOn(t, place, ['run', ...words], AT_ONCE);
      await query.until(({ stderr }) => stderr.includes(WAITING));
      const lines = () => logLines(query.stderr).filter(({ operation }) => operation === 'open-transaction');
      const [told] = lines();
      assert.deepEqual([told?.['topic'], told?.['partition'], told?.['waiting']], [topic, 1, 501]);
      assert.match(told?.['producerId'] as string, /^\d+$/);
      const doctor = await topicCheck(place, words);
      assert.equal(doctor.status, 'warn');
      assert.match(
        doctor.found,
        /partition 1: 501 records waiting for an open transaction of producer \d+, whose last write was at 20/,
      );
      await writer?.abort();
      await query.until(({ stderr }) => stderr.includes('The transaction that blocked records has ended'));
      await untilRead(place, words, 502);
      assert.equal(lines().length, 2);
    });
  },
);

let numbered = 0;

function purchaseFor(partition: number, id = `extra-${(numbered += 1)}`): RecordInput {
  const at = formatTimestamp(systemClock.nowMs() * 1000);
  const value =
    `{"event_id":"${id}","timestamp":"${at}","customer_id":"c1","product_category":"Books","quantity":1,` +
    '"unit_price":10.00,"total_amount":10.00,"currency":"USD"}';
  return { key: null, value: new TextEncoder().encode(value), partition };
}

async function topicCheck(place: Place, words: readonly string[]) {
  const ended = await place.run(['doctor', '--json', ...words]);
  const { checks } = JSON.parse(ended.stdout) as {
    checks: readonly { readonly name: string; readonly status: string; readonly found: string }[];
  };
  const found = checks.find(({ name }) => name === 'topic');
  assert.ok(found !== undefined, ended.stdout);
  return found;
}
