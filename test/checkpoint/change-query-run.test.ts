/** A query that is changed between two runs: what the engine makes of the state that it finds. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { verifyCheckpoint } from '../../src/checkpoint/verify/verify.ts';
import { optional, required, schema, types } from '../../src/columns/schema/schema.ts';
import type { Logger } from '../../src/contracts/logger.ts';
import { silentLogger } from '../../src/observe/silent-logger.ts';
import { createSession } from '../../src/compose/session.ts';
import { count, sum } from '../../src/plan/measure.ts';

const SALE = schema([
  required('id', types.string(), 'identity'),
  required('shop', types.string(), 'where'),
  optional('pieces', types.int(), 'how many'),
]);
const sale = (id: string, shop: string, pieces: number) => ({ id, shop, pieces });

test('another filter, sink, trigger and limit, an added aggregate and the whole result go on with the totals', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tallystream-change-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const warned: unknown[] = [];
  const logger: Logger = {
    ...silentLogger,
    child: () => logger,
    warn: ({ operation, change, name, batchId }) => warned.push([operation, change, name, batchId]),
  };
  const session = createSession({ dataDir, logger });
  const sales = session.memoryStream(SALE);
  const seen: unknown[] = [];

  await sales.addData([sale('a', 'x', 1), sale('b', 'y', 2)]);
  const first = await session.readStream
    .format('memory', sales)
    .load(SALE)
    .aggregateEach((stream) => ({ shops: stream.groupBy('shop').agg({ events: count() }) }))
    .writeStream.queryName('changed')
    .outputMode('update')
    .trigger({ availableNow: true })
    .foreachBatch(() => undefined)
    .start();
  await first.awaitTermination();

  await sales.addData([sale('c', 'x', 3), sale('d', 'x', 0)]);
  const second = await session.readStream
    .format('memory', sales)
    .load(SALE)
    .filter(({ pieces }) => pieces.gt(0))
    .aggregateEach((stream) => ({
      shops: stream.groupBy('shop').agg({ events: count() }),
      all: stream.groupBy().agg({ total: sum('pieces') }),
    }))
    .writeStream.queryName('changed')
    .outputMode('complete')
    .option('maxOffsetsPerTrigger', 100)
    .trigger({ processingTime: '1 second' })
    .foreachBatch(({ shops, all }, batchId) => {
      seen.push([
        batchId,
        shops.toRows().map(({ shop, events }) => [shop, events]),
        all.toRows().map(({ total }) => total),
      ]);
    })
    .start();
  await second.processAllAvailable();
  await second.stop();
  assert.deepEqual(seen, [
    [
      1,
      [
        ['x', 2n],
        ['y', 1n],
      ],
      [3n],
    ],
  ]);
  assert.deepEqual(warned, [
    ['change-query', 'aggregate added', 'all', 1],
    ['change-query', 'output mode', 'complete', 1],
  ]);
  const location = join(dataDir, 'checkpoints', 'changed');
  assert.deepEqual(verifyCheckpoint({ location }).findings, []);
});
