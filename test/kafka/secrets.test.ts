/** Passwords, keys and tokens that a real broker asks for: no command shows, keeps or passes on one, accepted or refused. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { inspect } from 'node:util';
import { freePort } from '../../scripts/kafka/ports.js';
import { openKafkaLog } from '../../src/log/kafka/log.ts';
import { systemClock } from '../../src/observe/system-clock.ts';
import { canary, filesIn, leaksIn, ProcessNames, type Canary } from '../e2e/canary.ts';
import { Place, type CliOptions } from '../e2e/run-cli.ts';
import { startBroker, withoutKafka, type TestBroker } from './broker.ts';

const USER = 'till';
const PASSWORD = 'kanarie-Pw71%zq/9+xT';
const WRONG = 'zeisig_Kd55%Rv/8+mB';

/** What a broker of Kafka's own takes that is not told of an authority for tokens. */
function unsignedToken(expiresAtSeconds: number): string {
  const part = (of: object) => Buffer.from(JSON.stringify(of)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ sub: 'grasmuecke-44', iat: 1, exp: expiresAtSeconds })}.`;
}

const TOKEN = unsignedToken(Math.floor(systemClock.nowMs() / 1000) + 3600);
const EXPIRED = unsignedToken(2);

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const skip = hasOpenssl ? withoutKafka() : 'no openssl here to make certificates';

describe('the secrets of a connection', { skip, timeout: 600_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-secrets-'));
  const at = (name: string) => join(folder, name);
  const ports = { login: 0, mutual: 0 };
  let broker: TestBroker;
  let canaries: readonly Canary[] = [];

  before(async () => {
    makeCertificates(folder);
    for (const [name, text] of Object.entries({
      password: PASSWORD,
      wrong: WRONG,
      token: TOKEN,
      expired: EXPIRED,
    }))
      writeFileSync(at(name), `${text}\n`);
    const login = (password: string) => [`\0${USER}\0${password}`];
    canaries = [
      canary('the password', PASSWORD, login(PASSWORD)),
      canary('the wrong password', WRONG, login(WRONG)),
      // What an unsigned token starts with is no secret.
      ...[TOKEN, EXPIRED].map((token) => canary('the token', token.slice(token.indexOf('.') + 1))),
      canary('the private key', readFileSync(at('client.key'), 'utf8')),
    ];
    for (const name of Object.keys(ports) as (keyof typeof ports)[]) ports[name] = await freePort();
    broker = await startBroker({
      formatWords: ['--add-scram', `SCRAM-SHA-512=[name=${USER},password=${PASSWORD}]`],
      properties: ({ port, controllerPort }) =>
        brokerSecurity(at, { ...ports, open: port, controller: controllerPort }),
    });
  });
  after(async () => {
    await broker.stop();
    rmSync(folder, { recursive: true });
  });

  const assertSafe = (what: string, content: Uint8Array | string) =>
    assert.deepEqual(leaksIn(what, content, canaries), []);

  /** A place whose environment says how to log in; with what every test of a command looks at. */
  const placeOf = (t: TestContext, settings: Readonly<Record<string, string>>) => {
    const common = {
      SECURITY_PROTOCOL: 'SASL_SSL',
      BOOTSTRAP_SERVERS: `127.0.0.1:${ports.login}`,
      TLS_CA_FILE: at('ca.pem'),
      SASL_USERNAME: USER,
      CONNECT_TIMEOUT: '30 seconds',
    };
    const env = Object.entries({ ...common, ...settings }).map(([name, value]) => [
      `TALLYSTREAM_KAFKA_${name}`,
      value,
    ]);
    const place = new Place({
      ...(Object.fromEntries(env) as Record<string, string>),
      TALLYSTREAM_LOG_TYPE: 'kafka',
    });
    const names = new ProcessNames(place.folder);
    t.after(() => {
      names.stop();
      place.remove();
    });
    const run = async (code: number, words: readonly string[], options: Omit<CliOptions, 'folder'> = {}) => {
      const ended = await place.run(words, options);
      assert.equal(ended.code, code, `${words.join(' ')}: ${ended.stderr}`);
      assertSafe(words.join(' '), Buffer.concat([ended.bytes, Buffer.from(ended.stderr)]));
      return ended;
    };
    const assertNothingLeft = () => {
      names.stop();
      for (const { path, content } of filesIn(place.folder)) assertSafe(path, content);
      if (process.platform === 'linux') assert.ok(names.seen.size > 0, 'processes were seen');
      for (const name of names.seen) assertSafe('the name of a process', name);
    };
    return { run, assertNothingLeft };
  };

  const MUCH = ['--json', '--log-level', 'debug'];
  const CLIENT = { TLS_CERT_FILE: at('client.pem'), TLS_KEY_FILE: at('client.key') };

  test('are used by every command, and shown or kept by none', async (t) => {
    // A listener that wants a certificate and a password at once.
    const { run, assertNothingLeft } = placeOf(t, {
      ...CLIENT,
      BOOTSTRAP_SERVERS: `127.0.0.1:${ports.mutual}`,
      SASL_MECHANISM: 'PLAIN',
      SASL_PASSWORD: PASSWORD,
    });
    const both = (words: readonly string[]) => [() => run(0, words), () => run(0, [...words, ...MUCH])];
    await run(0, ['produce', '--from', '-', ...MUCH], {
      input: '{"event_id":"no purchase"}\n{"event_id":"another"}\n',
    });
    await run(0, ['produce', '--events', '50', '--rate', 'max']);
    await run(0, ['run', '--available-now', ...MUCH]);
    const list = await run(0, ['dead-letters', 'list', '--json']);
    const letter = JSON.parse(list.stdout.split('\n')[0] ?? '') as { partition: number; offset: number };
    const position = `${letter.partition}:${letter.offset}`;
    await inTurns([
      () => run(0, ['demo', '--events', '10', '--rate', 'max', ...MUCH]),
      ...both(['totals']),
      ...both(['dead-letters', 'list']),
      ...both(['dead-letters', 'show', position]),
      ...both(['dead-letters', 'redrive', position]),
      ...both(['topic', 'list']),
      ...both(['topic', 'describe']),
      ...both(['topic', 'tail']),
      ...both(['doctor']),
      ...both(['config', 'show']),
    ]);
    await run(0, ['run', '--available-now']);
    assertNothingLeft();
  });

  const OTHER_WAYS = {
    'SCRAM with the password in the environment': { SASL_PASSWORD: PASSWORD },
    'SCRAM with the password in a file': { SASL_PASSWORD_FILE: at('password') },
    'OAUTHBEARER with the token in a file': { SASL_MECHANISM: 'OAUTHBEARER', SASL_TOKEN_FILE: at('token') },
  };
  const REFUSED = {
    'a wrong password, for SCRAM': { SASL_PASSWORD: WRONG },
    'a wrong password, for PLAIN': { SASL_MECHANISM: 'PLAIN', SASL_PASSWORD_FILE: at('wrong') },
    'a token that has expired': { SASL_MECHANISM: 'OAUTHBEARER', SASL_TOKEN_FILE: at('expired') },
    'a password as the token': { SASL_MECHANISM: 'OAUTHBEARER', SASL_TOKEN_FILE: at('password') },
    'an authority that is not known': { ...CLIENT, TLS_CA_FILE: at('client.pem'), SASL_PASSWORD: PASSWORD },
    'a login where there is none': {
      SASL_PASSWORD: PASSWORD,
      BOOTSTRAP_SERVERS: 'open',
      SECURITY_PROTOCOL: 'SASL_PLAINTEXT',
    },
    'no certificate where one is asked for': { SASL_PASSWORD: PASSWORD, BOOTSTRAP_SERVERS: 'mutual' },
  };

  test('are taken in other ways, and refused, without being shown', async (t) => {
    const named = { open: broker.port, mutual: ports.mutual };
    const placed = (settings: Readonly<Record<string, string>>) => {
      const port = named[settings['BOOTSTRAP_SERVERS'] as keyof typeof named] as number | undefined;
      return placeOf(
        t,
        port === undefined ? settings : { ...settings, BOOTSTRAP_SERVERS: `127.0.0.1:${port}` },
      );
    };
    await inTurns([
      ...Object.values(OTHER_WAYS).map((settings) => async () => {
        const { run, assertNothingLeft } = placed(settings);
        await run(0, ['produce', '--events', '5', ...MUCH]);
        assertNothingLeft();
      }),
      ...Object.entries(REFUSED).map(([title, settings], index) => async () => {
        const { run, assertNothingLeft } = placed(settings);
        const words = index % 2 === 0 ? ['run', '--available-now'] : ['produce', '--events', '1'];
        const ended = await run(3, [...words, '--log-level', 'debug']);
        assert.match(ended.stderr, /CONFIG_INVALID/, title);
        await run(1, ['doctor', ...MUCH]);
        assertNothingLeft();
      }),
    ]);
  });

  test('are not in an error, nor in what caused it', async () => {
    const tls = { ca: readFileSync(at('ca.pem'), 'utf8') };
    const wrong = { mechanism: 'PLAIN', username: USER, password: WRONG } as const;
    const right = { ...wrong, password: PASSWORD };
    const client = {
      cert: readFileSync(at('client.pem'), 'utf8'),
      key: readFileSync(at('client.key'), 'utf8'),
    };
    const cases = [
      { port: ports.login, security: { tls, sasl: wrong } },
      { port: await freePort(), security: { tls: { ...tls, ...client }, sasl: right } },
      { port: broker.port, security: { tls: { ...tls, ...client }, sasl: right } },
      {
        port: ports.login,
        security: { tls, sasl: { mechanism: 'OAUTHBEARER', token: () => Promise.resolve(EXPIRED) } as const },
      },
    ];
    for (const { port, security } of cases) {
      const options = {
        bootstrapServers: [`127.0.0.1:${port}`],
        clock: systemClock,
        clientId: 'test',
        security,
      };
      const use = async () => {
        const log = await openKafkaLog({ ...options, connectTimeoutMs: 300 });
        await log.close();
      };
      await assert.rejects(use(), (error) => {
        // As much as Node shows of an error that nobody caught, and more.
        assertSafe('an error', inspect(error, { depth: 20, showHidden: true }));
        return true;
      });
    }
  });
});

/** An authority, the broker's certificate for 127.0.0.1 and a client's, all good for a day. */
function makeCertificates(folder: string): void {
  const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: folder, stdio: 'pipe' });
  const key = (name: string) => ['-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`];
  openssl('req', '-x509', ...key('ca'), '-out', 'ca.pem', '-days', '1', '-subj', '/CN=test authority');
  writeFileSync(join(folder, 'names'), 'subjectAltName=IP:127.0.0.1\n');
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '1', '-extfile', 'names'];
  for (const name of ['broker', 'client']) {
    openssl('req', ...key(name), '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    openssl('x509', '-req', '-in', `${name}.csr`, ...signed, '-out', `${name}.pem`);
  }
  const store = ['broker.key', 'broker.pem'].map((name) => readFileSync(join(folder, name)));
  writeFileSync(join(folder, 'broker-store.pem'), Buffer.concat(store));
}

