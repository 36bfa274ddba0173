/** Passwords, keys and tokens of the configuration: no command shows, keeps or passes on one, whatever goes wrong. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { loadWithFallback } from '../../../src/app/config/fallback.ts';
import { loadConfig, type ConfigSources } from '../../../src/app/config/load.ts';
import { canary, filesIn, leaksIn, ProcessNames, type Canary } from '../../e2e/canary.ts';
import { oldNode, Place, withoutOldNode, type CliOptions, type Ended } from '../../e2e/run-cli.ts';

const USER = 'till';
const PASSWORD = 'kanarie-Pw71"Qz%\\w/9+x=ö';
const OTHER_PASSWORD = 'zeisig_Kd55 Rv&<m>.8';
const TOKEN = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJncmFzbXVlY2tlLTQ0In0.c2lnbmF0dXI';
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const KEY = privateKey.export({ type: 'pkcs8', format: 'pem' });

const plain = (password: string) => `\0${USER}\0${password}`;
const CANARIES = [
  canary('the password', PASSWORD, [plain(PASSWORD)]),
  canary('the other password', OTHER_PASSWORD, [plain(OTHER_PASSWORD)]),
  canary('the token', TOKEN, [`auth=Bearer ${TOKEN}`]),
  canary('the private key', KEY),
];

function assertSafe(
  what: string,
  content: Uint8Array | string,
  canaries: readonly Canary[] = CANARIES,
): void {
  assert.deepEqual(leaksIn(what, content, canaries), []);
}

test('the search finds a secret in every form, and in pieces', () => {
  const [password] = CANARIES as [Canary];
  for (const [form, needle] of password.needles) {
    const found = leaksIn('a file', Buffer.concat([Buffer.from('before '), needle, Buffer.from([0])]), [
      password,
    ]);
    assert.equal(found.length, 1, form);
  }
  const login = Buffer.from(plain(PASSWORD)).toString('base64');
  for (const text of [`cut: ${PASSWORD.slice(0, 12)}…`, `Basic ${login}`, JSON.stringify({ a: PASSWORD })]) {
    assert.equal(leaksIn('a line', text, [password]).length, 1, text);
  }
  for (const line of KEY.split('\n').slice(1, -2))
    assert.equal(leaksIn('a line', line, CANARIES).length, 1, line);
  assertSafe('what is no secret', `${USER} kafka.sasl_password -----BEGIN PRIVATE KEY----- kanarie`);
});

/** Every secret at once, each in a place of its own: the file, the environment, and files that both name. */
function placeWithSecrets(t: TestContext, env: Readonly<Record<string, string>> = {}): Place {
  const place = new Place({
    TALLYSTREAM_KAFKA_SASL_PASSWORD: PASSWORD,
    TALLYSTREAM_KAFKA_SASL_TOKEN_FILE: 'token',
    ...env,
  });
  t.after(() => place.remove());
  const secrets = { password: OTHER_PASSWORD, token: TOKEN, 'client.key': KEY };
  for (const [name, text] of Object.entries(secrets)) writeFileSync(join(place.folder, name), `${text}\n`);
  mkdirSync(join(place.folder, 'config'));
  writeFileSync(
    join(place.folder, 'config', 'config.yaml'),
    `kafka:
  security_protocol: SASL_SSL
  sasl_username: ${USER}
  sasl_password: ${JSON.stringify(OTHER_PASSWORD)}
  sasl_password_file: password
  tls_cert_file: client.pem
  tls_key_file: client.key
`,
  );
  return place;
}

const MUCH = ['--json', '--log-level', 'debug'];

