/** `doctor` against a real broker: well, away, hanging, closed to us, and one that lets us do less than all. */
import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { Connection, createAclsV3 } from '@platformatic/kafka';
import { freePort } from '../../scripts/kafka/ports.js';
import type { CheckResult } from '../../src/app/cli/doctor/check.ts';
import { openKafkaLog } from '../../src/log/kafka/log.ts';
import { systemClock } from '../../src/observe/system-clock.ts';
import { Place, type Ended } from '../e2e/run-cli.ts';
import { startBroker, withoutKafka, type TestBroker } from './broker.ts';

const OF_KAFKA = ['brokers', 'protocol', 'topic', 'lag', 'round trip'];
const PASSWORD = 'canary-88b1-secret';

type Diagnosis = Ended & { readonly check: (name: string) => CheckResult };

describe('doctor on a broker that is well', { skip: withoutKafka(), timeout: 600_000 }, () => {
  let broker: TestBroker;
  before(async () => {
    broker = await startBroker({ topics: [{ name: 'kept.doctor', partitions: 2 }] });
  });
  after(() => broker.stop());

  test('finds brokers, what they speak, the topic, the lag and the way there and back', async (t) => {
    const { place, words } = placeOn(t, broker.bootstrap, 'sales');
    await place.ok(['produce', ...words, '--events', '50', '--rate', 'max']);
    const first = await diagnose(place, words);
    assert.equal(first.code, 0, first.stdout);
    assert.deepEqual(statuses(first), ['pass', 'pass', 'pass', 'pass', 'pass'], first.stdout);
    assert.match(
      first.check('brokers').found,
      new RegExp(`^${broker.bootstrap} accepts connections, [\\d.]+ ms$`),
    );
    assert.match(
      first.check('protocol').found,
      /^broker 1 at .*, like Apache Kafka 4\.3\nevery request version .* supported:\nProduce 9 of 0–\d+, Fetch 13 of /,
    );
    assert.match(first.check('topic').found, /^sales: 4 partitions, 50 records, id [\da-f-]{36}$/);
    assert.match(
      first.check('lag').found,
      /^no batch yet; 50 events to read\npartition \d: \d+ events, [\d.]+ seconds?/,
    );
    assert.match(
      first.check('round trip').found,
      /^a record went through topic sales\.doctor in [\d.]+ ms: /,
    );
    assert.deepEqual(await topicsOf(broker), ['kept.doctor', 'sales']);

    await place.ok(['run', ...words, '--available-now']);
    assert.equal(
      (await diagnose(place, words)).check('lag').found,
      'query purchase-totals has read everything',
    );
    await place.ok(['produce', ...words, '--events', '7', '--rate', 'max']);
    const behind = (await diagnose(place, words)).check('lag');
    assert.match(behind.found, /^query purchase-totals is 7 events and [\d.]+ seconds? behind\n/);
    const { events, partitions } = behind.details as {
      events: number;
      partitions: { events: number; seconds: number; nextOffset: number; latest: number }[];
    };
    assert.deepEqual([events, partitions.length], [7, 4]);
    assert.ok(partitions.every((each) => each.events === each.latest - each.nextOffset));
    assert.ok(partitions.every((each) => each.events > 0 || each.seconds === 0));
  });

  test('says how to make a topic that is missing, and takes settings by the names of Kafka', async (t) => {
    const { place, words } = placeOn(t, 'nobody.invalid:9092', 'nowhere');
    const settings = ['-X', `kafka.bootstrap.servers=${broker.bootstrap}`, '-X', 'kafka.acks=1'];
    const { code, check } = await diagnose(place, [...words, ...settings]);
    assert.equal(code, 0);
    const { status, hint } = check('topic');
    assert.equal(status, 'warn');
    assert.match(
      hint ?? '',
      /kafka-topics\.sh --bootstrap-server .* --create --topic nowhere --partitions 4/,
    );
    assert.equal(check('lag').found, 'nothing to read: the topic does not exist yet');
    assert.match(check('round trip').found, /to write with acks 1/);
  });

  test('leaves a topic of the round trip alone that was there before', async (t) => {
    const { place, words } = placeOn(t, broker.bootstrap, 'kept');
    assert.equal((await diagnose(place, words)).check('round trip').status, 'pass');
    assert.ok((await topicsOf(broker)).includes('kept.doctor'));
  });

  test('two at once do not take the topic of the round trip away from each other', async (t) => {
    const { place, words } = placeOn(t, broker.bootstrap, 'shared');
    const both = await Promise.all([diagnose(place, words), diagnose(place, words)]);
    for (const { check } of both) assert.equal(check('round trip').status, 'pass', check('round trip').found);
    assert.ok(!(await topicsOf(broker)).includes('shared.doctor'));
  });

  test('ends with what it knows where the broker hangs', async (t) => {
    const { place, words } = placeOn(t, broker.bootstrap, 'sales');
    await broker.kill('SIGSTOP');
    try {
      const ended = await diagnose(place, words);
      assert.equal(ended.code, 1);
      assert.deepEqual(statuses(ended), ['pass', 'fail', 'warn', 'warn', 'warn'], ended.stdout);
      assert.match(ended.check('protocol').hint ?? '', /kafka\.security_protocol/);
      assert.equal(ended.check('lag').found, 'Not checked, because no broker can be used.');
    } finally {
      await broker.kill('SIGCONT');
    }
  });

  test('names who cannot be reached, and why', async (t) => {
    const away = `127.0.0.1:${await freePort()}`;
    const { place, words } = placeOn(t, away, 'sales');
    const ended = await diagnose(place, words);
    assert.equal(ended.code, 1);
    assert.deepEqual(statuses(ended), ['fail', 'warn', 'warn', 'warn', 'warn'], ended.stdout);
    assert.equal(
      ended.check('brokers').found,
      `Apache Kafka cannot be used at the moment.\n${away} cannot be reached: connection refused (ECONNREFUSED)`,
    );
    const one = await diagnose(place, [...words, '--bootstrap-servers', `${away},${broker.bootstrap}`]);
    assert.deepEqual(statuses(one).slice(0, 2), ['warn', 'pass'], one.stdout);
    assert.equal(one.code, 0);
  });
});

