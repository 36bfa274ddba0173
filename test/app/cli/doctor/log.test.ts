import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCheck } from '../../../../src/app/cli/doctor/check.ts';
import { inspectLog, judgeLog, logCheck } from '../../../../src/app/cli/doctor/log.ts';
import { embeddedLogPath } from '../../../../src/app/compose.ts';
import type { Config } from '../../../../src/app/config/keys.ts';
import { systemClock } from '../../../../src/observe/system-clock.ts';
import { configIn, filesIn, fillLog, temporaryFolder } from './folders.ts';

const NEWEST_MS = Date.UTC(2025, 5, 26);
const value = new TextEncoder().encode('{}');

function check(config: Config) {
  return runCheck(
    logCheck(config.log.topic, () => inspectLog(config, systemClock)),
    systemClock,
  );
}

test('passes a log that is not there yet, and makes nothing', async (t) => {
  const folder = temporaryFolder(t);
  const { status, found } = await check(await configIn(folder));
  assert.deepEqual([status, found], ['pass', 'does not exist yet; the first produce or run creates it']);
  assert.equal((await check(await configIn(join(folder, 'data')))).status, 'pass');
  assert.deepEqual(filesIn(folder), []);
  writeFileSync(join(folder, 'log.db'), '');
  assert.equal((await check(await configIn(folder))).status, 'pass');
});

test('counts the records and partitions of the topic, and finds the newest record', async (t) => {
  const folder = temporaryFolder(t);
  const config = await configIn(folder);
  const at = (timestampMs: number, partition: number) => ({ key: null, value, timestampMs, partition });
  const topicId = await fillLog(config, [
    at(NEWEST_MS - 2, 0),
    at(NEWEST_MS, 2),
    at(1, 3),
    at(NEWEST_MS * 1e6, 3),
  ]);
  assert.deepEqual(await inspectLog(config, systemClock), {
    kind: 'topic',
    topicId,
    partitions: 4,
    records: 4,
    newestRecordMs: NEWEST_MS,
  });
  assert.equal((await check(config)).found, 'purchasing_events has 4 records in 4 partitions');
  assert.deepEqual(filesIn(folder), ['log.db', 'log.db-ack']);
});

test('has no newest record where the topic is empty', async (t) => {
  const config = await configIn(temporaryFolder(t));
  await fillLog(config, []);
  const facts = await inspectLog(config, systemClock);
  assert.ok(facts.kind === 'topic' && facts.newestRecordMs === null && facts.records === 0);
});

test('warns where the log has other topics and not this one', async (t) => {
  const folder = temporaryFolder(t);
  await fillLog(await configIn(folder, { topic: 'sales' }), []);
  const { status, found, hint } = await check(await configIn(folder));
  assert.equal(status, 'warn');
  assert.equal(found, 'It has no topic purchasing_events, but sales.');
  assert.match(hint ?? '', /--topic/);
  assert.equal(judgeLog('a', { kind: 'no topic', topics: [] }).status, 'pass');
});

test('fails a file that is no log, or another program’s, and changes nothing in it', async (t) => {
  const folder = temporaryFolder(t);
  const config = await configIn(folder);
  const path = embeddedLogPath(folder);
  writeFileSync(path, 'This is a text, and long enough to have a header of its own.'.repeat(20));
  const before = readFileSync(path);
  const text = await check(config);
  assert.equal(text.status, 'fail');
  assert.match(text.found, /not a SQLite database/);
  assert.ok(text.hint !== null);
  assert.deepEqual(readFileSync(path), before);

  const other = join(folder, 'other');
  mkdirSync(other);
  const database = new DatabaseSync(embeddedLogPath(other));
  database.exec('CREATE TABLE notes (text)');
  database.close();
  const foreign = await check(await configIn(other));
  assert.equal(foreign.status, 'fail');
  assert.match(foreign.found, /not a Tallystream log/);
});

test('fails a log whose newest records are damaged', async (t) => {
  const folder = temporaryFolder(t);
  const config = await configIn(folder);
  await fillLog(config, [{ key: null, value, partition: 0 }]);
  const database = new DatabaseSync(embeddedLogPath(folder));
  database.exec("UPDATE batches SET body = CAST(substr(body, 1, 4) || x'ffff' || substr(body, 7) AS BLOB)");
  database.close();
  const { status, found, hint } = await check(config);
  assert.equal(status, 'fail');
  assert.match(found, /Offsets 0 to 0 of topic purchasing_events, partition 0, are damaged/);
  assert.match(hint ?? '', /Restore the file/);
});

test('fails a log that another program keeps locked, before its time runs out', async (t) => {
  const folder = temporaryFolder(t);
  const config = await configIn(folder);
  await fillLog(config, []);
  const holder = new DatabaseSync(embeddedLogPath(folder));
  holder.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
  const startedMs = systemClock.monotonicMs();
  const { status, found } = await check(config);
  const elapsedMs = systemClock.monotonicMs() - startedMs;
  holder.close();
  assert.equal(status, 'fail');
  assert.match(found, /locked by (?:another process|process \d+)/);
  assert.ok(elapsedMs < 5_000, `${elapsedMs} ms`);
});
