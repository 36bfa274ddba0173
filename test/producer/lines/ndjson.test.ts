import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { type Input, openFileInput, openStreamInput } from '../../../src/producer/lines/input.ts';
import {
  createNdjsonSource,
  type LineRecord,
  type NdjsonOptions,
} from '../../../src/producer/lines/ndjson.ts';
import { createManualClock } from '../../../src/testing/manual-clock.ts';

const never = new AbortController().signal;
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tallystream-ndjson-'));
});
after(() => rm(folder, { recursive: true }));

function source(input: Input, more: Partial<NdjsonOptions> = {}) {
  const fields = { keyField: 'customer_id', timestampField: 'timestamp' };
  return createNdjsonSource({ input, clock: createManualClock(Date.UTC(2026, 0, 1)), fields, ...more });
}

async function drain(input: Input, more: Partial<NdjsonOptions> = {}): Promise<LineRecord[]> {
  const lines = source(input, more);
  const all: LineRecord[] = [];
  for (;;) {
    const some = await lines.pull(7, 1_000_000, never);
    if (some.length === 0) break;
    all.push(...some);
  }
  await lines.close();
  return all;
}

const show = (record: LineRecord): [string | null, string] => [
  record.key === null ? null : Buffer.from(record.key).toString(),
  Buffer.from(record.value).toString('latin1'),
];

describe('an NDJSON source', () => {
  test('carries good and bad lines byte for byte, keyed by the field where it can be read', async () => {
    const path = join(folder, 'mixed.ndjson');
    await writeFile(
      path,
      Buffer.from('{"customer_id":"a"}\r\n\n\xff\xfe{\n{"customer_id":1}\nlast', 'latin1'),
    );
    assert.deepEqual((await drain(await openFileInput(path))).map(show), [
      ['a', '{"customer_id":"a"}\r'],
      [null, ''],
      [null, '\xff\xfe{'],
      [null, '{"customer_id":1}'],
      [null, 'last'],
    ]);
  });

  test('gives a larger file whole, in pieces that keep to the asked size', async () => {
    const path = join(folder, 'large.ndjson');
    const lines = Array.from({ length: 30_000 }, (_, index) => `{"customer_id":"c${index}","n":${index}}`);
    await writeFile(path, lines.join('\n'));
    const records = await drain(await openFileInput(path));
    assert.deepEqual(
      records.map((record) => show(record)[1]),
      lines,
    );
    const lone = source(await openFileInput(path));
    assert.equal((await lone.pull(10, 1, never)).length, 1);
    await lone.close();
  });

  test('goes on from a position, with the right line numbers', async () => {
    const path = join(folder, 'positions.ndjson');
    await writeFile(path, 'a\nbb\nccc\ndddd\n');
    const rest = await drain(await openFileInput(path), { from: { lines: 2, bytes: 5 } });
    assert.deepEqual(
      rest.map(({ line, endByte }) => [line, endByte]),
      [
        [3, 9],
        [4, 14],
      ],
    );
    const stream = openStreamInput(Readable.from([Buffer.from('a\nbb\ncc'), Buffer.from('c\ndddd\n')]));
    const streamed = await drain(stream, { from: { lines: 2, bytes: 5 } });
    assert.deepEqual(
      streamed.map((record) => [record.line, show(record)[1]]),
      [
        [3, 'ccc'],
        [4, 'dddd'],
      ],
    );
  });

  test('passes over the lines that are marked as delivered, and gives the others their headers', async () => {
    const stream = openStreamInput(Readable.from([Buffer.from('1\n2\n3\n4\n')]));
    const headers = (line: number) => [{ name: 'line', value: Buffer.from(String(line)) }];
    const records = await drain(stream, {
      marks: { isDelivered: (line) => line === 1 || line === 3, headers },
    });
    assert.deepEqual(
      records.map((record) => [record.line, record.headers]),
      [
        [2, headers(2)],
        [4, headers(4)],
      ],
    );
  });

  test('gives what is there without waiting for more, and ends a wait on the signal', async () => {
    const stream = new PassThrough();
    const lines = source(openStreamInput(stream));
    stream.write('one\ntwo\nhal');
    assert.equal((await lines.pull(100, 1_000_000, never)).length, 2);
    const stop = new AbortController();
    const waiting = lines.pull(100, 1_000_000, stop.signal);
    stop.abort();
    assert.deepEqual(await waiting, []);
    await lines.close();
  });

  test('tells once that the input is out of order of time', async () => {
    const at = (time: string): string => `{"timestamp":"2025-01-01T${time}Z"}\n`;
    const told: number[] = [];
    const stream = openStreamInput(
      Readable.from([Buffer.from([at('10:00:00'), at('09:00:00'), at('08:00:00')].join(''))]),
    );
    await drain(stream, { onOutOfOrder: ({ firstLine }) => told.push(firstLine) });
    assert.deepEqual(told, [2]);
  });
});

describe('an input that cannot be read', () => {
  const unreadable = (message: RegExp) => ({ code: 'INPUT_UNREADABLE', message });

  test('is a missing file', async () => {
    await assert.rejects(
      openFileInput(join(folder, 'missing')),
      unreadable(/missing cannot be read.*no such file/),
    );
  });

  test('is a folder', async () => {
    await assert.rejects(openFileInput(folder), unreadable(/is a folder/));
  });

  test('is a stream that breaks', async () => {
    const stream = openStreamInput(
      new Readable({
        read() {
          this.destroy(new Error('the pipe broke'));
        },
      }),
    );
    await assert.rejects(drain(stream), unreadable(/standard input cannot be read. the pipe broke/));
  });
});
