import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../../src/app/config/load.ts';
import { readKafkaOptions, withAbsoluteFiles } from '../../src/options/kafka-settings.ts';

const CWD = resolve('/shop');

test('options have the same defaults and the same meaning as the configuration', async () => {
  const options = {
    'kafka.bootstrap.servers': 'a:1,b:2',
    'kafka.acks': '-1',
    'kafka.security.protocol': 'sasl_ssl',
    'kafka.sasl.username': 'till',
    'kafka.ssl.ca.location': 'ca.pem',
    'kafka.request.timeout.ms': '3000',
    'kafka.linger.ms': '5',
    'kafka.isolation.level': 'read_committed',
  };
  const both: readonly Readonly<Record<string, string>>[] = [{}, options];
  for (const given of both) {
    const kafkaSettings = Object.entries(given).map(([name, value]) => `${name}=${value}`);
    const { config } = await loadConfig({
      flags: {},
      env: {},
      kafkaSettings,
      cwd: CWD,
      readFile: () => undefined,
    });
    assert.deepEqual(withAbsoluteFiles(readKafkaOptions(given), CWD), config.kafka);
  }
});

test('what Kafka has no name for is set under the name that messages use', () => {
  const kafka = readKafkaOptions({
    'kafka.sasl_token_file': 'token',
    'kafka.sasl_password_file': 'password',
    'kafka.allow_plaintext_password': 'true',
  });
  assert.deepEqual(
    [kafka.saslTokenFile, kafka.saslPasswordFile, kafka.allowPlaintextPassword],
    ['token', 'password', true],
  );
});

test('everything that is wrong is said at once, by the names of the options and without secrets', () => {
  const secret = 'Kanarie77Xkq9';
  assert.throws(
    () =>
      readKafkaOptions({
        'kafka.compression.type': 'zip',
        'kafka.bootstrap.sever': 'x',
        'kafka.group.id': 'x',
        'kafka.request.timeout.ms': secret,
        'kafka.linger.ms': '999999999',
      }),
    (error: Error) => {
      assert.match(error.message, /^The options have 5 problems:/);
      for (const says of [
        /option kafka\.compression\.type: kafka\.compression\.type must be one of .*, but is "zip"/,
        /Did you mean kafka\.bootstrap\.servers\?/,
        /kafka\.group\.id cannot be set\./,
        /kafka\.request\.timeout\.ms cannot have this value\. It is a whole number of milliseconds/,
        /option kafka\.linger\.ms: kafka\.linger\.ms must be a duration/,
      ])
        assert.match(error.message, says);
      assert.ok(!error.message.includes(secret));
      return true;
    },
  );
});
