import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { runCheck } from '../../../../src/app/cli/doctor/check.ts';
import { inspectCheckpoint } from '../../../../src/app/cli/doctor/checkpoint.ts';
import { committedOffsets } from '../../../../src/app/cli/doctor/committed.ts';
import { inspectLag, judgeLag, lagCheck, type PartitionDelay } from '../../../../src/app/cli/doctor/lag.ts';
import { inspectLog } from '../../../../src/app/cli/doctor/log.ts';
import { openCheckpoint } from '../../../../src/app/compose.ts';
import type { Config } from '../../../../src/app/config/keys.ts';
import { systemClock } from '../../../../src/observe/system-clock.ts';
import { createManualClock } from '../../../../src/testing/manual-clock.ts';
import { commitOf, QUERY } from '../../../checkpoint/support/batches.ts';
import { configIn, fillLog, temporaryFolder } from './folders.ts';

const value = new TextEncoder().encode('{}');
const STOPS = { query: { failOnDataLoss: true } };
const GOES_ON = { query: { failOnDataLoss: false } };
const { signal } = new AbortController();
const at = (timestampMs: number, partition: number) => ({ key: null, value, timestampMs, partition });
const delay = (parts: Partial<PartitionDelay>): PartitionDelay => {
  return { partition: 0, nextOffset: 5, earliest: 0, latest: 5, events: 0, seconds: 0, ...parts };
};

async function filled(t: TestContext): Promise<Config> {
  const config = await configIn(temporaryFolder(t));
  await fillLog(config, [at(1_000, 0), at(2_000, 0), at(6_500, 0), at(4_000, 2), at(99_000, 3)]);
  return config;
}

test('counts what is unread by partition, and how long the oldest of it has waited', async (t) => {
  const config = await filled(t);
  const committed = new Map([
    [0, 1],
    [2, 1],
  ]);
  const delays = await inspectLag(config, createManualClock(10_000), committed, signal);
  assert.deepEqual(
    delays.map(({ partition, events, seconds }) => [partition, events, seconds]),
    [
      [0, 2, 8],
      [1, 0, 0],
      [2, 0, 0],
      [3, 1, 0],
    ],
  );
});

test('without a batch counts from the earliest record', async (t) => {
  const config = await filled(t);
  const delays = await inspectLag(config, createManualClock(10_000), new Map(), signal);
  const verdict = judgeLag(STOPS, null, delays);
  assert.equal(verdict.status, 'pass');
  assert.match(verdict.found, /^no batch yet; 5 events to read\npartition 0: 3 events, 9 seconds\n/);
  assert.equal(
    judgeLag(STOPS, null, [delay({ nextOffset: 0, latest: 0 })]).found,
    'no batch yet; the topic is empty',
  );
});

test('says how far behind the query is, with every partition that is', () => {
  const behind = [
    delay({ events: 1, latest: 6, seconds: 1 }),
    delay({ partition: 1 }),
    delay({ partition: 2, events: 40, seconds: 2.5 }),
  ];
  const { status, found, details } = judgeLag(STOPS, 'totals', behind);
  assert.equal(status, 'pass');
  assert.equal(
    found,
    'query totals is 41 events and 2.5 seconds behind\npartition 0: 1 event, 1 second\npartition 2: 40 events, 2.5 seconds',
  );
  assert.deepEqual(details, { events: 41, seconds: 2.5, partitions: behind });
  assert.equal(judgeLag(STOPS, 'totals', [delay({})]).found, 'query totals has read everything');
  const many = Array.from({ length: 30 }, (_, partition) => delay({ partition, events: 1 }));
  assert.match(judgeLag(STOPS, 'totals', many).found, /\npartition 19: .*\n… and 10 more$/);
});

test('unread records that are gone fail where run would stop, and are a warning where it goes on', () => {
  const lost = [delay({ nextOffset: 2, earliest: 4 })];
  const stops = judgeLag(STOPS, 'totals', lost);
  assert.equal(stops.status, 'fail');
  assert.match(stops.found, /offsets 2 to 3 of partition 0/);
  assert.match(stops.hint ?? '', /query\.fail_on_data_loss/);
  assert.equal(judgeLag(GOES_ON, 'totals', lost).status, 'warn');
  const ahead = judgeLag(GOES_ON, 'totals', [delay({ nextOffset: 9 })]);
  assert.equal(ahead.status, 'fail');
  assert.match(ahead.found, /ends before what the query has read: partition 0 at 5, read to 9/);
});

test('takes the offsets from the checkpoint, and none from one of another topic', async (t) => {
  const config = await configIn(temporaryFolder(t));
  await fillLog(config, [at(1_000, 0)]);
  const check = () =>
    runCheck(
      lagCheck({
        config,
        clock: systemClock,
        readLog: () => inspectLog(config, systemClock),
        readCheckpoint: () => inspectCheckpoint(config),
        obstacle: () => Promise.resolve(undefined),
        timeoutMs: 60_000,
      }),
      systemClock,
    );
  assert.match((await check()).found, /^no batch yet; 1 event to read\n/);
  const checkpoint = await openCheckpoint(config, systemClock, { plan: QUERY, takeOver: false });
  const commit = commitOf(0);
  checkpoint.commit(commit);
  checkpoint.close();
  assert.deepEqual(
    committedOffsets(config.query.checkpointLocation),
    new Map(commit.partitions.map(({ partition, nextOffset }) => [partition, nextOffset])),
  );
  const other = await check();
  assert.equal(other.status, 'warn');
  assert.equal(other.found, 'Not checked, because the checkpoint belongs to an earlier topic of this name.');
});

test('says what keeps it from looking', async (t) => {
  const config = await configIn(temporaryFolder(t));
  const never = () => Promise.reject(new Error('not asked'));
  const of = (parts: Partial<Parameters<typeof lagCheck>[0]>) =>
    runCheck(
      lagCheck({
        config,
        clock: systemClock,
        readLog: () => Promise.resolve({ kind: 'missing' }),
        readCheckpoint: () => Promise.resolve({ kind: 'missing' }),
        obstacle: () => Promise.resolve(undefined),
        timeoutMs: 60_000,
        ...parts,
      }),
      systemClock,
    );
  assert.equal((await of({})).found, 'nothing to read: the topic does not exist yet');
  assert.equal((await of({ readLog: never })).found, 'Not checked, because the log cannot be read.');
  assert.equal(
    (await of({ readCheckpoint: never })).found,
    'Not checked, because the checkpoint cannot be read.',
  );
  const away = await of({ obstacle: () => Promise.resolve('no broker can be used'), readLog: never });
  assert.deepEqual([away.status, away.found], ['warn', 'Not checked, because no broker can be used.']);
});
