/** `produce` and `run` on a real broker, as a user has them, with what a broker does on its bad days. */
import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, createPartitionsV3, offsetFetchV8 } from '@platformatic/kafka';
import { freePort } from '../../scripts/kafka/ports.js';
import type { Log } from '../../src/contracts/log.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import { systemClock } from '../../src/observe/system-clock.ts';
import { readPartition } from '../contract/log/log-records.ts';
import { logLines, Place } from '../e2e/run-cli.ts';
import { startBroker, withoutKafka, type TestBroker } from './broker.ts';

interface Totals {
  readonly runningTotals: readonly {
    readonly currency: string;
    readonly total: string;
    readonly transactions: number;
  }[];
  readonly accounting: { readonly read: number; readonly accepted: number; readonly duplicate: number };
}

describe('the purchase query on Kafka', { skip: withoutKafka(), timeout: 240_000 }, () => {
  let broker: TestBroker;
  before(async () => {
    // A broker that was killed comes back when its old session is over.
    const properties = { 'broker.session.timeout.ms': '2000', 'broker.heartbeat.interval.ms': '500' };
    broker = await startBroker({ properties });
  });
  after(() => broker.stop());

  test('totals what was produced, and shows its offsets to lag tools', async (t) => {
    const { place, words } = placeOn(t, broker);
    await place.ok(['produce', ...words, '--events', '5000', '--rate', 'max', '--seed', 'kafka']);
    await place.ok(['run', ...words, '--available-now']);
    const totals = await place.json<Totals>(['totals', ...words]);
    assert.deepEqual(totals.runningTotals, [{ currency: 'USD', ...(await sumOfTopic(broker)) }]);
    assert.deepEqual([totals.accounting.read, totals.accounting.accepted], [5000, 5000]);
    assert.deepEqual(await groupOffsets(broker, 'purchase-totals'), await latestOffsets(broker));
    // A second run finds nothing, and counts nothing twice.
    await place.ok(['run', ...words, '--available-now']);
    assert.deepEqual(await place.json<Totals>(['totals', ...words]), totals);
  });

  test('stays exact while the broker is killed and the topic grows from 4 to 12 partitions', async (t) => {
    const { place, words } = placeOn(t, broker, 'growing');
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
    await grow(broker, 'growing', 12);
    // The producer learns of new partitions when it starts; this one is for them.
    await place.ok(['produce', ...words, '--events', '1000', '--rate', 'max', '--seed', 'more']);
    assert.equal((await producer.end()).code, 0, producer.stderr);
    const isRead = async () => (await place.json<Totals>(['totals', ...words])).accounting.read >= 7000;
    while (!(await isRead())) await sleep(300);
    query.kill('SIGINT');
    const ended = await query.end();
    assert.equal(ended.code, 130, ended.stderr);
    const waits = logLines(ended.stderr).filter(({ operation }) => operation === 'wait');
    assert.ok(waits.length > 0, 'nothing was said while the broker was away');
    const { runningTotals, accounting } = await place.json<Totals>(['totals', ...words]);
    assert.deepEqual(runningTotals, [{ currency: 'USD', ...(await sumOfTopic(broker, 'growing')) }]);
    assert.equal(accounting.read, 7000);
    assert.equal(accounting.accepted, 7000);
    const log = await openLog(broker);
    const offsets = await log.offsets('growing');
    assert.equal(offsets.length, 12);
    assert.ok(
      offsets.slice(4).every(({ latest }) => latest > 0),
      'new partitions have records',
    );
    await log.close();
  });

  test('refuses a topic that was made anew, with what to do', async (t) => {
    const { place, words } = placeOn(t, broker, 'anew');
    await place.ok(['produce', ...words, '--events', '50', '--rate', 'max']);
    await place.ok(['run', ...words, '--available-now']);
    const log = await openLog(broker);
    await log.deleteTopic('anew');
    await place.ok(['produce', ...words, '--events', '100', '--rate', 'max']);
    await log.close();
    const refused = await place.run(['run', ...words, '--available-now']);
    assert.equal(refused.code, 5);
    assert.match(refused.stderr, /Topic anew is not the one .* deleted and made anew[^]*TOPIC_RECREATED/);
  });

  test('ends with exit code 4 where no broker answers, and says so meanwhile', async (t) => {
    const place = new Place({ TALLYSTREAM_KAFKA_CONNECT_TIMEOUT: '1500 ms' });
    t.after(() => place.remove());
    const words = [
      '--log',
      'kafka',
      '--bootstrap-servers',
      `127.0.0.1:${await freePort()}`,
      '--data-dir',
      'data',
    ];
    for (const command of [
      ['run', '--available-now'],
      ['produce', '--events', '1'],
    ]) {
      const ended = await place.run([...command, ...words]);
      assert.equal(ended.code, 4, ended.stderr);
      assert.match(
        ended.stderr,
        /Apache Kafka cannot be used for 1 s now[^]*ECONNREFUSED[^]*LOG_UNAVAILABLE/,
      );
    }
  });
});

