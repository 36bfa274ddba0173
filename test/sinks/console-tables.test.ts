import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { optional, required, schema, types } from '../../src/columns/schema/schema.ts';
import { createConsoleSink } from '../../src/sinks/console-tables.ts';
import { OutputClosedError } from '../../src/sinks/console.ts';
import { resultOf, tableOf } from './results.ts';

const ROWS = schema([required('id', types.string(), ''), optional('at', types.timestamp(), '')]);

const rows = tableOf(ROWS, [
  ['a text of more than twenty', '2025-06-26T22:30:00Z'],
  ['\u001b[2J', null],
]);

function collector(): { stream: Writable; text: () => string } {
  let text = '';
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  return { stream, text: () => text };
}

const batch = (batchId: number) => ({ queryId: 'q', batchId, epoch: 1 });

test("shows a batch in the form of Spark's console sink", async () => {
  const { stream, text } = collector();
  const sink = createConsoleSink({ stream, timeZone: 'Europe/Berlin' });
  await sink.write(resultOf(3, [{ name: 'events', table: rows }]), batch(3));
  assert.equal(
    text(),
    [
      '-------------------------------------------',
      'Batch: 3',
      '-------------------------------------------',
      '+--------------------+-------------------+',
      '|                  id|                 at|',
      '+--------------------+-------------------+',
      '|a text of more th...|2025-06-27 00:30:00|',
      '|           \\u{1b}[2J|               NULL|',
      '+--------------------+-------------------+',
      '',
      '',
    ].join('\n'),
  );
});

test('says which output a table is where there are several, and that rows were left out', async () => {
  const { stream, text } = collector();
  const sink = createConsoleSink({ stream, numRows: 1, truncate: false });
  const outputs = [
    { name: 'first', table: rows },
    { name: 'sec\u001bond', table: tableOf(ROWS, []) },
  ];
  await sink.write(resultOf(0, outputs), batch(0));
  assert.match(text(), /\nfirst:\n\+-+\+-+\+\n/);
  assert.match(
    text(),
    /\|a text of more than twenty\|2025-06-26 22:30:00\|\n\+.*\+\nonly showing top 1 row\n\nsec/,
  );
  assert.match(text(), /\nsec\\u\{1b\}ond:\n/);
});

test('shows a batch once within a process', async () => {
  const { stream, text } = collector();
  const sink = createConsoleSink({ stream });
  const result = resultOf(0, [{ name: 'events', table: rows }]);
  await sink.write(result, batch(0));
  await sink.write(result, { ...batch(0), epoch: 2 });
  assert.equal(text().match(/Batch: /g)?.length, 1);
  await sink.write(result, { ...batch(0), queryId: 'r' });
  assert.equal(text().match(/Batch: /g)?.length, 2);
});

test('says that the output is closed, and what becomes of the batch where it fails', async () => {
  const failing = (code: string): Writable =>
    new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })) });
  const result = resultOf(0, [{ name: 'events', table: rows }]);
  const closed = createConsoleSink({ stream: failing('EPIPE') });
  await assert.rejects(closed.write(result, batch(0)), OutputClosedError);
  const full = createConsoleSink({ stream: failing('ENOSPC') });
  await assert.rejects(full.write(result, batch(0)), { code: 'SINK_FAILED', message: /not committed/ });
});