describe('doctor on a broker with a login and ACLs', { skip: withoutKafka(), timeout: 600_000 }, () => {
  let broker: TestBroker;
  let closed: string;
  before(async () => {
    const port = await freePort();
    closed = `127.0.0.1:${port}`;
    broker = await startBroker({
      formatWords: ['--add-scram', `SCRAM-SHA-512=[name=till,password=${PASSWORD}]`],
      properties: (ports) => withLogin(ports, port),
      topics: [
        { name: 'shop', partitions: 1 },
        { name: 'made', partitions: 1 },
        { name: 'made.doctor', partitions: 1 },
      ],
    });
    await allow(broker, 'till', ['shop', 'made', 'made.doctor']);
  });
  after(() => broker.stop());

  const login = (password: string) => ({
    TALLYSTREAM_KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT',
    TALLYSTREAM_KAFKA_SASL_USERNAME: 'till',
    TALLYSTREAM_KAFKA_SASL_PASSWORD: password,
  });

  test('uses the topic of the round trip that was made for it, and leaves it there', async (t) => {
    const { place, words } = placeOn(t, closed, 'made', login(PASSWORD));
    const ended = await diagnose(place, words);
    assert.deepEqual(statuses(ended), ['pass', 'pass', 'pass', 'pass', 'pass'], ended.stdout);
    assert.ok((await topicsOf(broker)).includes('made.doctor'));
  });

  test('says what to ask for where this user may not make that topic', async (t) => {
    const { place, words } = placeOn(t, closed, 'shop', login(PASSWORD));
    const { code, check, stdout } = await diagnose(place, words);
    assert.equal(code, 0, stdout);
    assert.equal(check('topic').status, 'pass');
    const { status, found, hint } = check('round trip');
    assert.equal(status, 'warn', stdout);
    assert.match(found, /topic shop\.doctor does not exist and cannot be created: .*AUTHORIZATION_FAILED/);
    assert.match(hint ?? '', /allow this user to read and write it/);
  });

  test('calls a refused password what it is, and shows it nowhere', async (t) => {
    const { place, words } = placeOn(t, closed, 'shop', login(`${PASSWORD}-wrong`));
    const ended = await diagnose(place, words);
    assert.equal(ended.code, 1);
    assert.deepEqual(statuses(ended), ['pass', 'fail', 'warn', 'warn', 'warn'], ended.stdout);
    assert.match(ended.check('protocol').found, /rejected the credentials/);
    assert.match(ended.check('protocol').hint ?? '', /kafka\.sasl_username/);
    assert.ok(!(ended.stdout + ended.stderr).includes(PASSWORD));
  });

  test('points to kafka.security_protocol where the listener expects something else', async (t) => {
    const open = placeOn(t, closed, 'shop');
    const silent = (await diagnose(open.place, open.words)).check('protocol');
    assert.equal(silent.status, 'fail');
    assert.match(silent.hint ?? '', /kafka\.security_protocol/);
    const safe = placeOn(t, broker.bootstrap, 'shop', { TALLYSTREAM_KAFKA_SECURITY_PROTOCOL: 'SSL' });
    const unsafe = (await diagnose(safe.place, safe.words)).check('protocol');
    assert.equal(unsafe.status, 'fail');
    assert.match(`${unsafe.found} ${unsafe.hint ?? ''}`, /TLS connection|security_protocol/);
  });

  test('warns of a password on the command line, and does not show it', async (t) => {
    const { place, words } = placeOn(t, closed, 'shop', login('other'));
    const password = ['-X', `kafka.sasl.password=${PASSWORD}`];
    const { check, stdout, stderr } = await diagnose(place, [...words, ...password]);
    assert.equal(check('protocol').status, 'pass', stdout);
    assert.equal(check('configuration').status, 'warn');
    assert.match(check('configuration').found, /kafka\.sasl\.password is on the command line/);
    assert.ok(!(stdout + stderr).includes(PASSWORD));
  });
});

