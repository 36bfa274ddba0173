import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeadLetter } from '../../../src/contracts/batch.ts';
import type { BatchResult } from '../../../src/contracts/batch-result.ts';
import type { RecordInput } from '../../../src/contracts/log.ts';
import type { TopicOutput } from '../../../src/contracts/sink.ts';
import { outputTopicsOf } from '../../../src/app/purchases/output-topics.ts';
import { resultOf, type Purchase } from './report-fixture.ts';

const { outputs, controlTopic } = outputTopicsOf({
  queryName: 'purchase-totals',
  topic: 'purchases',
  newTopic: { partitions: 4 },
});
const [totals, deadLetters] = outputs as readonly [TopicOutput, TopicOutput];

const purchase = (category: string, cents: bigint): Purchase => {
  return { date: '2025-06-26', currency: 'USD', category, cents };
};

const text = (bytes: Uint8Array | null): string => (bytes === null ? 'null' : Buffer.from(bytes).toString());
const recordsOf = (output: TopicOutput, result: BatchResult, whole = false): RecordInput[] => [
  ...output.records(result, whole),
];

function letter(over: Partial<DeadLetter> = {}): DeadLetter {
  return {
    reason: 'OUT_OF_RANGE',
    field: 'quantity',
    expected: 'a whole number from 1 to 10000',
    actual: '0\u001b[2J',
    topic: 'purchases',
    partition: 3,
    offset: 41,
    batchId: 7,
    timestampMs: 1_750_000_000_000,
    key: Buffer.from('customer_1'),
    value: Buffer.from([0x7b, 0xff, 0x00]),
    headers: [{ name: 'trace', value: Buffer.from('abc') }],
    ...over,
  };
}

test('the topics are named after the one that is read, and only totals are compacted', () => {
  assert.deepEqual(
    outputs.map(({ topic }) => topic),
    ['purchases.totals', 'purchases.dead-letters'],
  );
  assert.equal(controlTopic, 'purchases.control');
  assert.equal(totals.options.compacted, true);
  assert.equal(deadLetters.options.compacted, undefined);
  assert.equal(deadLetters.options.partitions, 4);
});

test('totals are upserts of what the groups hold with the batch, days first', () => {
  const before = [purchase('Books', 100n)];
  const result = resultOf({ batchId: 7, before, batch: [purchase('Food', 250n)] });
  const records = recordsOf(totals, result).map(({ key, value }) => [text(key), JSON.parse(text(value))]);
  const common = { schemaVersion: 1, queryName: 'purchase-totals', batchId: 7 };
  const day = { date: '2025-06-26', currency: 'USD' };
  assert.deepEqual(records, [
    ['{"date":"2025-06-26","currency":"USD"}', { ...common, ...day, total: '3.50', transactions: 2 }],
    [
      '{"date":"2025-06-26","currency":"USD","category":"Food"}',
      { ...common, ...day, category: 'Food', total: '2.50', transactions: 1 },
    ],
  ]);
});

test('after batches that did not reach the topic every group is written', () => {
  const before = [purchase('Books', 100n)];
  const result = resultOf({ before, batch: [purchase('Food', 250n)] });
  const keys = recordsOf(totals, result, true).map(({ key }) => text(key));
  assert.equal(keys.length, 3);
  assert.ok(keys.some((key) => key.includes('"Books"')));
});

test('a dead letter whose log timestamp is no time keeps it exactly in a header, and the log stamps the record', () => {
  for (const timestampMs of [2n ** 63n - 1n, -1, 0, 1_785_000_000_000_000]) {
    const result = { ...resultOf({ batch: [] }), deadLetters: () => [letter({ timestampMs })] };
    const [record] = recordsOf(deadLetters, result);
    assert.equal(record?.timestampMs, undefined);
    const header = record?.headers?.find(({ name }) => name === 'tallystream.timestamp.original');
    assert.equal(text(header?.value ?? null), String(timestampMs));
  }
});

test('a dead letter has its bytes, key, time and headers, and says where it came from and why it is here', () => {
  const result = { ...resultOf({ batch: [] }), deadLetters: () => [letter()] };
  const [record] = recordsOf(deadLetters, result);
  assert.ok(record !== undefined);
  assert.deepEqual([text(record.key), record.timestampMs], ['customer_1', 1_750_000_000_000]);
  assert.deepEqual([...(record.value ?? [])], [0x7b, 0xff, 0x00]);
  const headers = (record.headers ?? []).map(({ name, value }) => [name, text(value)]);
  assert.deepEqual(headers, [
    ['trace', 'abc'],
    ['__connect.errors.topic', 'purchases'],
    ['__connect.errors.partition', '3'],
    ['__connect.errors.offset', '41'],
    ['__connect.errors.connector.name', 'purchase-totals'],
    ['__connect.errors.stage', 'VALUE_CONVERTER'],
    ['__connect.errors.exception.class.name', 'OUT_OF_RANGE'],
    [
      '__connect.errors.exception.message',
      'quantity: expected a whole number from 1 to 10000, found 0\u001b[2J',
    ],
    ['tallystream.reason', 'OUT_OF_RANGE'],
    ['tallystream.field', 'quantity'],
    ['tallystream.batch-id', '7'],
  ]);
});
