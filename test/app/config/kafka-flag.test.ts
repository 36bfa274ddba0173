import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { readKafkaFlags } from '../../../src/app/config/kafka-flag.ts';
import { KAFKA_NAMES, kafkaName } from '../../../src/options/kafka-names.ts';
import { KEYS } from '../../../src/app/config/key-list.ts';
import type { Config } from '../../../src/app/config/keys.ts';
import { loadConfig } from '../../../src/app/config/load.ts';

const CWD = resolve('/shop');

async function load(...kafkaSettings: string[]): Promise<Config> {
  const env = { TALLYSTREAM_PRODUCER_LINGER: '7 ms' };
  return (await loadConfig({ flags: {}, env, kafkaSettings, cwd: CWD, readFile: () => undefined })).config;
}

/** What is wrong with one word, place and sentences. */
function problemOf(word: string): string {
  const { settings, problems } = readKafkaFlags([word]);
  assert.deepEqual([settings.length, problems.length], [0, 1], word);
  return problems.map(({ where, what }) => `${where}: ${what}`).join();
}

describe('the names of Kafka', () => {
  test('set the keys that they stand for, as the values that Kafka writes', async () => {
    const words = {
      'bootstrap.servers': 'a:1,b:2',
      'client.id': 'till-7',
      acks: '-1',
      'compression.type': 'zstd',
      'security.protocol': 'sasl_ssl',
      'sasl.mechanism': 'PLAIN',
      'sasl.username': 'till',
      'sasl.password': 'a=b c',
      'ssl.truststore.location': 'ca.pem',
      'ssl.certificate.location': 'me.pem',
      'ssl.key.location': 'me.key',
      'request.timeout.ms': '3000',
      'socket.connection.setup.timeout.ms': '1500',
      'default.api.timeout.ms': '9000',
      'linger.ms': '50',
      'batch.size': '16384',
      'batch.num.messages': '99',
      retries: '3',
      'delivery.timeout.ms': '30000',
    };
    const { kafka, producer } = await load(...Object.entries(words).map((pair) => `kafka.${pair.join('=')}`));
    assert.deepEqual(kafka.bootstrapServers, ['a:1', 'b:2']);
    const { acks, clientId, compression, securityProtocol, saslMechanism, saslUsername, saslPassword } =
      kafka;
    assert.deepEqual([acks, clientId, compression], ['all', 'till-7', 'zstd']);
    assert.deepEqual([securityProtocol, saslMechanism], ['SASL_SSL', 'PLAIN']);
    assert.deepEqual([saslUsername, saslPassword], ['till', 'a=b c']);
    const { tlsCaFile, tlsCertFile, tlsKeyFile } = kafka;
    const files = ['ca.pem', 'me.pem', 'me.key'].map((name) => resolve(CWD, name));
    assert.deepEqual([tlsCaFile, tlsCertFile, tlsKeyFile], files);
    assert.deepEqual(
      [kafka.requestTimeoutMs, kafka.connectTimeoutMs, kafka.retryTimeoutMs],
      [3000, 1500, 9000],
    );
    assert.deepEqual(
      [producer.lingerMs, producer.batchBytesMax, producer.batchRecordsMax, producer.retries],
      [50, 16_384, 99, 3],
    );
    assert.equal(producer.retryTimeoutMs, 30_000);
  });

  test('of librdkafka set the same keys, and the last of several words wins', async () => {
    const { kafka, producer } = await load(
      'kafka.linger.ms=1',
      'kafka.queue.buffering.max.ms=2',
      'kafka.compression.codec=lz4',
      'kafka.metadata.broker.list=z:9',
      'kafka.acks=1',
      'kafka.enable.idempotence=true',
    );
    assert.deepEqual([producer.lingerMs, kafka.compression, kafka.acks], [2, 'lz4', 'all']);
    assert.deepEqual(kafka.bootstrapServers, ['z:9']);
  });

  test('stand for keys that there are, and refuse in whole sentences with what to use instead', () => {
    for (const name of KAFKA_NAMES) {
      const known = kafkaName(name);
      assert.ok(known !== undefined);
      if (known.path !== null)
        assert.ok(
          KEYS.some(({ path }) => path === known.path),
          `${name}: ${known.path}`,
        );
      const reading = known.read('\u0000');
      if (reading.kind === 'refused' || reading.kind === 'never') {
        assert.match(reading.why, /^[A-Z].*\.$/, name);
        assert.match(reading.why, /\b([Uu]se|Remove this setting|without a unit|exports)\b/, name);
      }
    }
    assert.equal(kafkaName('constructor'), undefined);
  });

  test('that would break what a query promises are refused by name', () => {
    const refused: [word: string, says: RegExp][] = [
      ['kafka.group.id=mine', /cannot be set\. .*checkpoint.* Use query\.name/],
      ['kafka.transactional.id=mine', /cannot be set\. .* Use query\.name/],
      ['kafka.enable.auto.commit=false', /cannot be set\. .*kafka\.publish_offsets/],
      ['kafka.auto.offset.reset=earliest', /cannot be set\. .*query\.fail_on_data_loss/],
      [
        'kafka.isolation.level=read_uncommitted',
        /cannot have this value\. .*a query always uses read_committed/,
      ],
      ['kafka.enable.idempotence=false', /cannot have this value\. .*Use acks=1/],
      ['kafka.acks=0', /cannot have this value\. .*Use all, or 1\.$/],
      ['kafka.ssl.endpoint.identification.algorithm=', /always verified/],
      ['kafka.ssl.truststore.location=/etc/trust.jks', /PEM/],
      ['kafka.linger.ms=5 ms', /whole number of milliseconds/],
    ];
    for (const [word, says] of refused) {
      assert.match(problemOf(word), says, word);
      assert.ok(problemOf(word).startsWith(`-X ${word.slice(0, word.indexOf('='))}: `), word);
    }
    assert.deepEqual(readKafkaFlags(['kafka.isolation.level=read_committed']), {
      settings: [],
      problems: [],
    });
  });

  test('that nobody knows are refused with the one that was likely meant', () => {
    const meant: [word: string, says: RegExp][] = [
      [
        'kafka.ack=all',
        /^-X kafka\.ack: There is no setting "kafka\.ack" of Kafka here\. Did you mean kafka\.acks\?$/,
      ],
      ['kafka.linger_ms=5', /Did you mean kafka\.linger\.ms\?$/],
      ['kafka.bootstrap_servers=a:1', /Did you mean kafka\.bootstrap\.servers\?$/],
      ['acks=all', /^-X acks: The prefix kafka\. is missing\. Did you mean kafka\.acks\?$/],
      ['kafka.zzzzzzzz=1', /There is no setting "kafka\.zzzzzzzz" of Kafka here\.$/],
      ['kafka.acks', /^-X: Write a setting as kafka\.NAME=VALUE/],
      ['', /^-X: Write a setting as/],
    ];
    for (const [word, says] of meant) assert.match(problemOf(word), says, word);
  });
});

test('a value that its key does not take is refused under the name that was typed', async () => {
  await assert.rejects(
    load('kafka.acks=2'),
    /^TallystreamError: -X kafka\.acks: kafka\.acks must be one of all, 1, but is "2"\.$/,
  );
  await assert.rejects(
    load('kafka.linger.ms=99999999'),
    /-X kafka\.linger\.ms: producer\.linger must be a duration/,
  );
});

test('no value is repeated by a message that does not know it for no secret', () => {
  const words = [
    'kafka.sasl.passwrod=canary',
    'sasl.password=canary',
    'kafka.ssl.key.password=canary',
    'kafka.ssl.keystore.key=canary',
    'kafka.sasl.jaas.config=password="canary";',
    'kafka.sasl.password:canary',
    'canary',
    'kafka.isolation.level=canary',
  ];
  for (const word of words) assert.ok(!problemOf(word).includes('canary'), word);
});