function placeOn(t: TestContext, servers: string, topic: string, env: Readonly<Record<string, string>> = {}) {
  const place = new Place(env);
  t.after(() => place.remove());
  const words = [
    '--log',
    'kafka',
    '--bootstrap-servers',
    servers,
    '--data-dir',
    place.dataDir,
    '--topic',
    topic,
  ];
  return { place, words };
}

async function diagnose(place: Place, words: readonly string[]): Promise<Diagnosis> {
  const ended = await place.run(['doctor', '--json', ...words]);
  const { checks } = JSON.parse(ended.stdout) as { checks: readonly CheckResult[] };
  const check = (name: string) => {
    const found = checks.find((each) => each.name === name);
    assert.ok(found !== undefined, `there is no check ${name}`);
    return found;
  };
  return { ...ended, check };
}

function statuses({ check }: Diagnosis): string[] {
  return OF_KAFKA.map((name) => check(name).status);
}

async function topicsOf(broker: TestBroker): Promise<string[]> {
  const log = await openKafkaLog({
    bootstrapServers: [broker.bootstrap],
    clock: systemClock,
    clientId: 'test',
  });
  try {
    return (await log.listTopics()).map(({ name }) => name);
  } finally {
    await log.close();
  }
}

/** A second listener asks for a login; on the first one everybody may do everything. */
function withLogin(
  ports: { port: number; controllerPort: number },
  closedPort: number,
): Record<string, string> {
  const open = `PLAINTEXT://127.0.0.1:${ports.port}`;
  const closed = `CLOSED://127.0.0.1:${closedPort}`;
  return {
    listeners: `${open},${closed},CONTROLLER://127.0.0.1:${ports.controllerPort}`,
    'advertised.listeners': `${open},${closed}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,CLOSED:SASL_PLAINTEXT',
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.closed.scram-sha-512.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS',
  };
}

const TOPIC_RESOURCE = 2;
const LITERAL = 3;
const ALLOW = 3;
const READ_WRITE_DESCRIBE = [3, 4, 8];

/** Reading, writing and looking at the topics, and nothing else. */
async function allow(broker: TestBroker, user: string, topics: readonly string[]): Promise<void> {
  const connection = new Connection('test');
  connection.on('error', () => undefined);
  await connection.connect('127.0.0.1', broker.port);
  const creations = topics.flatMap((resourceName) =>
    READ_WRITE_DESCRIBE.map((operation) => ({
      resourceType: TOPIC_RESOURCE,
      resourceName,
      resourcePatternType: LITERAL,
      principal: `User:${user}`,
      host: '*',
      operation,
      permissionType: ALLOW,
    })),
  );
  await createAclsV3.api.async(connection, creations as Parameters<typeof createAclsV3.api.async>[1]);
  await connection.close();
}
