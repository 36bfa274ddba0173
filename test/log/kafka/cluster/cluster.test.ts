import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Log } from '../../../../src/contracts/log.ts';
import { openKafkaLog } from '../../../../src/log/kafka/log.ts';
import type { KafkaLogOptions } from '../../../../src/log/kafka/cluster/options.ts';
import { systemClock } from '../../../../src/observe/system-clock.ts';
import { hasCode } from '../../../contract/log/log-under-test.ts';
import { startFakeBroker, type FakeBroker, type Told } from '../fake-broker.ts';

async function open(
  t: TestContext,
  brokers: readonly FakeBroker[],
  options: Partial<KafkaLogOptions> = {},
): Promise<Log> {
  const log = await openKafkaLog({
    bootstrapServers: brokers.map(({ bootstrap }) => bootstrap),
    clock: systemClock,
    clientId: 'test',
    ...options,
  });
  t.after(() => log.close());
  return log;
}

const led = (...leaderEpochs: number[]): Told =>
  leaderEpochs.map((leaderEpoch) => ({ leaderId: 1, leaderEpoch }));

test('does not believe a broker that knows of older leaders than were seen before', async (t) => {
  // The first look is the first contact. A leader that was replaced while it slept tells of itself for a moment.
  const told = [led(5, 5), led(5, 5), led(5, 4), led(5), led(5, 6)];
  const broker = await startFakeBroker(t, (before) => told[before]);
  const log = await open(t, [broker]);
  assert.equal((await log.describeTopic('events'))?.partitions, 2);
  assert.equal(broker.asked(), 2);
  assert.equal((await log.describeTopic('events'))?.partitions, 2);
  assert.equal(broker.asked(), 5);
});

test('believes a broker that cannot tell the leader for now', async (t) => {
  const told = [led(5), led(5), [{ leaderId: -1, leaderEpoch: 6 }], led(7)];
  const broker = await startFakeBroker(t, (before) => told[before]);
  const log = await open(t, [broker]);
  for (let look = 0; look < 3; look += 1) assert.equal((await log.describeTopic('events'))?.partitions, 1);
  assert.equal(broker.asked(), 4);
});

test('asks another broker where one takes a request and never answers it', async (t) => {
  const mute = await startFakeBroker(t, () => undefined);
  const broker = await startFakeBroker(t, () => led(0));
  const log = await open(t, [mute, broker], { requestTimeoutMs: 3_000 });
  assert.equal((await log.describeTopic('events'))?.partitions, 1);
  assert.equal(mute.asked(), 1);
});

test('the first contact is bounded as a whole, whatever one request may take', async (t) => {
  const mute = await startFakeBroker(t, () => undefined);
  const startMs = performance.now();
  const opening = open(t, [mute, mute, mute], { connectTimeoutMs: 500, requestTimeoutMs: 60_000 });
  await assert.rejects(opening, hasCode('LOG_UNAVAILABLE', 'timed out'));
  assert.ok(performance.now() - startMs < 50_000);
});

test('open for reading only, refuses to write before a broker is asked', async (t) => {
  const broker = await startFakeBroker(t, () => led(0));
  const log = await open(t, [broker], { readOnly: true });
  const asked = broker.asked();
  const writes = [
    () => log.append('events', [{ key: null, value: null }]),
    () => log.createTopic('events', { partitions: 1 }),
    () => log.deleteTopic('events'),
    () => log.setRetention('events', {}),
    () => log.publishOffsets?.('group', 'events', [{ partition: 0, nextOffset: 0 }]),
    () => log.openTransactions?.('writer'),
  ];
  for (const write of writes) {
    await assert.rejects(async () => write(), hasCode('LOG_UNAVAILABLE', 'open for reading only'));
  }
  assert.equal(broker.asked(), asked);
  assert.equal((await log.describeTopic('events'))?.partitions, 1);
});