function brokerSecurity(
  at: (name: string) => string,
  ports: Readonly<Record<'open' | 'controller' | 'login' | 'mutual', number>>,
): Record<string, string> {
  const addresses = Object.entries({ PLAINTEXT: ports.open, LOGIN: ports.login, MUTUAL: ports.mutual }).map(
    ([name, port]) => `${name}://127.0.0.1:${port}`,
  );
  const module = 'org.apache.kafka.common.security';
  const settings: Record<string, string> = {
    listeners: [...addresses, `CONTROLLER://127.0.0.1:${ports.controller}`].join(','),
    'advertised.listeners': addresses.join(','),
    'listener.security.protocol.map':
      'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_SSL,MUTUAL:SASL_SSL',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': at('broker-store.pem'),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': at('ca.pem'),
    'listener.name.mutual.ssl.client.auth': 'required',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512,OAUTHBEARER',
  };
  for (const listener of ['login', 'mutual']) {
    const jaas = (mechanism: string) => `listener.name.${listener}.${mechanism}.sasl.jaas.config`;
    settings[jaas('plain')] = `${module}.plain.PlainLoginModule required user_${USER}="${PASSWORD}";`;
    settings[jaas('scram-sha-512')] = `${module}.scram.ScramLoginModule required;`;
    settings[jaas('oauthbearer')] =
      `${module}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`;
  }
  return settings;
}

/** Runs them all, three at a time. */
async function inTurns(works: readonly (() => Promise<unknown>)[]): Promise<void> {
  const queue = works.values();
  const lane = async () => {
    for (const work of queue) await work();
  };
  await Promise.all([lane(), lane(), lane()]);
}
