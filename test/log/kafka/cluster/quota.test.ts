/** A broker's quota for reading makes a reader slow, and nothing else. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { alterClientQuotasV1 } from '@platformatic/kafka';
import { readRecords } from '../../../contract/log/log-records.ts';
import { withoutKafka } from '../../../kafka/broker.ts';
import { kafkaBench, record } from '../kafka-bench.ts';

const BYTES_PER_SECOND = 100_000;
const RECORDS = 40;
const RECORD_BYTES = 20_000;
/** Far less than the quota makes the reader wait in all. */
const RETRY_TIMEOUT_MS = 500;

describe('a quota for reading', { skip: withoutKafka(), timeout: 120_000 }, () => {
  const bench = kafkaBench({ properties: { 'quota.window.num': '2' } });

  test('is waited for as long as the broker says, beyond the bound for an answer, and is named', async (t) => {
    const { open, topic, connect } = bench();
    const name = await topic(t, 1);
    const writer = await open(t, { clientId: 'writer' });
    const value = 'x'.repeat(RECORD_BYTES);
    for (let index = 0; index < RECORDS; index += 1) await writer.append(name, [record(value)]);
    const said: string[] = [];
    const reader = await open(t, {
      clientId: 'slow',
      retryTimeoutMs: RETRY_TIMEOUT_MS,
      requestTimeoutMs: 1_000,
      onWaiting: (words) => said.push(words),
    });
    const entities = [{ entityType: 'client-id', entityName: 'slow' } as const];
    const ops = [{ key: 'consumer_byte_rate', value: BYTES_PER_SECOND, remove: false } as const];
    await alterClientQuotasV1.api.async(await connect(t), [{ entities, ops }], false);
    const read = await readRecords(reader, { topic: name, partition: 0, start: 0, end: RECORDS });
    assert.deepEqual(
      read.map(({ offset }) => offset),
      Array.from({ length: RECORDS }, (_, offset) => offset),
    );
    assert.ok(said.length > 0, 'the wait was not told');
    for (const words of said) {
      assert.match(
        words,
        /^The broker throttles this client for [\d.]+ s because its read quota \(consumer_byte_rate\)/,
      );
    }
  });
});
