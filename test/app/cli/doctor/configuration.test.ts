import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { judgeConfiguration, judgeFault } from '../../../../src/app/cli/doctor/configuration.ts';
import { loadConfig, type ConfigSources } from '../../../../src/app/config/load.ts';
import { TallystreamError } from '../../../../src/errors.ts';

const CWD = resolve('/shop');

async function judge(sources: Partial<ConfigSources> & { yaml?: string }): Promise<string> {
  const { yaml, ...rest } = sources;
  const loaded = await loadConfig({ flags: {}, env: {}, cwd: CWD, readFile: () => yaml, ...rest });
  const verdict = judgeConfiguration(loaded, CWD);
  assert.equal(verdict.status, 'pass');
  assert.equal(verdict.hint, null);
  return verdict.found;
}

test('says where there is no file', async () => {
  assert.match(await judge({}), /^There is no configuration file; 0 of \d+ values differ from the default$/);
});

test('says which file was read, and how many values differ', async () => {
  const yaml = 'query:\n  trigger: 3 seconds\nlog:\n  topic: other\n';
  assert.match(
    await judge({ yaml }),
    /^config\/config\.yaml is valid; 2 of \d+ values differ from the default \(`tallystream config show`\)$/,
  );
  assert.match(await judge({ flags: { topic: 'other' } }), /; 1 of \d+ values differs from/);
});

test('counts no default that is written out, or in another unit', async () => {
  const yaml = 'data_dir: ./data\nquery:\n  trigger: 10000 ms\n  checkpoint_location: auto\n';
  assert.match(await judge({ yaml }), /; 0 of /);
  assert.match(await judge({ yaml, flags: { 'data-dir': 'elsewhere' } }), /; 1 of /);
  assert.match(await judge({ yaml: 'query:\n  checkpoint_location: elsewhere\n' }), /; 1 of /);
});

test('warns of a secret on the command line, by the name that stands there', async () => {
  const sources = { flags: {}, env: {}, cwd: CWD, readFile: () => undefined };
  const kafkaSettings = ['kafka.sasl.password=canary', 'kafka.sasl.username=till'];
  const { status, found, hint } = judgeConfiguration(await loadConfig({ ...sources, kafkaSettings }), CWD);
  assert.equal(status, 'warn');
  assert.match(found, /; kafka\.sasl\.password is on the command line/);
  assert.match(hint ?? '', /kafka\.sasl_password_file/);
  assert.ok(!found.includes('canary'));
  const env = { TALLYSTREAM_KAFKA_SASL_PASSWORD: 'canary' };
  assert.equal(judgeConfiguration(await loadConfig({ ...sources, env }), CWD).status, 'pass');
});

test('fails with every problem, and with what was left out', () => {
  const error = new TallystreamError('CONFIG_INVALID', { what: 'Two problems:\n  one\n  two' });
  const { status, found, hint } = judgeFault({ error, leftOut: ['--topic', 'the configuration file'] });
  assert.equal(status, 'fail');
  assert.equal(
    found,
    'Two problems:\n  one\n  two\nThe other checks ignore --topic, the configuration file.',
  );
  assert.match(hint ?? '', /Correct/);
});
