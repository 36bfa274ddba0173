import assert from 'node:assert/strict';
import { test } from 'node:test';
import { doctorTopicOf, judgeRoundTrip } from '../../../../src/app/cli/doctor/round-trip.ts';
import { judgeTopic } from '../../../../src/app/cli/doctor/topic.ts';
import { loadConfig } from '../../../../src/app/config/load.ts';
import { TallystreamError } from '../../../../src/errors.ts';

const flags = { log: 'kafka', topic: 'sales', 'bootstrap-servers': 'a:1,b:2' };
const { config } = await loadConfig({ flags, env: {}, cwd: '/', readFile: () => undefined });

test('a record that went there and back passes with its time, in a topic beside the query’s own', () => {
  assert.equal(doctorTopicOf(config), 'sales.doctor');
  const trip = { kind: 'done', writeMs: 8.04, readMs: 2, leftBehind: false } as const;
  const { status, found, details } = judgeRoundTrip(config, trip);
  assert.equal(status, 'pass');
  assert.equal(
    found,
    'a record went through topic sales.doctor in 10.0 ms: 8.0 to write with acks all, 2.0 to read',
  );
  assert.deepEqual(details, { topic: 'sales.doctor', writeMs: 8, readMs: 2, leftBehind: false });
  assert.match(
    judgeRoundTrip(config, { ...trip, leftBehind: true }).found,
    /; the topic could not be removed/,
  );
});

test('a topic that cannot be made is a warning, since it says nothing of the query’s own', () => {
  const error = new TallystreamError('CONFIG_INVALID', { what: 'The broker does not allow it.' });
  const { status, found, hint } = judgeRoundTrip(config, { kind: 'no topic', error });
  assert.equal(status, 'warn');
  assert.match(found, /sales\.doctor does not exist and cannot be created: The broker does not allow it\./);
  assert.match(hint ?? '', /read and write it\. sales needs the same permissions/);
});

test('a record that does not come through fails, with the step and what to look at', () => {
  const away = new TallystreamError('LOG_UNAVAILABLE', { what: 'Away.', why: 'NOT_ENOUGH_REPLICAS.' });
  const written = judgeRoundTrip(config, { kind: 'failed', step: 'written', error: away });
  assert.equal(written.status, 'fail');
  assert.equal(
    written.found,
    'A record could not be written in topic sales.doctor: Away. NOT_ENOUGH_REPLICAS.',
  );
  assert.match(written.hint ?? '', /min\.insync\.replicas/);
  const error = new TallystreamError('CONFIG_INVALID', { what: 'No.', hint: 'Ask for an ACL.' });
  const read = judgeRoundTrip(config, { kind: 'failed', step: 'read', error });
  assert.deepEqual(
    [read.found, read.hint],
    ['A record could not be read in topic sales.doctor: No.', 'Ask for an ACL.'],
  );
});

test('a topic that is there passes with its id, and one that is not comes with how to make it', () => {
  const facts = { kind: 'topic', topicId: 'x-1', partitions: 4, records: 1, newestRecordMs: null } as const;
  const there = judgeTopic(config, facts);
  assert.deepEqual([there.status, there.found], ['pass', 'sales: 4 partitions, 1 record, id x-1']);
  for (const gone of [{ kind: 'no topic', topics: [] }, { kind: 'missing' }] as const) {
    const { status, hint } = judgeTopic(config, gone);
    assert.equal(status, 'warn');
    assert.match(
      hint ?? '',
      /kafka-topics\.sh --bootstrap-server a:1 --create --topic sales --partitions 4\./,
    );
  }
});
