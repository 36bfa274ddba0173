import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { linesOf, Place } from '../../e2e/run-cli.ts';

interface Explained {
  readonly schemaVersion: number;
  readonly file: string | null;
  readonly settings: readonly { key: string; value: string; origin: Record<string, unknown> }[];
}

test('says of every value where it came from: a flag beats the environment, that a file, that a default', async (t) => {
  const place = new Place();
  t.after(() => place.remove());
  mkdirSync(join(place.folder, 'config'));
  const file = 'log:\n  topic: from_file\nquery:\n  time_zone: Europe/Berlin\n  trigger: 3 seconds\n';
  writeFileSync(join(place.folder, 'config', 'config.yaml'), file);
  const options = {
    env: { TALLYSTREAM_QUERY_TRIGGER: '2 seconds', TALLYSTREAM_LOG_TOPIC: 'from_environment' },
  };
  const words = ['config', 'show', '--topic', 'from_flag'];
  const [{ stdout }, explained] = await Promise.all([
    place.ok(words, options),
    place.json<Explained>(words, options),
  ]);

  assert.equal(explained.schemaVersion, 1);
  assert.match(explained.file ?? '', /config[/\\]config\.yaml$/);
  const settings = new Map(explained.settings.map(({ key, value, origin }) => [key, { value, origin }]));
  assert.deepEqual(settings.get('log.topic'), {
    value: 'from_flag',
    origin: { kind: 'flag', name: 'topic' },
  });
  assert.deepEqual(settings.get('query.trigger'), {
    value: '2 seconds',
    origin: { kind: 'environment', name: 'TALLYSTREAM_QUERY_TRIGGER' },
  });
  const zone = settings.get('query.time_zone');
  assert.equal(zone?.value, 'Europe/Berlin');
  assert.deepEqual([zone.origin['kind'], zone.origin['line'], zone.origin['column']], ['file', 4, 3]);
  assert.deepEqual(settings.get('log.partitions'), { value: '4', origin: { kind: 'default' } });
  assert.match(settings.get('query.checkpoint_location')?.value ?? '', /purchase-totals-embedded-from_flag$/);

  const lines = linesOf(stdout);
  assert.equal(lines.length, explained.settings.length);
  assert.match(lines.find((line) => line.startsWith('query.time_zone')) ?? '', /config\.yaml:4:3$/);
  assert.match(lines.find((line) => line.startsWith('log.topic')) ?? '', /from_flag +--topic$/);
});

test('says which setting of Kafka came from -X, which beats everything else, and hides a secret with a warning', async (t) => {
  const place = new Place({ TALLYSTREAM_KAFKA_ACKS: '1', TALLYSTREAM_KAFKA_SASL_PASSWORD: 'another' });
  t.after(() => place.remove());
  const settings = ['kafka.acks=all', 'kafka.sasl.password=canary-31aa', 'kafka.bootstrap.servers=a:1,b:2'];
  const words = ['config', 'show', '--bootstrap-servers', 'c:3', ...settings.flatMap((each) => ['-X', each])];
  const { stdout, stderr } = await place.ok(words);
  const row = (path: string) => linesOf(stdout).find((line) => line.startsWith(`${path} `)) ?? '';
  assert.match(row('kafka.acks'), / all +-X kafka\.acks$/);
  assert.match(row('kafka.bootstrap_servers'), / a:1,b:2 +-X kafka\.bootstrap\.servers$/);
  assert.match(row('kafka.sasl_password'), / \*{8} +-X kafka\.sasl\.password$/);
  assert.match(stderr, /^tallystream: kafka\.sasl\.password is on the command line, .*\n$/);
  assert.ok(!(stdout + stderr).includes('canary-31aa'));
  assert.equal((await place.ok(['config', 'show'])).stderr, '');
});
