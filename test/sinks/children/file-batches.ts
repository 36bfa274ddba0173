/** Writes a few batches over and over, until it is killed: FOLDER EPOCH. Says a word when the first is about to be written. */
import { writeSync } from 'node:fs';
import { createFileSink } from '../../../src/sinks/file.ts';
import { optional, schema, types } from '../../../src/columns/schema/schema.ts';
import { resultOf, tableOf } from '../results.ts';

const [path = '', epoch = ''] = process.argv.slice(2);
const runner = { queryId: 'q', epoch: Number(epoch) };
const words = schema([optional('word', types.string(), '')]);
const rows = Array.from({ length: 20_000 }, (_, row) => [`word ${row * 7919} of the batch`]);
const outputs = [{ name: 'words', table: tableOf(words, rows) }];

const sink = createFileSink({ path, format: 'ndjson', gzip: true });
await sink.open?.(runner, undefined);
for (let call = 0; ; call += 1) {
  const batchId = call % 3;
  if (call === Number(epoch) % 3)
    setTimeout(() => writeSync(process.stdout.fd, 'writes\n'), 1 + ((Number(epoch) * 5) % 23));
  await sink.write(resultOf(batchId, outputs), { ...runner, batchId });
}
