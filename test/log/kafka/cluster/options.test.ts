import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settleOptions } from '../../../../src/log/kafka/cluster/options.ts';
import { createManualClock } from '../../../../src/testing/manual-clock.ts';

const NEEDED = { bootstrapServers: ['b:9092'], clientId: 'test', clock: createManualClock(0) };

test('a transaction stays open for longer than a call goes on trying, so a broker that comes back in time finds it', () => {
  for (const retryTimeoutMs of [undefined, 4_000, 600_000]) {
    const settled = settleOptions({ ...NEEDED, ...(retryTimeoutMs === undefined ? {} : { retryTimeoutMs }) });
    assert.equal(settled.transactionTimeoutMs, settled.retryTimeoutMs + 60_000);
  }
  assert.equal(settleOptions({ ...NEEDED, transactionTimeoutMs: 4_000 }).transactionTimeoutMs, 4_000);
});