function placeOn(t: TestContext, broker: TestBroker, topic = 'purchasing_events') {
  const place = new Place();
  t.after(() => place.remove());
  const words = [
    '--log',
    'kafka',
    '--bootstrap-servers',
    broker.bootstrap,
    '--data-dir',
    place.dataDir,
    '--topic',
    topic,
  ];
  return { place, words };
}

function openLog(broker: TestBroker): Promise<Log> {
  return openKafkaLog({ bootstrapServers: [broker.bootstrap], clock: systemClock, clientId: 'test' });
}

/** The sum of every record's amount, taken from its text, and their number; an event id twice fails. */
async function sumOfTopic(broker: TestBroker, topic = 'purchasing_events') {
  const log = await openLog(broker);
  const ids = new Set<string>();
  let cents = 0n;
  let transactions = 0;
  for (const { partition } of await log.offsets(topic)) {
    for (const { value } of await readPartition(log, topic, partition)) {
      const [, id = ''] = /"event_id":"([^"]+)"/.exec(value ?? '') ?? [];
      const [, whole = '', hundredths = ''] = /"total_amount":(\d+)\.(\d\d)[,}]/.exec(value ?? '') ?? [];
      assert.ok(whole !== '' && !ids.has(id), `${id} ${value ?? 'without a value'}`);
      ids.add(id);
      cents += BigInt(whole + hundredths);
      transactions += 1;
    }
  }
  await log.close();
  return { total: `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`, transactions };
}

async function latestOffsets(broker: TestBroker): Promise<number[]> {
  const log = await openLog(broker);
  const offsets = await log.offsets('purchasing_events');
  await log.close();
  return offsets.map(({ latest }) => latest);
}

async function groupOffsets(broker: TestBroker, groupId: string): Promise<number[]> {
  const connection = await connect(broker);
  const topics = [{ name: 'purchasing_events', partitionIndexes: [0, 1, 2, 3] }];
  const answer = await offsetFetchV8.api.async(connection, [{ groupId, memberEpoch: -1, topics }], false);
  await connection.close();
  const partitions = answer.groups[0]?.topics[0]?.partitions ?? [];
  return partitions
    .toSorted((left, right) => left.partitionIndex - right.partitionIndex)
    .map(({ committedOffset }) => Number(committedOffset));
}

async function connect(broker: TestBroker): Promise<Connection> {
  const connection = new Connection('test');
  connection.on('error', () => undefined);
  await connection.connect('127.0.0.1', broker.port);
  return connection;
}

async function grow(broker: TestBroker, name: string, count: number): Promise<void> {
  const connection = await connect(broker);
  // Null leaves the choice of brokers to the cluster, which the client's type does not know.
  const assignments = null as unknown as [];
  await createPartitionsV3.api.async(connection, [{ name, count, assignments }], 10_000, false);
  await connection.close();
}
