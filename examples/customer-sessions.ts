/**
 * What customers do in one visit: session windows per customer, which end after a pause of 30 minutes and grow together
 * where a late click lies between two of them.
 */
import assert from 'node:assert/strict';
import { count, createSession, desc, required, schema, sessionWindow, sum, types } from 'tallystream';
import { temporaryFolder } from './temporary-folder.ts';

const CLICK = schema([
  required('at', types.timestamp(), 'When it happened.'),
  required('customer', types.string(), 'Who clicked.'),
  required('page', types.string({ dictionary: true }), 'Where.'),
  required('spent', types.decimal(12, 2), 'What was bought with it; 0.00 where nothing was.'),
]);

await using folder = temporaryFolder();
const session = createSession({ dataDir: folder.path });
const clicks = session.memoryStream(CLICK);
await clicks.addData([
  { at: '2026-03-01T09:00:00Z', customer: 'ada', page: '/', spent: '0.00' },
  { at: '2026-03-01T09:50:00Z', customer: 'ada', page: '/checkout', spent: '19.90' },
  { at: '2026-03-01T09:10:00Z', customer: 'bob', page: '/', spent: '0.00' },
  { at: '2026-03-01T09:25:00Z', customer: 'ada', page: '/books', spent: '0.00' }, // joins the two visits to one
  { at: '2026-03-01T10:40:00Z', customer: 'bob', page: '/food', spent: '4.10' }, // another visit
  { at: '2026-03-01T12:30:00Z', customer: 'eve', page: '/', spent: '0.00' }, // the watermark passes the others
]);

const visits: unknown[] = [];
const query = () =>
  session.readStream
    .format('memory', clicks)
    .load(CLICK)
    .withWatermark('at', '1 hour')
    .groupBy(({ at }) => [sessionWindow(at, '30 minutes').alias('visit'), 'customer'])
    .agg({ clicks: count(), spent: sum('spent') })
    .writeStream.queryName('customer-sessions')
    .trigger({ availableNow: true })
    .foreachBatch((batch) => {
      const rows = batch.orderBy(desc('spent'), 'customer');
      rows.show(20, false);
      for (const { visit, customer, clicks, spent } of rows) {
        visits.push([customer, visit.start, visit.end, clicks, spent]);
      }
    })
    .start();

await (await query()).awaitTermination();
await clicks.addData([{ at: '2026-03-01T12:35:00Z', customer: 'eve', page: '/food', spent: '0.00' }]);
await (await query()).awaitTermination();
assert.deepEqual(visits, [
  ['ada', '2026-03-01T09:00:00.000Z', '2026-03-01T10:20:00.000Z', 3n, '19.90'],
  ['bob', '2026-03-01T10:40:00.000Z', '2026-03-01T11:10:00.000Z', 1n, '4.10'],
  ['bob', '2026-03-01T09:10:00.000Z', '2026-03-01T09:40:00.000Z', 1n, '0.00'],
]);
