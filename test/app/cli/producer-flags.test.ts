/** The settings of the producer change what it does: on the embedded log, whose batches can be counted. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test, type TestContext } from 'node:test';
import { deliveryBasics } from '../../../src/app/cli/producer-flags.ts';
import { loadConfig } from '../../../src/app/config/load.ts';
import { Place } from '../../e2e/run-cli.ts';

async function limitsOf(...kafkaSettings: string[]) {
  const sources = { flags: {}, env: {}, cwd: '/', readFile: () => undefined };
  return deliveryBasics((await loadConfig({ ...sources, kafkaSettings })).config, 'seed').limits;
}

/** How many records each append brought, in order. One partition, so that an append is a row. */
async function batchesOf(
  t: TestContext,
  settings: Readonly<Record<string, string>>,
  ...words: string[]
): Promise<number[]> {
  const place = new Place({ TALLYSTREAM_LOG_PARTITIONS: '1', ...settings });
  t.after(() => place.remove());
  await place.ok(['produce', '--data-dir', place.dataDir, '--seed', 'batches', ...words]);
  const database = new DatabaseSync(join(place.dataDir, 'log.db'));
  try {
    return database
      .prepare('SELECT count FROM batches ORDER BY base_offset')
      .all()
      .map((row) => Number(row['count']));
  } finally {
    database.close();
  }
}

test('the limits of a delivery are those of the configuration', async () => {
  const defaults = { batchRecordsMax: 500, batchBytesMax: 1_048_576, lingerMs: 5, attemptsMax: Infinity };
  assert.deepEqual(await limitsOf(), { ...defaults, deliveryTimeoutMs: 120_000 });
  const set = [
    'linger.ms=70',
    'batch.size=2048',
    'batch.num.messages=9',
    'retries=0',
    'delivery.timeout.ms=3000',
  ];
  assert.deepEqual(await limitsOf(...set.map((each) => `kafka.${each}`)), {
    batchRecordsMax: 9,
    batchBytesMax: 2048,
    lingerMs: 70,
    attemptsMax: 1,
    deliveryTimeoutMs: 3000,
  });
});

describe('what is sent at once', () => {
  test('waits for linger until it is full', async (t) => {
    const settings = {
      TALLYSTREAM_PRODUCER_LINGER: '1 minute',
      TALLYSTREAM_PRODUCER_BATCH_RECORDS_MAX: '20',
    };
    assert.deepEqual(await batchesOf(t, settings, '--events', '50', '--rate', '500'), [20, 20, 10]);
  });

  test('does not wait without linger', async (t) => {
    const batches = await batchesOf(
      t,
      { TALLYSTREAM_PRODUCER_LINGER: '0 ms' },
      '--events',
      '10',
      '--rate',
      '20',
    );
    assert.ok(batches.length > 3, batches.join());
  });

  test('is bounded by its bytes', async (t) => {
    const batches = await batchesOf(t, {}, '--events', '40', '--rate', 'max', '-X', 'kafka.batch.size=1024');
    assert.ok(batches.length > 10 && Math.max(...batches) < 6, batches.join());
  });
});
