/**
 * Sales by category for every minute: tumbling windows in append mode, so each window is emitted once, when the watermark
 * says that no more of it can come.
 */
import assert from 'node:assert/strict';
import { count, createSession, required, schema, sum, types, window } from 'tallystream';
import { temporaryFolder } from './temporary-folder.ts';

const SALE = schema([
  required('id', types.string(), 'Names the sale.'),
  required('at', types.timestamp(), 'When it happened.'),
  required('category', types.string({ dictionary: true }), 'What was sold.'),
  required('amount', types.decimal(12, 2), 'What was paid, exact.'),
]);

await using folder = temporaryFolder();
const session = createSession({ dataDir: folder.path });
// In production: session.readStream.format('kafka').option('subscribe', 'sales').option('kafka.bootstrap.servers', …)
const source = session.memoryStream(SALE);
await source.addData([
  { id: '1', at: '2026-03-01T12:00:05Z', category: 'Books', amount: '12.50' },
  { id: '2', at: '2026-03-01T12:00:40Z', category: 'Food', amount: '3.20' },
  { id: '3', at: '2026-03-01T12:01:02Z', category: 'Books', amount: '20.00' },
  { id: '4', at: '2026-03-01T12:00:59Z', category: 'Books', amount: '7.35' }, // out of order, and in time
  { id: '2', at: '2026-03-01T12:00:40Z', category: 'Food', amount: '3.20' }, // sent twice
]);

const emitted: unknown[] = [];
const query = () =>
  session.readStream
    .format('memory', source)
    .load(SALE)
    .withWatermark('at', '30 seconds')
    .dropDuplicatesWithinWatermark('id')
    .groupBy(({ at }) => [window(at, '1 minute'), 'category'])
    .agg({ sales: count(), total: sum('amount') })
    .writeStream.queryName('sales-by-category')
    .outputMode('append')
    .trigger({ availableNow: true })
    .foreachBatch((batch) => {
      const rows = batch.orderBy('category');
      rows.show(20, false);
      for (const { window, category, sales, total } of rows) {
        emitted.push([window.start, category, sales, total]);
      }
    })
    .start();

await (await query()).awaitTermination();
// The first minute is still open: the newest sale is only two seconds behind its end, and 30 are waited for.
assert.deepEqual(emitted, []);

await source.addData([{ id: '5', at: '2026-03-01T12:02:00Z', category: 'Home', amount: '99.00' }]);
// A query of the same name goes on from its checkpoint.
await (await query()).awaitTermination();
assert.deepEqual(emitted, [
  ['2026-03-01T12:00:00.000Z', 'Books', 2n, '19.85'],
  ['2026-03-01T12:00:00.000Z', 'Food', 1n, '3.20'],
]);
