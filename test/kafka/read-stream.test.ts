/** `readStream.format('kafka')` on a real broker: a program's own query, its options, and its way on from the checkpoint. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { createSession } from '../../src/compose/session.ts';
import { required, schema, types } from '../../src/columns/schema/schema.ts';
import { openCheckpointView } from '../../src/checkpoint/view.ts';
import { count, sum } from '../../src/plan/measure.ts';
import { hasCode } from '../contract/log/log-under-test.ts';
import { startBroker, withoutKafka, type TestBroker } from './broker.ts';
import { openLog } from './purchases.ts';

const SALE = schema([
  required('id', types.string(), 'which'),
  required('shop', types.string(), 'where'),
  required('amount', types.decimal(10, 2), 'how much'),
]);
const TOPIC = 'sales';
const PARTITIONS = 3;

function dataDirOf(t: TestContext): string {
  const dataDir = mkdtempSync(join(tmpdir(), 'tallystream-read-kafka-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  return dataDir;
}

describe("readStream.format('kafka')", { skip: withoutKafka(), timeout: 300_000 }, () => {
  let broker: TestBroker;
  before(async () => void (broker = await startBroker()));
  after(() => broker.stop());

  const reader = (dataDir: string) =>
    createSession({ dataDir })
      .readStream.format('kafka')
      .options({ subscribe: TOPIC, 'kafka.bootstrap.servers': broker.bootstrap, partitions: PARTITIONS })
      .option('kafka.client.id', 'read-stream-test');

  /** Sales of two shops over all partitions; the amounts are `from` to `to` cents. */
  async function produce(t: TestContext, from: number, to: number): Promise<void> {
    const log = await openLog(t, broker.bootstrap);
    const sales = Array.from({ length: to - from }, (_, index) => {
      const cents = from + index;
      const amount = (cents / 100).toFixed(2);
      const value = JSON.stringify({ id: `sale-${cents}`, shop: `shop ${cents % 2}`, amount });
      // A decimal is a number of the JSON, not a text.
      const bytes = new TextEncoder().encode(value.replace(`"${amount}"`, amount));
      return { key: null, value: bytes, partition: cents % PARTITIONS };
    });
    await log.append(TOPIC, sales);
  }

  test('hands every record on once, batch by batch, and a restart goes on behind what is committed', async (t) => {
    const dataDir = dataDirOf(t);
    const seen = new Map<string, number>();
    const batchIds: number[] = [];
    const checkpointLocation = join(dataDir, 'own', 'checkpoint');
    let failAt = Infinity;
    const run = async () => {
      const query = await reader(dataDir)
        .load(SALE)
        .filter(({ amount }) => amount.gt('0.00'))
        .writeStream.queryName('sales')
        .option('checkpointLocation', checkpointLocation)
        .option('maxOffsetsPerTrigger', 50)
        .trigger({ availableNow: true })
        .foreachBatch((batch, batchId) => {
          if (batchId === failAt) throw new Error('the handler is broken');
          batchIds.push(batchId);
          for (const { id } of batch) seen.set(id, (seen.get(id) ?? 0) + 1);
        })
        .start();
      await query.awaitTermination();
      return query;
    };
    const log = await openLog(t, broker.bootstrap);
    await log.createTopic(`${TOPIC}s`, { partitions: 1 });
    // A query does not make its topic: the name may be misspelt.
    await assert.rejects(
      run(),
      hasCode(
        'TOPIC_NOT_FOUND',
        TOPIC,
        `Did you mean ${TOPIC}s?`,
        `--create --topic ${TOPIC} --partitions ${PARTITIONS}`,
      ),
    );
    assert.equal(await log.describeTopic(TOPIC), undefined);
    await log.createTopic(TOPIC, { partitions: PARTITIONS });
    await run();
    await produce(t, 1, 201);
    failAt = 2;
    await assert.rejects(run(), /the handler is broken/);
    assert.ok(seen.size > 0 && seen.size < 200, `${seen.size} seen before the handler failed`);
    failAt = Infinity;
    const second = await run();
    assert.equal(second.lastProgress?.lagEvents, 0);
    await produce(t, 201, 261);
    await run();
    assert.equal(seen.size, 260);
    assert.ok([...seen.values()].every((times) => times === 1));
    assert.deepEqual(
      batchIds,
      batchIds.map((_, index) => index),
    );
    const view = openCheckpointView({ location: checkpointLocation });
    t.after(() => view.close());
    assert.deepEqual([view.topic, view.accounting().read], [TOPIC, 260]);
  });

  test('totals the topic by group, in decimals, and goes on with them', async (t) => {
    const dataDir = dataDirOf(t);
    const rows = new Map<string, { total: string | null; sales: bigint }>();
    const run = async (): Promise<void> => {
      const query = await reader(dataDir)
        .load(SALE)
        .dropDuplicatesWithinWatermark('id')
        .groupBy('shop')
        .agg({ total: sum('amount'), sales: count() })
        .writeStream.queryName('shops')
        .outputMode('update')
        .trigger({ availableNow: true })
        .foreachBatch((batch) => {
          for (const { shop, total, sales } of batch) rows.set(shop, { total, sales });
        })
        .start();
      await query.awaitTermination();
    };
    await run();
    const sumOf = (odd: number, to: number): string => {
      let cents = 0;
      for (let each = 1; each < to; each += 1) if (each % 2 === odd) cents += each;
      return (cents / 100).toFixed(2);
    };
    assert.deepEqual(rows.get('shop 0'), { total: sumOf(0, 261), sales: 130n });
    assert.deepEqual(rows.get('shop 1'), { total: sumOf(1, 261), sales: 130n });
    // A producer that sends some of them again, and new ones.
    await produce(t, 241, 301);
    await run();
    assert.deepEqual(rows.get('shop 0'), { total: sumOf(0, 301), sales: 150n });
    assert.deepEqual(rows.get('shop 1'), { total: sumOf(1, 301), sales: 150n });
  });

  test('refuses options that there are not, and a topic that is not named, before anything is read', async (t) => {
    const dataDir = dataDirOf(t);
    const start = async (options: Readonly<Record<string, string>>) =>
      createSession({ dataDir })
        .readStream.format('kafka')
        .options(options)
        .load(SALE)
        .writeStream.queryName('refused')
        .trigger({ availableNow: true })
        .foreachBatch(() => {})
        .start();
    const servers = { 'kafka.bootstrap.servers': broker.bootstrap };
    await assert.rejects(start(servers), { code: 'USAGE', message: /option\('subscribe', '…'\)/ });
    await assert.rejects(start({ ...servers, subscribe: TOPIC, 'kafka.bootstrap.sever': 'x' }), {
      code: 'CONFIG_INVALID',
      message: /kafka\.bootstrap\.sever/,
    });
  });
});
