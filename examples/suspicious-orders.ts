/**
 * Orders that somebody should look at, as files of NDJSON: a filter over columns, with computed columns beside it. What is
 * no order at all goes to the dead letters, and the query says how many there were.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSession, optional, required, schema, types, when } from 'tallystream';
import { temporaryFolder } from './temporary-folder.ts';

const ORDER = schema([
  required('id', types.string(), 'Names the order.'),
  required('at', types.timestamp(), 'When it was placed.'),
  required('quantity', types.int(), 'How many pieces.'),
  required('price', types.decimal(12, 2), 'Of one piece.'),
  optional(
    'card',
    types.struct([required('country', types.string(), 'That issued it.')]),
    'Absent where it was paid otherwise.',
  ),
  required('country', types.string(), 'Where it is sent to.'),
]);

await using folder = temporaryFolder();
const session = createSession({ dataDir: folder.path });
const orders = session.memoryStream(ORDER);
await orders.addBytes([
  '{"id":"a","at":"2026-03-01T03:10:00Z","quantity":1,"price":12.50,"card":{"country":"DE"},"country":"DE"}',
  '{"id":"b","at":"2026-03-01T03:11:00Z","quantity":40,"price":499.00,"card":{"country":"DE"},"country":"DE"}',
  '{"id":"c","at":"2026-03-01T14:00:00Z","quantity":1,"price":80.00,"card":{"country":"FR"},"country":"US"}',
  '{"id":"d","at":"2026-03-01T14:00:00Z","quantity":2,"price":80.00,"country":"US"}',
  '{"id":"e","at":"yesterday","quantity":2,"price":80.00,"country":"US"}',
]);

const query = await session.readStream
  .format('memory', orders)
  .load(ORDER)
  .withColumn('total', ({ quantity, price }) => price.times(quantity))
  .withColumn('why', ({ total, card, country }) =>
    when(total.gt('10000.00'), 'large').when(card.country.ne(country), 'card from elsewhere').otherwise(null),
  )
  .filter(({ why }) => why.isNotNull())
  .select('id', 'total', 'why')
  .writeStream.queryName('suspicious-orders')
  .trigger({ availableNow: true })
  .format('file', { path: join(folder.path, 'suspicious') })
  .start();
await query.awaitTermination();

const results = join(folder.path, 'suspicious', 'suspicious-orders');
const lines = readdirSync(results).flatMap((file) =>
  readFileSync(join(results, file), 'utf8').trim().split('\n'),
);
process.stdout.write(`${lines.join('\n')}\n`);
assert.deepEqual(lines, [
  '{"id":"b","total":19960.00,"why":"large"}',
  '{"id":"c","total":80.00,"why":"card from elsewhere"}',
]);
assert.deepEqual(query.lastProgress?.accounting, { read: 5, accepted: 4, invalid: 1, duplicate: 0, late: 0 });
