import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { explainAsJson, explainAsText } from '../../../src/app/config/explain.ts';
import { KEYS } from '../../../src/app/config/key-list.ts';
import { loadConfig, type LoadedConfig } from '../../../src/app/config/load.ts';

const CWD = resolve('/shop');

function load(): Promise<LoadedConfig> {
  return loadConfig({
    flags: { 'ui-port': 'off' },
    kafkaSettings: ['kafka.sasl.password=canary19c4', 'kafka.linger.ms=50'],
    env: { TALLYSTREAM_LOG_PARTITIONS: '8' },
    cwd: CWD,
    readFile: () => 'query:\n  trigger: 5 seconds\n',
  });
}

test('every key is shown with its value and where it came from, in aligned columns', async () => {
  const lines = explainAsText(await load())
    .trimEnd()
    .split('\n');
  assert.equal(lines.length, KEYS.length);
  const rows = new Map(lines.map((line) => [line.split(' ')[0], line.split(/ {2,}/)]));
  assert.deepEqual(rows.get('query.trigger'), ['query.trigger', '5 seconds', 'config/config.yaml:2:3']);
  assert.deepEqual(rows.get('log.partitions'), [
    'log.partitions',
    '8',
    'environment TALLYSTREAM_LOG_PARTITIONS',
  ]);
  assert.deepEqual(rows.get('ui.port'), ['ui.port', 'off', '--ui-port']);
  assert.deepEqual(rows.get('producer.linger'), ['producer.linger', '50 ms', '-X kafka.linger.ms']);
  assert.deepEqual(rows.get('data_dir'), ['data_dir', resolve(CWD, 'data'), 'default']);
  const columns = lines.map((line) =>
    line.search(/(default|config\/config\.yaml:2:3|environment .*|--ui-port|-X kafka\..*)$/),
  );
  assert.equal(new Set(columns).size, 1);
});

test('the same as JSON names the file, the kind of place and the position', async () => {
  const { settings, ...rest } = JSON.parse(explainAsJson(await load())) as {
    settings: { key: string; value: string; origin: object }[];
  };
  assert.deepEqual(rest, { schemaVersion: 1, file: 'config/config.yaml' });
  assert.deepEqual(
    settings.map(({ key }) => key),
    KEYS.map((key) => key.path),
  );
  assert.deepEqual(
    settings.find(({ key }) => key === 'query.trigger'),
    {
      key: 'query.trigger',
      value: '5 seconds',
      origin: { kind: 'file', file: 'config/config.yaml', line: 2, column: 3 },
    },
  );
  assert.deepEqual(settings.find(({ key }) => key === 'ui.port')?.origin, { kind: 'flag', name: 'ui-port' });
  assert.deepEqual(settings.find(({ key }) => key === 'producer.linger')?.origin, {
    kind: 'flag',
    name: 'X',
    setting: 'kafka.linger.ms',
  });
});

test('a file that should hold a secret is shown where there is one, since its name may be the secret', async () => {
  const loaded = await loadConfig({
    flags: {},
    env: { TALLYSTREAM_KAFKA_TLS_KEY_FILE: 'me.key', TALLYSTREAM_KAFKA_SASL_PASSWORD_FILE: 'canary' },
    cwd: CWD,
    readFile: () => undefined,
  });
  const exists = (path: string) => path === resolve(CWD, 'me.key');
  const text = explainAsText(loaded, exists);
  assert.match(text, /^kafka\.tls_key_file +me\.key +environment/m);
  assert.match(text, /^kafka\.sasl_password_file +\*{8} \(no such file\) +environment/m);
  assert.match(text, /^kafka\.sasl_token_file +off +default/m);
  assert.match(text, /^kafka\.sasl_password +off +default/m);
  assert.ok(!text.includes('canary'));
  const { settings } = JSON.parse(explainAsJson(loaded, exists)) as {
    settings: { key: string; value: string }[];
  };
  const value = (path: string) => settings.find(({ key }) => key === path)?.value;
  assert.deepEqual(
    ['tls_key_file', 'sasl_password_file', 'sasl_token_file'].map((name) => value(`kafka.${name}`)),
    ['me.key', '********', 'off'],
  );
});

test('a secret is shown as asterisks, and a value cannot act on the terminal', async () => {
  const loaded = await load();
  const [first, second, ...others] = loaded.settings;
  const hostile = { ...first!, text: '\u001b[2J\u009b31m\u202e' };
  const origin = { kind: 'environment', name: 'TALLYSTREAM_SECRET' } as const;
  const secret = { ...second!, key: { ...second!.key, secret: true as const }, text: 'canary7f3a', origin };
  const changed = { ...loaded, settings: [hostile, secret, ...others] };
  for (const shown of [explainAsText(changed), explainAsJson(changed)]) {
    assert.ok(!shown.includes('canary7f3a'));
    assert.ok(!shown.includes('canary19c4'));
    assert.ok(shown.includes('********'));
    assert.doesNotMatch(shown.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
  }
});
