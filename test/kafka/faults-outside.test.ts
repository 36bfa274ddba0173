/** What is named as a broker and is none: each ends `run` and `produce` in bounded time, with words about it meanwhile. */
import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { freePort } from '../../scripts/kafka/ports.js';
import { placeOn } from './purchases.ts';

const CONNECT_TIMEOUT_MS = 4_000;
/** A start, the time-out, and a machine that has other things to do; still less than a call waits that has no such time-out. */
const END_MS_MAX = 100_000;

interface Outside {
  readonly is: string;
  /** What to name as the broker. */
  readonly open: (t: TestContext) => Promise<string>;
  readonly says: RegExp;
}

const OUTSIDES: readonly Outside[] = [
  {
    is: 'a port that nobody listens on',
    open: async () => `127.0.0.1:${await freePort()}`,
    says: /ECONNREFUSED/,
  },
  {
    is: 'a name that does not resolve',
    open: () => Promise.resolve('no-such-broker.invalid:9092'),
    says: /no-such-broker\.invalid|timed out/,
  },
  {
    is: 'a port that takes connections and never answers',
    open: (t) =>
      listen(
        t,
        createServer((socket) => socket.on('error', () => undefined).resume()),
      ),
    says: /timed out/,
  },
  {
    is: 'a port that ends every connection',
    open: (t) =>
      listen(
        t,
        createServer((socket) => socket.on('error', () => undefined).once('data', () => socket.end())),
      ),
    says: /closed/i,
  },
  {
    is: 'a web server',
    open: (t) => listen(t, createHttpServer()),
    says: /is not Apache Kafka; it answers \\?"HTTP\/1\.1 400 Bad Request/,
  },
  {
    is: 'a server that greets',
    open: (t) =>
      listen(
        t,
        createServer((socket) =>
          socket
            .on('error', () => undefined)
            .resume()
            .write('SSH-2.0-none\r\n'),
        ),
      ),
    says: /is not Apache Kafka; it answers \\?"SSH-2\.0-none/,
  },
];

describe('in the place of a broker', { timeout: 600_000, concurrency: 3 }, () => {
  for (const { is, open, says } of OUTSIDES) {
    test(`${is} is exit code 4 after a bounded time, and is named meanwhile`, async (t) => {
      const bootstrap = await open(t);
      const startedAtMs = performance.now();
      const ends = [
        ['run', '--available-now'],
        ['produce', '--events', '1'],
      ].map(async (command) => {
        const { place, words } = placeOn(t, bootstrap, 'nowhere');
        const env = { TALLYSTREAM_KAFKA_CONNECT_TIMEOUT: `${CONNECT_TIMEOUT_MS} ms` };
        return place.run([...command, ...words], { env });
      });
      for (const { code, stderr } of await Promise.all(ends)) {
        assert.equal(code, 4, stderr);
        assert.match(
          stderr,
          /Apache Kafka (?:has been unavailable|has not responded) for \d+ s \(giving up after 4 s\)/,
        );
        assert.match(stderr, says);
        assert.match(stderr, /LOG_UNAVAILABLE/);
      }
      const tookMs = performance.now() - startedAtMs;
      assert.ok(tookMs < END_MS_MAX, `it took ${tookMs} ms`);
    });
  }
});

async function listen(t: TestContext, server: Server): Promise<string> {
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