test('no command shows a secret, keeps it in a file, or names a process with it', async (t) => {
  const place = placeWithSecrets(t);
  const names = new ProcessNames(place.folder);
  t.after(() => names.stop());
  const check = async (words: readonly string[], options: Omit<CliOptions, 'folder'> = {}) => {
    const ended = await place.run(words, options);
    const command = `tallystream ${words.join(' ')}`;
    assert.equal(ended.code, 0, `${command}: ${ended.stderr}`);
    assertSafe(command, Buffer.concat([ended.bytes, Buffer.from(ended.stderr)]));
  };
  const bad = { input: '{"event_id":"no purchase"}\n{"event_id":"another"}\n' };
  await inTurns([
    () => check(['demo', '--events', '20', '--rate', 'max', ...MUCH]),
    async () => {
      await check(['produce', '--from', '-', ...MUCH], bad);
      await check(['run', '--available-now', ...MUCH]);
      await check(['produce', '--events', '20', '--rate', 'max']);
      await check(['run', '--available-now']);
    },
  ]);
  const [letter] = await place.jsonLines<{ partition: number; offset: number }>(['dead-letters', 'list']);
  assert.ok(letter !== undefined, 'there is a dead letter to show');
  const position = `${letter.partition}:${letter.offset}`;
  const commands = [
    ['totals'],
    ['dead-letters', 'list'],
    ['dead-letters', 'show', position],
    ['dead-letters', 'redrive', position, '--dry-run'],
    ['dead-letters', 'redrive', position],
    ['topic', 'list'],
    ['topic', 'describe'],
    ['topic', 'tail'],
    ['doctor'],
    ['config', 'show'],
  ];
  await inTurns([
    ...commands.flatMap((words) => [() => check(words), () => check([...words, ...MUCH])]),
    () => check(['doctor'], oldNode === undefined ? {} : { node: oldNode }),
  ]);
  names.stop();
  for (const { path, content } of filesIn(place.dataDir)) assertSafe(path, content);
  if (process.platform === 'linux') assert.ok(names.seen.size > 0, 'processes were seen');
  for (const name of names.seen) assertSafe('the name of a process', name);
});

interface Failure {
  readonly title: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What stands below `kafka:` in a configuration file of its own. */
  readonly yaml?: string;
  readonly code: number;
  /** What has to be said, so that the case is the one that is meant. */
  readonly says: RegExp;
}

const FAILURES: readonly Failure[] = [
  {
    title: 'PLAIN without TLS',
    env: { SECURITY_PROTOCOL: 'SASL_PLAINTEXT', SASL_MECHANISM: 'PLAIN' },
    code: 3,
    says: /PLAIN would send the secret/,
  },
  {
    title: 'OAUTHBEARER without TLS',
    env: { SECURITY_PROTOCOL: 'SASL_PLAINTEXT', SASL_MECHANISM: 'OAUTHBEARER' },
    code: 3,
    says: /OAUTHBEARER would send the secret/,
  },
  {
    title: 'a broker that does not speak TLS',
    env: { TLS_CERT_FILE: 'off', TLS_KEY_FILE: 'off', CONNECT_TIMEOUT: '1500 ms' },
    code: 3,
    says: /TLS connection to the broker failed/,
  },
  {
    title: 'no broker',
    env: {
      TLS_CERT_FILE: 'off',
      TLS_KEY_FILE: 'off',
      CONNECT_TIMEOUT: '1200 ms',
      BOOTSTRAP_SERVERS: '127.0.0.1:1',
    },
    code: 4,
    says: /Apache Kafka is unavailable/,
  },
  { title: 'a key that is none', env: { TLS_KEY_FILE: 'token' }, code: 3, says: /cannot be used for TLS/ },
  {
    title: 'the key in place of its file',
    env: { TLS_KEY_FILE: KEY },
    code: 3,
    says: /kafka\.tls_key_file names cannot be read/,
  },
  {
    title: 'the password in place of its file',
    env: { TLS_CERT_FILE: 'off', TLS_KEY_FILE: 'off', SASL_PASSWORD_FILE: PASSWORD },
    code: 3,
    says: /kafka\.sasl_password_file names cannot be read/,
  },
  {
    title: 'the token in place of its file',
    env: { TLS_CERT_FILE: 'off', TLS_KEY_FILE: 'off', SASL_MECHANISM: 'OAUTHBEARER', SASL_TOKEN_FILE: TOKEN },
    code: 3,
    says: /kafka\.sasl_token_file names cannot be read/,
  },
  {
    title: 'a misspelt variable',
    env: { SASL_PASWORD: PASSWORD },
    code: 3,
    says: /There is no setting "TALLYSTREAM_KAFKA_SASL_PASWORD"\. Did you mean/,
  },
  {
    title: 'a misspelt key',
    yaml: `sasl_pasword: '${OTHER_PASSWORD}'`,
    code: 3,
    says: /There is no key "kafka\.sasl_pasword"\. Did you mean/,
  },
  {
    title: 'a file that is no YAML',
    yaml: `sasl_password: "${OTHER_PASSWORD}\n  acks: all`,
    code: 3,
    says: /is not valid YAML/,
  },
];

