import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { loadWithFallback } from '../../../src/app/config/fallback.ts';
import type { ConfigSources } from '../../../src/app/config/load.ts';

const CWD = resolve('/shop');
const BROKEN = 'query:\n  trigger: soon\n';

function load(sources: Partial<ConfigSources>, yaml?: string) {
  return loadWithFallback({ flags: {}, env: {}, cwd: CWD, readFile: () => yaml, ...sources });
}

test('is the configuration itself where nothing is wrong', async () => {
  const { loaded, fault } = await load({ flags: { topic: 'a' } }, 'query:\n  trigger: 3 seconds\n');
  assert.equal(fault, undefined);
  assert.equal(loaded.config.log.topic, 'a');
  assert.equal(loaded.config.query.triggerMs, 3_000);
});

test('leaves out a file that is wrong, and keeps flags and variables', async () => {
  const { loaded, fault } = await load(
    { flags: { topic: 'a' }, env: { TALLYSTREAM_QUERY_NAME: 'b', HOME: '/root' } },
    BROKEN,
  );
  assert.deepEqual(fault?.leftOut, ['the configuration file']);
  assert.match(fault.error.message, /query\.trigger must be a duration/);
  assert.equal(loaded.file, null);
  assert.deepEqual([loaded.config.log.topic, loaded.config.query.name], ['a', 'b']);
});

test('leaves out the flag and the variable that are wrong, and no other', async () => {
  const { loaded, fault } = await load(
    {
      flags: { 'ui-port': 'x', topic: 'a' },
      env: { TALLYSTREAM_TOPICC: 'c', TALLYSTREAM_QUERY_NAME: 'b' },
    },
    'query:\n  trigger: 3 seconds\n',
  );
  assert.deepEqual(fault?.leftOut, ['--ui-port', 'TALLYSTREAM_TOPICC']);
  const { log, query, ui } = loaded.config;
  assert.deepEqual([log.topic, query.name, query.triggerMs, ui.port], ['a', 'b', 3_000, 4040]);
});

test('leaves out a setting of Kafka that is wrong, without its value, and keeps the others', async () => {
  const { loaded, fault } = await load({
    kafkaSettings: ['kafka.linger.ms=50', 'kafka.sasl.passwrod=canary', 'kafka.group.id=mine', 'canary'],
  });
  assert.deepEqual(fault?.leftOut, ['-X kafka.sasl.passwrod', '-X kafka.group.id', '-X']);
  assert.ok(!fault.error.message.includes('canary'));
  assert.equal(loaded.config.producer.lingerMs, 50);
  const broken = await load({ kafkaSettings: ['kafka.linger.ms=50'] }, BROKEN);
  assert.deepEqual(broken.fault?.leftOut, ['the configuration file']);
  assert.equal(broken.loaded.config.producer.lingerMs, 50);
});

test('leaves out a file that is named and missing', async () => {
  for (const sources of [{ file: 'none.yaml' }, { env: { TALLYSTREAM_CONFIG: 'none.yaml' } }]) {
    const { loaded, fault } = await load(sources);
    assert.deepEqual(fault?.leftOut, ['the configuration file']);
    assert.match(fault.error.message, /none\.yaml: There is no such file/);
    assert.equal(loaded.file, null);
  }
});

test('is the defaults where everything is wrong', async () => {
  const { loaded, fault } = await load(
    { flags: { log: 'paper' }, env: { TALLYSTREAM_LOG_PARTITIONS: '0' } },
    BROKEN,
  );
  assert.deepEqual(fault?.leftOut, ['--log', 'TALLYSTREAM_LOG_PARTITIONS', 'the configuration file']);
  assert.ok(loaded.settings.every(({ origin }) => origin.kind === 'default'));
});
