import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { KEYS } from '../../../src/app/config/key-list.ts';
import { loadConfig, type ConfigSources, type LoadedConfig } from '../../../src/app/config/load.ts';
import { inDataDir } from '../../../src/app/config/paths.ts';
import { TallystreamError } from '../../../src/errors.ts';

const CWD = resolve('/shop');

function load(
  sources: Partial<ConfigSources> = {},
  files: Record<string, string> = {},
): Promise<LoadedConfig> {
  const byPath = new Map(Object.entries(files).map(([path, text]) => [resolve(CWD, path), text]));
  return loadConfig({ flags: {}, env: {}, cwd: CWD, readFile: (path) => byPath.get(path), ...sources });
}

function loadYaml(text: string): Promise<LoadedConfig> {
  return load({}, { 'config/config.yaml': text });
}

/** The message of the CONFIG_INVALID that loading throws. */
async function refusal(loading: Promise<LoadedConfig>): Promise<string> {
  const error = await loading.then(
    () => assert.fail('nothing was refused'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof TallystreamError, String(error));
  assert.equal(error.code, 'CONFIG_INVALID');
  return error.message;
}

test('without any file, flag or variable every key has its default', async () => {
  const { config, file, settings } = await load();
  assert.equal(file, null);
  assert.deepEqual(
    settings.map(({ origin }) => origin.kind),
    KEYS.map(() => 'default'),
  );
  assert.deepEqual(config, {
    dataDir: join(CWD, 'data'),
    log: {
      type: 'embedded',
      topic: 'purchasing_events',
      partitions: 4,
      retentionMs: null,
      retentionBytes: null,
    },
    kafka: {
      bootstrapServers: ['localhost:9092'],
      clientId: null,
      acks: 'all',
      compression: 'none',
      replicationFactor: null,
      connectTimeoutMs: 10_000,
      requestTimeoutMs: 10_000,
      retryTimeoutMs: 120_000,
      outputTopics: false,
      publishOffsets: true,
      securityProtocol: 'PLAINTEXT',
      tlsCaFile: null,
      tlsCertFile: null,
      tlsKeyFile: null,
      saslMechanism: 'SCRAM-SHA-512',
      saslUsername: null,
      saslPasswordFile: null,
      saslPassword: null,
      saslTokenFile: null,
      allowPlaintextPassword: false,
    },
    producer: {
      ratePerSecond: 10,
      batchRecordsMax: 500,
      batchBytesMax: 1_048_576,
      lingerMs: 5,
      retries: Infinity,
      retryTimeoutMs: 120_000,
    },
    query: {
      name: 'purchase-totals',
      checkpointLocation: join(CWD, 'data', 'checkpoints', 'purchase-totals-embedded-purchasing_events'),
      outputMode: 'update',
      triggerMs: 10_000,
      watermarkDelayMs: 3_600_000,
      workers: null,
      idleTimeoutMs: 60_000,
      timeZone: 'UTC',
      futureToleranceMs: 300_000,
      clockSkewMaxMs: 600_000,
      maxOffsetsPerTrigger: 500_000,
      stateBytesMax: null,
      deadLetterBytesMax: 1_073_741_824,
      failOnDataLoss: true,
      deadLettersWhenFull: 'stop',
    },
    validation: { assumeTimeZone: null, valueBytesMax: 1_048_576 },
    ui: { port: 4040 },
    logging: { level: 'info', format: 'auto', mask: true },
  });
});

test('a flag beats the environment, which beats the file, which beats the default', async () => {
  const layers = fc.record({ file: fc.boolean(), environment: fc.boolean(), flag: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(layers, async ({ file, environment, flag }) => {
      const { config, settings } = await load(
        {
          flags: flag ? { topic: 'from_flag' } : {},
          env: environment ? { TALLYSTREAM_LOG_TOPIC: 'from_env' } : {},
        },
        file ? { 'config/config.yaml': 'log:\n  topic: from_file\n' } : {},
      );
      const expected = flag
        ? 'from_flag'
        : environment
          ? 'from_env'
          : file
            ? 'from_file'
            : 'purchasing_events';
      assert.equal(config.log.topic, expected);
      const kind = flag ? 'flag' : environment ? 'environment' : file ? 'file' : 'default';
      assert.equal(settings.find(({ key }) => key.path === 'log.topic')?.origin.kind, kind);
    }),
  );
});

test('--config beats TALLYSTREAM_CONFIG, which beats config/config.yaml', async () => {
  const files = Object.fromEntries(
    ['a.yaml', 'b.yaml', 'config/config.yaml'].map((path) => [path, `query: { name: ${path.slice(0, 1)} }`]),
  );
  assert.equal(
    (await load({ file: 'a.yaml', env: { TALLYSTREAM_CONFIG: 'b.yaml' } }, files)).config.query.name,
    'a',
  );
  assert.equal((await load({ env: { TALLYSTREAM_CONFIG: 'b.yaml' } }, files)).config.query.name, 'b');
  assert.equal((await load({ env: { TALLYSTREAM_CONFIG: '' } }, files)).config.query.name, 'c');
});

test('a file that was named and is not there is refused, with what named it', async () => {
  assert.equal(await refusal(load({ file: 'a.yaml' })), 'a.yaml: There is no such file. --config names it.');
  assert.match(
    await refusal(load({ env: { TALLYSTREAM_CONFIG: 'b.yaml' } })),
    /^b\.yaml: .*TALLYSTREAM_CONFIG names it\.$/,
  );
});

test('a file that is a folder, or no UTF-8, is refused by name', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-config-'));
  try {
    writeFileSync(join(folder, 'latin1.yaml'), Buffer.from('# caf\xe9\n', 'latin1'));
    writeFileSync(join(folder, 'bom.yaml'), '\ufeffdata_dir: elsewhere\n');
    const sources = { flags: {}, env: {}, cwd: folder };
    assert.match(
      await refusal(loadConfig({ ...sources, file: '.' })),
      /^\.: The file cannot be read: EISDIR/,
    );
    assert.match(
      await refusal(loadConfig({ ...sources, file: 'latin1.yaml' })),
      /^latin1\.yaml: The file cannot be read: .*utf-8/,
    );
    assert.equal(
      (await loadConfig({ ...sources, file: 'bom.yaml' })).config.dataDir,
      join(folder, 'elsewhere'),
    );
    assert.equal((await loadConfig(sources)).file, null);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an unknown key is refused with its place and the key that was likely meant', async () => {
  assert.equal(
    await refusal(loadYaml('query:\n  triger: 10 seconds\n')),
    'config/config.yaml:2:3: There is no key "query.triger". Did you mean query.trigger?',
  );
  const meant: [string, RegExp][] = [
    ['qery:\n  trigger: 1 s\n', /:1:1: There is no key "qery"\. Did you mean query\?$/],
    ['query:\n  rate: 1\n', /Did you mean producer\.rate\?$/],
    ['topic: x\n', /Did you mean log\.topic\?$/],
    ['query.trigger: 1 s\n', /:1:1: Write query\.trigger as trigger, below query\.$/],
    ['query:\n  watermarkDelay: 1 hour\n', /Did you mean query\.watermark_delay\?$/],
    ['producer:\n  linger_ms: 5\n', /Did you mean producer\.linger\?$/],
    ['producer:\n  batch_size: 16384\n', /Did you mean producer\.batch_bytes_max\?$/],
    ['producer:\n  acks: all\n', /Did you mean kafka\.acks\?$/],
    ['kafka:\n  group_id: mine\n', /There is no key "kafka\.group_id"\.$/],
    ['zzzzzz: 1\n', /There is no key "zzzzzz"\.$/],
    ['toString: 1\n', /There is no key "toString"\.$/],
  ];
  for (const [text, message] of meant) assert.match(await refusal(loadYaml(text)), message);
});

test('a wrong value is refused with its place, what would be right, and what was likely meant', async () => {
  const wrong: [string, RegExp][] = [
    [
      'log:\n  partitions: four\n',
      /^config\/config\.yaml:2:15: log\.partitions must be a whole number from 1 to 1000, but is "four"\.$/,
    ],
    [
      'log:\n  partitions: 0\n',
      /:2:15: log\.partitions must be a whole number from 1 to 1000, but is "0"\.$/,
    ],
    ['log:\n  partitions: [1]\n', /:2:15: .* but is a list\.$/],
    ['log:\n  partitions:\n', /:2:3: .* but is empty\.$/],
    ['log:\n  partitions: ~\n', /:2:3: .* but is empty\.$/],
    ['log:\n  partitions: { a: 1 }\n', /:2:15: .* but is a section\.$/],
    ['query:\n  trigger: 10\n', /but is "10"\. A duration needs its unit/],
    ['logging:\n  level: wran\n', /but is "wran"\. Did you mean warn\?$/],
    ['logging:\n  mask: yes\n', /must be true or false, but is "yes"\. Did you mean true\?$/],
    ['query:\n  time_zone: Europe/Belrin\n', /Did you mean Europe\/Berlin\?$/],
    ['query:\n  name: ../x\n', /query\.name must be a name/],
    ['query:\n  name: ".."\n', /query\.name must be a name/],
    ['data_dir: ~/data\n', /write the path in full/],
    ['query: 5\n', /:1:8: query is a section: put its keys below it, indented\.$/],
    ['- a\n', /:1:1: The file must hold sections and keys/],
    ['log:\n  type: "\\e[2J\\u202e"\n', /but is "\\u\{1b\}\[2J\\u\{202e\}"/],
    [`log:\n  topic: ${'x'.repeat(500)}\n`, /but is "x{60}…"\.$/],
  ];
  for (const [text, message] of wrong) assert.match(await refusal(loadYaml(text)), message);
});

test('what comes with a later version is refused in those words, wherever it is asked for', async () => {
  const words =
    'query.output_mode cannot be append yet. The output mode append comes with a later version; update shows what each batch changed.';
  assert.equal(
    await refusal(load({ env: { TALLYSTREAM_QUERY_OUTPUT_MODE: 'append' } })),
    `environment TALLYSTREAM_QUERY_OUTPUT_MODE: ${words}`,
  );
  assert.equal(
    await refusal(loadYaml('query: { output_mode: append }')),
    `config/config.yaml:1:23: ${words}`,
  );
  assert.match(
    await refusal(loadYaml('query: { output_mode: complete }')),
    /complete comes with a later version/,
  );
});

test('YAML that cannot be read is refused with its place', async () => {
  const broken: [string, RegExp][] = [
    ['query:\n\ttrigger: 1 s\n', /^config\/config\.yaml:2:1: .*Tabs are not allowed as indentation/],
    ['query:\n  trigger: 1 s\n name: x\n', /:3:1: .*start at the same column/],
    ['log:\n  topic: "x\n', /:3:1: .*closing "quote/],
    ['data_dir: !folder x\n', /:1:11: .*tag/],
    ['log:\n  topic: >x\n', /:2:11: .*after \| or >/],
    ['log:\n  topic: @x\n', /:2:10: .*cannot begin with this character.*in quotes/],
    ['log:\n  topic: a: b\n', /:2:10: .*second colon/],
    ['log:\n  topic: "\\x"\n', /:2:11: .*backslash/],
    ['log:\n  topic a\n  partitions: 2\n', /:2:3: .*colon/],
    ['log: [a, b\n', /:2:1: .*brackets/],
    ['data_dir: a\n---\ndata_dir: b\n', /:2:1: .*more than one document/i],
  ];
  for (const [text, message] of broken) assert.match(await refusal(loadYaml(text)), message);
});

test('a key or a section that stands twice is refused, with the line of the first', async () => {
  assert.match(
    await refusal(loadYaml('query:\n  name: a\n\n  name: b\n')),
    /:4:3: "query\.name" is set twice; the first time in line 2\.$/,
  );
  assert.match(
    await refusal(loadYaml('query:\n  name: a\nlog:\nquery:\n  trigger: 1 s\n')),
    /:4:1: "query" is set twice/,
  );
});

test('a value that goes on in the next line is refused, since that line was meant as another key', async () => {
  assert.match(
    await refusal(loadYaml('log:\n  topic: a\n    partitions=4\n')),
    /:2:10: log\.topic must be a name .*, but its value takes 2 lines\. .* indented further than the key above it/,
  );
  assert.match(await refusal(loadYaml('data_dir: |\n  a\n  b\n')), /:1:11: .* its value takes 2 lines/);
  assert.match(await refusal(loadYaml('data_dir: "a\n  b"\n')), /its value takes 2 lines/);
  assert.equal((await loadYaml('data_dir: >-\n  a b\n\n')).config.dataDir, join(CWD, 'a b'));
});

test('what has no colon is no key, and is not repeated', async () => {
  const message = await refusal(loadYaml('log: { topic: a,canary }\n'));
  assert.match(message, /^config\/config\.yaml:1:17: This is not a key\. .*comma in quotes\.$/);
  assert.match(
    await refusal(loadYaml('query:\n  trigger:5: x\n')),
    /:2:3: There is no key "query\.trigger…"\. .*a colon and a space between .* Did you mean query\.trigger\?$/,
  );
});

test('aliases and merge keys are not resolved, so a small file cannot grow', async () => {
  assert.match(
    await refusal(loadYaml('data_dir: &a x\nlog:\n  topic: *a\n')),
    /:3:10: log\.topic must be .* an alias, and aliases are not supported\.$/,
  );
  assert.match(
    await refusal(loadYaml('log: &l { topic: a }\nquery:\n  <<: *l\n')),
    /:3:3: There is no key "query\.<<"/,
  );
  let bomb = 'a: &a [x,x,x,x,x,x,x,x,x]\n';
  for (const [name, of] of 'bcdefghi'
    .split('')
    .map((name, index) => [name, 'abcdefgh'.charAt(index)] as const))
    bomb += `${name}: &${name} [${`*${of},`.repeat(9)}]\n`;
  const before = performance.now();
  await refusal(loadYaml(bomb));
  assert.ok(performance.now() - before < 20_000);
});

test('a file of hostile size or depth is refused within bounds', async () => {
  assert.match(await refusal(loadYaml('#'.repeat(300_000))), /more than 262144 characters/);
  for (const hostile of ['['.repeat(10_000), '{a: '.repeat(5000), '- '.repeat(5000)])
    await refusal(loadYaml(hostile));
});

test('whatever a file holds, it is read or refused as a configuration, and nothing else is thrown', async () => {
  const line = fc.oneof(
    fc.constantFrom(
      'query:',
      'log:',
      '  trigger: 1 s',
      '  topic: a',
      'data_dir: x',
      '- 1',
      '? a',
      ': b',
      '  <<: *a',
      '---',
      '%YAML 1.1',
      '&a',
      '!!set {a}',
      '!!binary aGk=',
      '\t',
      '"',
      "'",
      '|',
      '>',
    ),
    fc.string(),
    fc.string({ unit: 'binary' }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 12 }), async (lines) => {
      await loadYaml(lines.join('\n')).catch((error: unknown) => {
        assert.ok(error instanceof TallystreamError && error.code === 'CONFIG_INVALID', String(error));
        assert.doesNotMatch(error.message.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
      });
    }),
    { numRuns: 1000 },
  );
});

test('an empty file, empty sections and comments are a configuration of defaults', async () => {
  for (const text of ['', '# nothing\n', 'query:\nlog:\n', '---\n', '{}']) {
    assert.equal((await loadYaml(text)).config.log.partitions, 4, text);
  }
});

test('values mean the text that stands in the file, quoted or not', async () => {
  const { config } = await loadYaml(`
ui: { port: off }
log: { retention: "2 days", partitions: '8', topic: 123 }
kafka: { bootstrap_servers: [a:1, "b:2"] }
validation: { assume_time_zone: Europe/Berlin }
query: { checkpoint_location: ./auto, watermark_delay: off }
producer: { rate: max }
`);
  assert.equal(config.ui.port, null);
  assert.deepEqual(
    [config.log.retentionMs, config.log.partitions, config.log.topic],
    [172_800_000, 8, '123'],
  );
  assert.deepEqual(config.kafka.bootstrapServers, ['a:1', 'b:2']);
  assert.equal(config.validation.assumeTimeZone, 'Europe/Berlin');
  assert.equal(config.query.checkpointLocation, join(CWD, 'auto'));
  assert.equal(config.query.watermarkDelayMs, null);
  assert.equal(config.producer.ratePerSecond, 'max');
});

test('an unknown variable with our prefix is refused; an empty one, and those of others, are not', async () => {
  assert.equal(
    await refusal(load({ env: { TALLYSTREAM_QUERY_TRIGER: '1 s' } })),
    'environment: There is no setting "TALLYSTREAM_QUERY_TRIGER". Did you mean TALLYSTREAM_QUERY_TRIGGER?',
  );
  const env = { PATH: '/bin', TALLYSTREAM_LOG_TOPIC: '', TALLYSTREAM_INTERNAL_LAUNCHER: '1', TALLY_X: 'x' };
  assert.equal((await load({ env })).config.log.topic, 'purchasing_events');
});

test('all that is wrong is reported at once, wherever it stands, also where it is overridden', async () => {
  const message = await refusal(
    load(
      { flags: { log: 'redis', topic: 'good' }, env: { TALLYSTREAM_UI_PORT: '99999' } },
      { 'config/config.yaml': 'log:\n  topic: "not good"\n  partitons: 3\n' },
    ),
  );
  assert.deepEqual(
    message.split('\n  ').map((line) => line.replace(/: .*/, '')),
    [
      'The configuration has 4 problems:',
      'config/config.yaml:3:3',
      'config/config.yaml:2:10',
      'environment TALLYSTREAM_UI_PORT',
      '--log',
    ],
  );
});

test('a file full of problems does not fill the screen', async () => {
  const message = await refusal(loadYaml(Array.from({ length: 200 }, (_, i) => `zz${i}: 1\n`).join('')));
  assert.equal(message.split('\n').length, 22);
  assert.match(message, /… and 180 more\.$/);
});

test('the demo folder takes the checkpoint along, even a configured one', async () => {
  const { config } = await load({
    flags: { 'data-dir': 'd' },
    env: { TALLYSTREAM_QUERY_CHECKPOINT_LOCATION: 'elsewhere' },
  });
  const demo = inDataDir(config, join(config.dataDir, 'demo'));
  assert.equal(demo.dataDir, join(CWD, 'd', 'demo'));
  assert.equal(
    demo.query.checkpointLocation,
    join(CWD, 'd', 'demo', 'checkpoints', 'purchase-totals-embedded-purchasing_events'),
  );
});
