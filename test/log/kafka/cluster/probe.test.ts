import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { createKafkaProbe, releaseOf, SENT_REQUESTS } from '../../../../src/log/kafka/cluster/probe.ts';
import { systemClock } from '../../../../src/observe/system-clock.ts';
import { freePort } from '../../../../scripts/kafka/ports.js';
import { hasCode } from '../../../contract/log/log-under-test.ts';

const FOLDER = new URL('../../../../src/log/kafka/', import.meta.url);

test('asks for every request that the Kafka log sends, in the version that it sends', () => {
  const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && name !== 'cluster/probe.ts',
  );
  const sources = files.map((name) => readFileSync(new URL(name, FOLDER), 'utf8')).join('\n');
  const called = [...sources.matchAll(/\b([a-z]\w*)V(\d+)\.api\b/g)].map(([, name = '', version = '']) => {
    return `${name.charAt(0).toUpperCase()}${name.slice(1)} ${version}`;
  });
  const written = [...sources.matchAll(/\bkey: (\d+), version: (\d+)\b/g)].map(
    ([, key = '', version = '']) => {
      const name = SENT_REQUESTS.find((each) => each.key === Number(key))?.name ?? `request ${key}`;
      return `${name} ${version}`;
    },
  );
  const sent = [...new Set([...called, ...written])].sort();
  assert.ok(sent.length >= 10, 'the search finds what is sent');
  assert.deepEqual(SENT_REQUESTS.map(({ name, version }) => `${name} ${version}`).sort(), sent);
});

test('tells a release by its metadata version, and none that it does not know', () => {
  const told = [1, 2, 7, 20, 25, 26, 30].map(releaseOf);
  assert.deepEqual(told, ['3.0', '3.1', '3.3', '3.8', '4.0', '4.1', '4.3']);
  assert.deepEqual([undefined, 0, 9_999].map(releaseOf), [null, null, null]);
});

test('reaches who listens, and says of the others why not', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const listening = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const closed = `127.0.0.1:${await freePort()}`;
  const answers = await probeOf([listening, closed, '[::1]:1']).reach();
  assert.deepEqual(
    answers.map(({ server, ms }) => [server, typeof ms]),
    [
      [listening, 'number'],
      [closed, 'object'],
      ['[::1]:1', 'object'],
    ],
  );
  assert.match(String(answers[1]?.fault), /ECONNREFUSED/);
});

test('gives a broker that says nothing up when nobody waits any more, and leaves no connection', async (t) => {
  const server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const silent = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ended = new AbortController();
  const asking = probeOf([silent]).ask([silent], ended.signal);
  const [socket] = (await once(server, 'connection')) as [NodeJS.Socket & NodeJS.EventEmitter];
  const closing = once(socket, 'close');
  ended.abort();
  await assert.rejects(asking, hasCode('LOG_UNAVAILABLE'));
  await closing;
});

function probeOf(bootstrapServers: readonly string[]) {
  const readSecurity = () => Promise.resolve({});
  return createKafkaProbe({
    bootstrapServers,
    clock: systemClock,
    clientId: 'test',
    readSecurity,
    timeoutMs: 60_000,
  });
}
