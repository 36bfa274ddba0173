/** TLS, client certificates and SASL against a real broker, with certificates made for the run; no secret is ever shown. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import type { Log } from '../../../../src/contracts/log.ts';
import { openKafkaLog } from '../../../../src/log/kafka/log.ts';
import { readSecurity, type SecuritySettings } from '../../../../src/log/kafka/cluster/security.ts';
import { systemClock } from '../../../../src/observe/system-clock.ts';
import { hasCode } from '../../../contract/log/log-under-test.ts';
import { freePort } from '../../../../scripts/kafka/ports.js';
import { startBroker, withoutKafka, type TestBroker } from '../../../kafka/broker.ts';
import { record } from '../kafka-bench.ts';

const OFF: SecuritySettings = {
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
};
const PASSWORD = 'canary-5d1f-secret';
const LOGIN = { saslUsername: 'till', saslPassword: PASSWORD };

test('a secret goes over an open connection only where that is allowed by name', async () => {
  for (const saslMechanism of ['PLAIN', 'OAUTHBEARER'] as const) {
    const open = { ...OFF, ...LOGIN, securityProtocol: 'SASL_PLAINTEXT', saslMechanism } as const;
    await assert.rejects(
      readSecurity(open),
      hasCode('CONFIG_INVALID', saslMechanism, 'allow_plaintext_password'),
    );
  }
  const open = { ...OFF, ...LOGIN, securityProtocol: 'SASL_PLAINTEXT', saslMechanism: 'PLAIN' } as const;
  const allowed = await readSecurity({ ...open, allowPlaintextPassword: true });
  assert.deepEqual(allowed, { sasl: { mechanism: 'PLAIN', username: 'till', password: PASSWORD } });
  assert.deepEqual((await readSecurity({ ...open, saslMechanism: 'SCRAM-SHA-256' })).tls, undefined);
});

test('what is missing is named, and a file that cannot be read', async () => {
  const cases: [Partial<SecuritySettings>, string][] = [
    [{ securityProtocol: 'SASL_SSL' }, 'kafka.sasl_username'],
    [{ securityProtocol: 'SASL_SSL', saslUsername: 'till' }, 'kafka.sasl_password_file'],
    [{ securityProtocol: 'SASL_SSL', saslMechanism: 'OAUTHBEARER' }, 'kafka.sasl_token_file'],
    [{ securityProtocol: 'SSL', tlsCertFile: '/nowhere' }, 'kafka.tls_key_file'],
    [{ securityProtocol: 'SSL', tlsCaFile: '/nowhere' }, 'ENOENT'],
  ];
  for (const [settings, words] of cases) {
    await assert.rejects(readSecurity({ ...OFF, ...settings }), hasCode('CONFIG_INVALID', words));
  }
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const skip = hasOpenssl ? withoutKafka() : 'no openssl here to make certificates';

describe('a broker with TLS and SASL', { skip, timeout: 600_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-tls-'));
  const at = (name: string) => join(folder, name);
  const ports = { tls: 0, saslTls: 0, saslOpen: 0, mutual: 0 };
  let broker: TestBroker;

  before(async () => {
    makeCertificates(folder);
    for (const name of Object.keys(ports) as (keyof typeof ports)[]) ports[name] = await freePort();
    broker = await startBroker({
      formatWords: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
        '--add-scram',
        `${mechanism}=[name=till,password=${PASSWORD}]`,
      ]),
      properties: ({ port, controllerPort }) =>
        brokerSecurity(at, { ...ports, open: port, controller: controllerPort }),
    });
  });
  after(async () => {
    await broker.stop();
    rmSync(folder, { recursive: true });
  });

  const useLog = async (
    port: number | readonly number[],
    settings: Partial<SecuritySettings>,
    use?: (log: Log) => Promise<void>,
  ) => {
    const log = await openKafkaLog({
      bootstrapServers: [port].flat().map((each) => `127.0.0.1:${each}`),
      clock: systemClock,
      clientId: 'test',
      connectTimeoutMs: 4_000,
      security: await readSecurity({ ...OFF, ...settings }),
    });
    try {
      await log.createTopic('secured', { partitions: 1 });
      await log.append('secured', [record('x')]);
      await use?.(log);
    } finally {
      await log.close();
    }
  };
  const TLS = { securityProtocol: 'SSL', tlsCaFile: at('ca.pem') } as const;
  const refused = async (use: Promise<void>, ...words: string[]) => {
    await assert.rejects(use, (error) => {
      assert.ok(!inspect(error, { depth: 20 }).includes(PASSWORD), 'the password is in the error');
      assert.ok(hasCode('CONFIG_INVALID', ...words)(error), String(error));
      return true;
    });
  };

  test('is used over TLS with its authority, and refused without it', async () => {
    await useLog(ports.tls, TLS);
    await refused(useLog(ports.tls, { securityProtocol: 'SSL' }), 'kafka.tls_ca_file');
  });

  test('asks for a client certificate where it wants one', async () => {
    const mine = { tlsCertFile: at('client.pem'), tlsKeyFile: at('client.key') };
    await useLog(ports.mutual, { ...TLS, ...mine });
    await refused(useLog(ports.mutual, TLS), 'TLS connection to the broker failed');
  });

  for (const saslMechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
    test(`takes ${saslMechanism} over TLS, and refuses a wrong password without showing it`, async () => {
      const settings = { ...TLS, ...LOGIN, securityProtocol: 'SASL_SSL', saslMechanism } as const;
      await useLog(ports.saslTls, settings);
      writeFileSync(at('password'), `${PASSWORD}\n`);
      await useLog(ports.saslTls, { ...settings, saslPassword: null, saslPasswordFile: at('password') });
      const wrong = useLog(ports.saslTls, { ...settings, saslPassword: `${PASSWORD}x` });
      await refused(wrong, 'rejected the credentials');
    });
  }

  describe('that takes OAUTHBEARER', () => {
    const oauth = { ...TLS, securityProtocol: 'SASL_SSL', saslMechanism: 'OAUTHBEARER' } as const;
    const withToken = (name: string, token: string) => {
      writeFileSync(at(name), `${token}\n`);
      return { ...oauth, saslTokenFile: at(name) };
    };

    test('lets a token in, and logs in again with the next one before the first is over', async () => {
      const settings = withToken('token', unsecuredToken('till', 12));
      await useLog(ports.saslTls, settings, async (log) => {
        withToken('token', unsecuredToken('till', 60));
        const endMs = performance.now() + 16_000;
        while (performance.now() < endMs) {
          await log.append('secured', [record('y')]);
          assert.equal((await log.offsets('secured')).length, 1);
          await sleep(200);
        }
      });
    });

    test('refuses one that is over, and what is none, without showing it', async () => {
      for (const token of [unsecuredToken('till', -60), `${PASSWORD}.${PASSWORD}.`, PASSWORD]) {
        await refused(useLog(ports.saslTls, withToken('refused', token)), 'rejected the credentials');
      }
    });
  });

  test('is found behind a server that takes connections and says nothing', async (t) => {
    const mute = createServer((socket) => socket.on('error', () => undefined));
    t.after(() => mute.close());
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as AddressInfo;
    // In each of these places alone it would take the whole time of a first contact.
    await useLog([port, port, ports.tls], TLS);
  });

  test('takes SCRAM without TLS', async () => {
    await useLog(ports.saslOpen, {
      ...LOGIN,
      securityProtocol: 'SASL_PLAINTEXT',
      saslMechanism: 'SCRAM-SHA-512',
    });
  });

  test('is not used as if it spoke without TLS', async () => {
    await assert.rejects(useLog(ports.tls, {}), hasCode('CONFIG_INVALID', 'kafka.security_protocol'));
  });
});

/** A token that no key signed, as Kafka's own login module for tests makes them, good for so many seconds from now. */
function unsecuredToken(subject: string, seconds: number): string {
  const nowSeconds = systemClock.nowMs() / 1000;
  const claims = { sub: subject, iat: nowSeconds - 120, exp: nowSeconds + seconds };
  const encoded = [{ alg: 'none' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  return [...encoded, ''].join('.');
}

/** An authority, the broker's certificate for 127.0.0.1 and a client's, all good for a day. */
function makeCertificates(folder: string): void {
  const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: folder, stdio: 'pipe' });
  const key = (name: string) => ['-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`];
  openssl('req', '-x509', ...key('ca'), '-out', 'ca.pem', '-days', '1', '-subj', '/CN=test authority');
  writeFileSync(join(folder, 'names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  for (const name of ['broker', 'client']) {
    openssl('req', ...key(name), '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const signed = [
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '1',
      '-extfile',
      'names',
    ];
    openssl('x509', '-req', '-in', `${name}.csr`, ...signed, '-out', `${name}.pem`);
  }
  openssl('pkcs8', '-topk8', '-nocrypt', '-in', 'broker.key', '-out', 'broker.pk8');
  execFileSync('sh', ['-c', 'cat broker.pk8 broker.pem > broker-store.pem'], { cwd: folder });
}

function brokerSecurity(
  at: (name: string) => string,
  ports: Readonly<Record<'open' | 'controller' | 'tls' | 'mutual' | 'saslTls' | 'saslOpen', number>>,
): Record<string, string> {
  const listeners = {
    PLAINTEXT: ports.open,
    TLS: ports.tls,
    MUTUAL: ports.mutual,
    SASLTLS: ports.saslTls,
    SASLOPEN: ports.saslOpen,
  };
  const addresses = Object.entries(listeners).map(([name, port]) => `${name}://127.0.0.1:${port}`);
  const module = 'org.apache.kafka.common.security';
  const settings: Record<string, string> = {
    listeners: [...addresses, `CONTROLLER://127.0.0.1:${ports.controller}`].join(','),
    'advertised.listeners': addresses.join(','),
    'listener.security.protocol.map':
      'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,TLS:SSL,MUTUAL:SSL,SASLTLS:SASL_SSL,SASLOPEN:SASL_PLAINTEXT',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': at('broker-store.pem'),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': at('ca.pem'),
    'listener.name.mutual.ssl.client.auth': 'required',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.sasltls.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    // It takes tokens that nobody signed, where nothing says who may sign them.
    'listener.name.sasltls.oauthbearer.sasl.jaas.config': `${module}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
  };
  for (const listener of ['sasltls', 'saslopen']) {
    const login = `listener.name.${listener}`;
    settings[`${login}.plain.sasl.jaas.config`] =
      `${module}.plain.PlainLoginModule required user_till="${PASSWORD}";`;
    for (const size of ['256', '512']) {
      settings[`${login}.scram-sha-${size}.sasl.jaas.config`] = `${module}.scram.ScramLoginModule required;`;
    }
  }
  return settings;
}
