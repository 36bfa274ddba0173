import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { runCheck } from '../../../../src/app/cli/doctor/check.ts';
import {
  checkpointCheck,
  inspectCheckpoint,
  judgeCheckpoint,
  judgeMissing,
  type CheckpointFacts,
} from '../../../../src/app/cli/doctor/checkpoint.ts';
import type { LogFacts } from '../../../../src/app/cli/doctor/log.ts';
import { openCheckpoint } from '../../../../src/app/compose.ts';
import type { Config } from '../../../../src/app/config/keys.ts';
import { systemClock } from '../../../../src/observe/system-clock.ts';
import { commitOf, QUERY, TOPIC_ID } from '../../../checkpoint/support/batches.ts';
import { configIn, filesIn, temporaryFolder } from './folders.ts';

const TOPIC = 'purchasing_events';
const present: Extract<CheckpointFacts, { kind: 'present' }> = {
  kind: 'present',
  queryName: 'purchase-totals',
  lastBatchId: 12,
  newestBatchMs: 0,
  acceptedAsLost: 0,
  accounting: { read: 22, accepted: 20, invalid: 1, duplicate: 1, late: 0 },
  topicId: 'a',
  integrity: { kind: 'sound' },
};
const log: LogFacts = { kind: 'topic', topicId: 'a', partitions: 4, records: 22, newestRecordMs: 0 };

function check(config: Config, facts?: LogFacts) {
  return runCheck(
    checkpointCheck(
      config,
      () => inspectCheckpoint(config),
      async () => facts,
    ),
    systemClock,
  );
}

/** A data folder with a checkpoint of so many batches. */
async function withCheckpoint(t: TestContext, batches: number): Promise<{ folder: string; config: Config }> {
  const folder = temporaryFolder(t);
  const config = await configIn(folder);
  const checkpoint = await openCheckpoint(config, systemClock, { plan: QUERY, takeOver: false });
  for (let batchId = 0; batchId < batches; batchId += 1) checkpoint.commit(commitOf(batchId));
  checkpoint.close();
  return { folder, config };
}

test('passes where there is none yet, and makes nothing', async (t) => {
  const folder = temporaryFolder(t);
  const { status, found } = await check(await configIn(folder));
  assert.deepEqual([status, found], ['pass', 'none yet; the first run creates it']);
  assert.deepEqual(filesIn(folder), []);
});

test('fails where there is none and none can be made', async (t) => {
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, '');
  const config = await configIn(dirname(file));
  const { status, found, hint } = await check({
    ...config,
    query: { ...config.query, checkpointLocation: join(file, 'checkpoint') },
  });
  assert.equal(status, 'fail');
  assert.equal(
    found,
    `There is no checkpoint yet, and it cannot be created in ${file}: it is a file, not a folder.`,
  );
  assert.match(hint ?? '', /query\.checkpoint_location/);
  assert.equal(judgeMissing({ nearest: '/', problem: null }).status, 'pass');
});

test('passes a checkpoint with its last batch and its accounting, and leaves the folder as it was', async (t) => {
  const { folder, config } = await withCheckpoint(t, 3);
  const files = filesIn(folder);
  const { status, found } = await check(config);
  assert.equal(status, 'pass');
  assert.equal(
    found,
    'query test-totals, last batch 2; 6 read = 6 accepted + 0 invalid + 0 duplicate + 0 late',
  );
  assert.deepEqual(filesIn(folder), files);
});

test('reads a checkpoint without a batch', async (t) => {
  const { config } = await withCheckpoint(t, 0);
  assert.equal((await check(config)).found, 'query test-totals, no batch yet');
});

test('finds the clock and the topic of the newest batch', async (t) => {
  const { config } = await withCheckpoint(t, 2);
  const facts = await inspectCheckpoint(config);
  assert.ok(facts.kind === 'present');
  assert.equal(facts.newestBatchMs, Date.UTC(2025, 5, 26));
  assert.equal(facts.topicId, TOPIC_ID);
});

test('reads a checkpoint while a runner is at work', async (t) => {
  const { config } = await withCheckpoint(t, 1);
  const runner = await openCheckpoint(config, systemClock, { plan: QUERY, takeOver: false });
  runner.commit(commitOf(1));
  assert.match((await check(config)).found, /last batch 1; 4 read/);
  runner.commit(commitOf(2));
  runner.close();
});

test('fails a file that is no checkpoint, with what can be done', async (t) => {
  const folder = temporaryFolder(t);
  const config = await configIn(folder);
  const { checkpointLocation } = config.query;
  mkdirSync(checkpointLocation, { recursive: true });
  writeFileSync(join(checkpointLocation, 'checkpoint.db'), 'no database, but a long enough text '.repeat(30));
  const { status, found, hint } = await check(config);
  assert.equal(status, 'fail');
  assert.match(found, /is damaged.*not a database/);
  assert.match(hint ?? '', /restore a copy/);
});

test('fails a checkpoint of another topic than the one in the log, since run refuses it', () => {
  const judge = (facts: LogFacts | undefined) => judgeCheckpoint(present, TOPIC, facts);
  assert.equal(judge(log).status, 'pass');
  const recreated = judge({ ...log, topicId: 'b' });
  assert.equal(recreated.status, 'fail');
  assert.match(recreated.found, /the log now has another topic of that name/);
  for (const gone of [{ kind: 'missing' }, { kind: 'no topic', topics: [] }] as const) {
    assert.equal(judge(gone).status, 'fail');
    assert.match(judge(gone).found, /the log no longer has it/);
  }
  assert.equal(judge(undefined).status, 'pass', 'a log that cannot be read has a line of its own');
  const unplanned = { ...present, topicId: undefined, lastBatchId: null };
  assert.equal(judgeCheckpoint(unplanned, TOPIC, { kind: 'missing' }).status, 'pass');
});

test('fails what SQLite finds damaged', () => {
  const integrity = { kind: 'damaged', problem: 'row 3 missing from index' } as const;
  const { status, found } = judgeCheckpoint({ ...present, integrity }, TOPIC, log);
  assert.deepEqual([status, found], ['fail', 'Its file is damaged: row 3 missing from index.']);
});

test('says so where the file is too large to be checked page by page', () => {
  const integrity = { kind: 'too large', bytes: 300 * 1024 ** 2 } as const;
  const { status, found } = judgeCheckpoint({ ...present, integrity }, TOPIC, log);
  assert.equal(status, 'pass');
  assert.match(found, /; its 300 MiB were not checked page by page$/);
});
