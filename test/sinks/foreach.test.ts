import assert from 'node:assert/strict';
import { test } from 'node:test';
import { required, schema, types } from '../../src/columns/schema/schema.ts';
import type { ForeachWriter } from '../../src/contracts/sink.ts';
import { createForeachSink } from '../../src/sinks/foreach.ts';
import { resultOf, tableOf } from './results.ts';

const IDS = schema([required('id', types.string(), '')]);

const RESULT = resultOf(4, [
  { name: 'first', table: tableOf(IDS, [['a'], ['b']]) },
  { name: 'none', table: tableOf(IDS, []) },
  { name: 'second', table: tableOf(IDS, [['c']]) },
]);

const IDENTITY = { queryId: 'q', batchId: 4, epoch: 2 };

function recorder(over: Partial<ForeachWriter> = {}): { calls: string[]; writer: ForeachWriter } {
  const calls: string[] = [];
  const writer: ForeachWriter = {
    async open({ queryId, batchId, epoch, output }) {
      await Promise.resolve();
      calls.push(`open ${queryId} ${batchId} ${epoch} ${output}`);
    },
    async process(row, { output }) {
      await Promise.resolve();
      calls.push(`${output} ${row['id'] as string}`);
    },
    close: (error, { output }) => void calls.push(`close ${output} ${String(error)}`),
    ...over,
  };
  return { calls, writer };
}

test('gives rows one at a time between open and close, output by output', async () => {
  const { calls, writer } = recorder();
  await createForeachSink(writer).write(RESULT, IDENTITY);
  assert.deepEqual(calls, [
    'open q 4 2 first',
    'first a',
    'first b',
    'close first undefined',
    'open q 4 2 second',
    'second c',
    'close second undefined',
  ]);
});

test('a function alone is called for every row', async () => {
  const ids: unknown[] = [];
  await createForeachSink((row) => void ids.push(row['id'])).write(RESULT, IDENTITY);
  assert.deepEqual(ids, ['a', 'b', 'c']);
});

test('a writer leaves a batch out by answering false, and is closed', async () => {
  const { calls, writer } = recorder({ open: async () => Promise.resolve(false) });
  await createForeachSink(writer).write(RESULT, IDENTITY);
  assert.deepEqual(calls, ['close first undefined', 'close second undefined']);
});

test('what a writer throws ends the batch, after close has heard of it', async () => {
  const failure = new Error('full');
  const { calls, writer } = recorder({
    process() {
      throw failure;
    },
  });
  await assert.rejects(createForeachSink(writer).write(RESULT, IDENTITY), (error) => error === failure);
  assert.deepEqual(calls, ['open q 4 2 first', 'close first Error: full']);

  const failing = recorder({
    open() {
      throw failure;
    },
    close() {
      throw new Error('later');
    },
  });
  await assert.rejects(
    createForeachSink(failing.writer).write(RESULT, IDENTITY),
    (error) => error === failure,
  );
  const atClose = recorder({ close: () => Promise.reject(failure) });
  await assert.rejects(
    createForeachSink(atClose.writer).write(RESULT, IDENTITY),
    (error) => error === failure,
  );
});