test('no failure shows a secret', async (t) => {
  // Whoever speaks TLS to it gets an answer that is none.
  const deaf = createServer((socket) => socket.on('error', () => undefined).end('no TLS here\n'));
  await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve));
  t.after(() => deaf.close());
  const { port } = deaf.address() as AddressInfo;
  const all = { BOOTSTRAP_SERVERS: `127.0.0.1:${port}` };
  const check = async ({ title, env, yaml, code, says }: Failure) => {
    const settings = Object.entries({ ...all, ...env }).map(([name, value]) => [
      `TALLYSTREAM_KAFKA_${name}`,
      value,
    ]);
    const place = placeWithSecrets(t, Object.fromEntries(settings) as Record<string, string>);
    writeFileSync(join(place.folder, 'client.pem'), 'no certificate\n');
    if (yaml !== undefined) writeFileSync(join(place.folder, 'config', 'config.yaml'), `kafka:\n  ${yaml}\n`);
    const words = ['--log', 'kafka', '--log-level', 'debug'];
    const see = (ended: Ended, command: string) =>
      assertSafe(`${command} (${title})`, `${ended.stdout}\n${ended.stderr}`);
    const ended = await place.run(['run', '--available-now', ...words]);
    assert.equal(ended.code, code, `${title}: ${ended.stderr}`);
    assert.match(ended.stderr, says, `${title}: it fails for another reason`);
    see(ended, 'run');
    const examined = await place.run(['doctor', '--json', ...words]);
    assert.equal(examined.code, 1, `${title}: ${examined.stdout}`);
    see(examined, 'doctor');
    for (const { path, content } of filesIn(place.folder))
      if (path.startsWith('data')) assertSafe(path, content);
  };
  await inTurns(FAILURES.map((failure) => () => check(failure)));
});

test('a file that is wrong around its secret is refused without showing it', async () => {
  for (const yaml of [
    'sasl_password: [?]',
    'sasl_password: {?}',
    'sasl_password:\n    - ?',
    'sasl_password:\n    password: ?',
    'sasl_password: *?',
    'sasl_password: &?',
    'sasl_password: @?',
    'sasl_password: `?',
    'sasl_password: %?',
    'sasl_password: "?',
    "sasl_password: '?",
    'sasl_password: "?" ?',
    'sasl_password: a: ?',
    'sasl_password: x\n  sasl_password: ?',
    'sasl_pasword: ?',
    'sasl_password:?\n  acks: all',
    'sasl_password = ?\n  acks: all',
    'acks: all\n sasl_password: ?',
    'acks: 1\n    sasl_password: ?',
    '{"sasl_password": "?",,}',
  ]) {
    assertSafe(yaml, await refusalOf(yaml.replaceAll('?', 'blaumeise77Xk')), [BLUE_TIT]);
  }
});

