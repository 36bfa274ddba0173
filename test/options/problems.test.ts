import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KEYS } from '../../src/app/config/key-list.ts';
import { configInvalid, describeMismatch, quoteName } from '../../src/options/problems.ts';

function wrong(path: string, text: string): string {
  const key = KEYS.find((each) => each.path === path)!;
  const parsed = key.type.parse(text);
  assert.ok(parsed.kind !== 'value', `${text} is right for ${path}`);
  return describeMismatch(key, text, parsed, key.section === 'kafka');
}

test('a wrong secret is refused without being quoted', () => {
  const key = { ...KEYS[0]!, secret: true as const };
  const message = describeMismatch(key, 'canary7f3a', { kind: 'mismatch' }, true);
  assert.equal(message, 'data_dir must be the path of a folder, but is something else.');
});

test('a place cannot act on the terminal either', () => {
  const { message } = configInvalid([{ where: 'a\u001b[2J.yaml:1:1', what: 'No.' }]);
  assert.equal(message, 'a\\u{1b}[2J.yaml:1:1: No.');
});

describe('a wrong value next to a password', () => {
  test('is quoted where it is near to a right one, beyond a bound, or too short for a secret', () => {
    const quoted: [path: string, text: string, says: RegExp][] = [
      ['kafka.compression', 'snapy', /is "snapy"\. Did you mean snappy\?$/],
      ['kafka.sasl_mechanism', 'scram_sha_512', /is "scram_sha_512"\. Did you mean SCRAM-SHA-512\?$/],
      ['kafka.publish_offsets', 'True', /is "True"\. Did you mean true\?$/],
      ['kafka.request_timeout', '1 second', /from 2 seconds to 10 minutes, but is "1 second"\.$/],
      ['kafka.replication_factor', '0', /is "0"\.$/],
      ['kafka.client_id', '', /is ""\.$/],
    ];
    for (const [path, text, says] of quoted) assert.match(wrong(path, text), says);
  });

  test('is otherwise told by its kind and length, and by what is wrong with it', () => {
    const told: [path: string, text: string, says: RegExp][] = [
      ['kafka.acks', 'blaumeise', /must be one of all, 1, but is a text of 9 characters\.$/],
      ['kafka.request_timeout', '30000', /is a number of 5 digits\. A duration needs its unit/],
      ['kafka.request_timeout', 'blaumeise', /must be a duration .*, but is a text of 9 characters\.$/],
      ['kafka.replication_factor', '71839', /or broker, but is a number of 5 digits\.$/],
      ['kafka.tls_ca_file', '~/ca.pem', /is a text of 8 characters\. Nothing expands ~ here/],
      ['kafka.bootstrap_servers', 'a:1, till:pw@b:2', /is a text of 16 characters\. Entry 2 of 2 is not/],
    ];
    for (const [path, text, says] of told) assert.match(wrong(path, text), says);
  });
});

describe('a wrong value elsewhere', () => {
  test('is quoted', () => {
    for (const [path, text] of [
      ['query.trigger', 'ten seconds'],
      ['query.trigger', '10'],
      ['log.partitions', '100000'],
      ['log.topic', 'orders, from the till of 2025'],
      ['producer.rate', 'fast'],
      ['query.time_zone', 'Mars/Base'],
      ['ui.port', '99999'],
    ] as const)
      assert.ok(wrong(path, text).includes(`is "${text}".`), text);
  });

  test('is not where it looks like a secret', () => {
    for (const text of ['10 seconds sasl_password=x', 'Kanarie77Xkq9', 'https://till:pw@host', 'my password'])
      assert.ok(wrong('query.trigger', text).includes(`is a text of ${text.length} characters.`), text);
  });
});

test('a name is quoted as far as it is one, and not where a program made it', () => {
  assert.equal(quoteName('kafka.group_id'), '"kafka.group_id"');
  assert.equal(quoteName('kafka.sasl_password:hunter2'), '"kafka.sasl_password…"');
  assert.equal(quoteName('x'.repeat(500)), `"${'x'.repeat(60)}…"`);
  assert.equal(quoteName('kafka.Kanarie77Xkq9'), '"…"');
  assert.equal(quoteName('kafka.Kanarie77Xkq9', 'what is near'), '"kafka.Kanarie77Xkq9"');
});