test('a setting of Kafka that is wrong is refused without showing its value', async () => {
  for (const word of [
    'kafka.sasl.pasword=?',
    'kafka.sasl_password=?',
    'sasl.password=?',
    'kafka.sasl.password:?',
    'kafka.sasl.password ?',
    'kafka.ssl.key.password=?',
    'kafka.ssl.keystore.key=?',
    'kafka.sasl.jaas.config=org.example.Module required password="?";',
    'kafka.?',
    '?',
  ]) {
    const kafkaSettings = [word.replace('?', 'blaumeise77Xk')];
    const refusal = await refusalFrom({
      flags: {},
      env: {},
      cwd: '/nowhere',
      readFile: nothing,
      kafkaSettings,
    });
    assert.match(refusal, /-X/, word);
    assertSafe(word, refusal, [BLUE_TIT]);
  }
});

describe('what the secret is taken for is not shown', () => {
  const cases = {
    'a tag, or the head of a block, of YAML': [
      'sasl_password: !blaumeise77Xk',
      'sasl_password: >blaumeise77Xk',
      'sasl_password: |blaumeise77Xk',
      'sasl_password: "\\Ublaumeise77Xk"',
    ],
    'a part of its key': [
      'sasl_password:blaumeise77Xk: x',
      'sasl_password = blaumeise77Xk: x',
      'acks: all\n  ? sasl_password=blaumeise77Xk',
    ],
    'a part of the value before it': ['acks: all\n    sasl_password:blaumeise77Xk'],
    'another value of the same section': ['sasl_mechanism: blaumeise77Xk', 'request_timeout: blaumeise77Xk'],
    'a part of any text before it': [
      'sasl_username: till\n    sasl_password=blaumeise77Xk',
      'sasl_username: "till\n  sasl_password: blaumeise77Xk"',
      'tls_ca_file: |\n    ca.pem\n    sasl_password: blaumeise77Xk',
      'bootstrap_servers:\n    - a:1\n      sasl_password=blaumeise77Xk',
    ],
    'a key after its comma': ['{ sasl_password: abc,blaumeise77Xk }', 'acks: all\n  blaumeise77Xk: x'],
  };
  for (const [title, yamls] of Object.entries(cases)) {
    test(title, async () => {
      for (const yaml of yamls) assertSafe(yaml, await refusalOf(yaml), [BLUE_TIT]);
    });
  }

  test('a value of Kafka, or a name of its setting', async () => {
    for (const word of [
      'kafka.acks=?',
      'kafka.batch.size=?',
      'kafka.retries=?',
      'kafka.bootstrap.servers=till:?@broker',
      'kafka.?=x',
      '?=',
      '?==',
    ]) {
      const kafkaSettings = [word.replace('?', 'blaumeise77Xk')];
      const sources = { flags: {}, env: {}, cwd: '/nowhere', readFile: nothing, kafkaSettings };
      assertSafe(word, await refusalFrom(sources), [BLUE_TIT]);
      const { fault } = await loadWithFallback(sources);
      assertSafe(`${word}, for the doctor`, JSON.stringify(fault?.leftOut), [BLUE_TIT]);
    }
  });

  test('a value outside of the section, or the name of a variable', async () => {
    const sources = { flags: {}, cwd: '/nowhere', readFile: nothing };
    for (const env of [
      { TALLYSTREAM_QUERY_TRIGGER: 'blaumeise77Xk' },
      { TALLYSTREAM_LOG_PARTITIONS: '4 sasl_password: blaumeise77Xk' },
      { 'TALLYSTREAM_KAFKA_SASL_PASSWORD: blaumeise77Xk': '' },
    ]) {
      const refusal = await refusalFrom({ ...sources, env });
      assert.match(refusal, /environment/);
      assertSafe(JSON.stringify(env), refusal, [BLUE_TIT]);
      const { fault } = await loadWithFallback({ ...sources, env });
      assertSafe('what the doctor leaves out', JSON.stringify(fault?.leftOut), [BLUE_TIT]);
    }
  });

  test('a flag, a command, or a word too many', async (t) => {
    const place = placeWithSecrets(t);
    await inTurns(
      [
        ['run', `--sasl-password=${PASSWORD}`],
        [`--sasl-password=${PASSWORD}`, 'run'],
        ['run', `-p${PASSWORD}`],
        ['run', PASSWORD],
        ['run', '-X', 'kafka.sasl.password', PASSWORD],
        [TOKEN],
        ['produce', `--events=${PASSWORD}`],
        ['dead-letters', 'show', TOKEN],
        ['dead-letters', 'list', '--reason', TOKEN],
        ['produce', '--start-time', TOKEN],
      ].map((words) => async () => {
        const ended = await place.run(words);
        assert.equal(ended.code, 2, ended.stderr);
        assertSafe(words.join(' '), ended.stderr);
      }),
    );
  });

  test('the name of a file', async (t) => {
    const place = placeWithSecrets(t, {
      TALLYSTREAM_KAFKA_TLS_KEY_FILE: KEY,
      TALLYSTREAM_KAFKA_SASL_PASSWORD_FILE: PASSWORD,
      TALLYSTREAM_KAFKA_SASL_TOKEN_FILE: TOKEN,
      TALLYSTREAM_KAFKA_SASL_USERNAME: `till sasl_password=${PASSWORD}`,
      TALLYSTREAM_DATA_DIR: `data\nsasl_password: ${PASSWORD}`,
    });
    for (const words of [[], ['--json']])
      assertSafe('config show', (await place.ok(['config', 'show', ...words])).stdout);
  });
});

test(
  "a diagnostic report of Node's does not hold the environment",
  { skip: process.platform === 'win32' },
  async (t) => {
    const place = placeWithSecrets(t, { NODE_OPTIONS: '--report-on-signal' });
    const cli = place.start(['run']);
    await cli.until(({ stdout }) => stdout.includes('Checkpoint:'));
    cli.kill('SIGUSR2');
    const reports = () => filesIn(place.folder).filter(({ path }) => path.startsWith('report.'));
    const deadlineMs = performance.now() + 120_000;
    while (!isWhole(reports()[0]?.content) && performance.now() < deadlineMs) await sleep(50);
    cli.kill('SIGTERM');
    await cli.end();
    const [report] = reports();
    assert.ok(report !== undefined, 'Node wrote a report');
    assertSafe('the report', report.content);
  },
);

test(
  'an old Node, which would put the environment into its report, writes none',
  { skip: process.platform === 'win32' || withoutOldNode },
  async (t) => {
    const place = placeWithSecrets(t, { NODE_OPTIONS: '--report-on-signal' });
    const cli = place.start(['run'], { node: oldNode as string });
    await cli.until(({ stdout }) => stdout.includes('Checkpoint:'));
    cli.kill('SIGUSR2');
    await sleep(500);
    cli.kill('SIGTERM');
    // It would be 128 + the signal's number where SIGUSR2 had ended it.
    assert.ok([0, 143].includes((await cli.end()).code ?? -1));
    assert.deepEqual(
      filesIn(place.folder).filter(({ path }) => path.startsWith('report.')),
      [],
    );
  },
);

function isWhole(report: Buffer | undefined): boolean {
  return report?.toString('utf8').trimEnd().endsWith('}') === true;
}

const BLUE_TIT = canary('the password', 'blaumeise77Xk');

const nothing = () => undefined;

/** What is said about such a section of a file. */
function refusalOf(section: string): Promise<string> {
  return refusalFrom({ flags: {}, env: {}, cwd: '/nowhere', readFile: () => `kafka:\n  ${section}\n` });
}

/** Everything that the error says, with its causes; nothing where there is none. */
async function refusalFrom(sources: ConfigSources): Promise<string> {
  try {
    await loadConfig(sources);
    return '';
  } catch (error) {
    return inspect(error, { depth: 20, showHidden: true });
  }
}

/** Runs them all, three at a time. */
async function inTurns(works: readonly (() => Promise<void>)[]): Promise<void> {
  const queue = works.values();
  const lane = async () => {
    for (const work of queue) await work();
  };
  await Promise.all([lane(), lane(), lane()]);
}
