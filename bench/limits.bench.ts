/**
 * How many bytes a second does this machine move where nothing is done with them: copied in memory, through a socket of the
 * loopback interface, and from a Kafka broker through such sockets? These are the limits that the drains stand beside.
 *
 * The socket's other end is a thread of its own. The broker's topic holds 1,000,000 events as `produce` makes them, in 4
 * partitions, each fetched over a connection of its own; of what comes, only the heads of record batches are looked at.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { KAFKA_VERSION } from '../scripts/kafka/java.js';
import { startLocal, stopLocal } from '../scripts/kafka/local-broker.js';
import { freePort } from '../scripts/kafka/ports.js';
import { settingsOf } from '../scripts/kafka/settings.js';
import { inWords, publish, runsOf, sizeOf, spreadOf } from './measure.ts';
import { rawFetch } from './raw-fetch.ts';
import { CLI, NODE_FLAGS, runMeasured } from './run-measured.ts';

const RUNS = runsOf(7);
const EVENTS = sizeOf('BENCH_EVENTS', 1_000_000);
const TOPIC = 'purchasing_events';
const PARTITIONS = [0, 1, 2, 3];
/** Beyond what caches hold. */
const COPY_BYTES = 64 * 1024 * 1024;
const COPIES = 16;
const SENT_BYTES = 512 * 1024 * 1024;
const SEND_BYTES = 256 * 1024;
const READ_BYTES = 1024 * 1024;

const source = Buffer.alloc(isMainThread ? COPY_BYTES : 0, 'x');
const target = Buffer.alloc(source.length, 'y');

if (isMainThread) await measure();
else serve();

async function measure(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-bench-'));
  const port = await freePort();
  const kafka = settingsOf(
    { KAFKA_PORT: String(port), KAFKA_DIR: join(folder, 'kafka'), KAFKA_RUNTIME: 'java' },
    folder,
  );
  const sender = new Worker(import.meta.filename);
  try {
    const senderPort = await new Promise<number>((resolve) => sender.once('message', resolve));
    await startLocal(kafka, process.env, () => undefined);
    await produce(folder, port);
    const rates: Record<'copy' | 'socket' | 'broker' | 'events', number[]> = {
      copy: [],
      socket: [],
      broker: [],
      events: [],
    };
    for (let run = 0; run < RUNS; run += 1) {
      rates.copy.push(megabytesPerSecond(...copy()));
      rates.socket.push(megabytesPerSecond(...(await timed(() => receive(senderPort)))));
      const [bytes, ms] = await timed(() => fetchAll(port));
      rates.broker.push(megabytesPerSecond(bytes, ms));
      rates.events.push(EVENTS / ms);
    }
    const versions = { kafka: KAFKA_VERSION };
    publish('limits', 'Bytes with which nothing is done, one process', 'MB/s: min, median, max', {
      'copied in memory': spreadOf(rates.copy),
      'through a loopback socket': spreadOf(rates.socket),
      'fetched from the broker': spreadOf(rates.broker),
    });
    publish(
      'limits-events',
      `${inWords(EVENTS)} events fetched from the broker, and nothing done with them`,
      '1,000 events/s: min, median, max',
      { 'fetched from the broker': spreadOf(rates.events) },
      versions,
    );
  } finally {
    await sender.terminate();
    await stopLocal(kafka);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function produce(folder: string, port: number): Promise<void> {
  const env = {
    TALLYSTREAM_LOG_TYPE: 'kafka',
    TALLYSTREAM_KAFKA_BOOTSTRAP_SERVERS: `127.0.0.1:${port}`,
    TALLYSTREAM_LOG_TOPIC: TOPIC,
    TALLYSTREAM_LOG_PARTITIONS: String(PARTITIONS.length),
  };
  const words = ['produce', '--events', String(EVENTS), '--rate', 'max', '--seed', '1'];
  await runMeasured(process.execPath, [...NODE_FLAGS, CLI, ...words], folder, { env });
}

function megabytesPerSecond(bytes: number, ms: number): number {
  return bytes / 1000 / ms;
}

async function timed(act: () => Promise<number>): Promise<readonly [bytes: number, ms: number]> {
  const from = performance.now();
  const bytes = await act();
  return [bytes, performance.now() - from];
}

function copy(): readonly [bytes: number, ms: number] {
  const from = performance.now();
  for (let time = 0; time < COPIES; time += 1) source.copy(target);
  return [COPIES * COPY_BYTES, performance.now() - from];
}

async function fetchAll(port: number): Promise<number> {
  const bytes = await Promise.all(PARTITIONS.map((partition) => rawFetch(port, TOPIC, partition)));
  return bytes.reduce((sum, count) => sum + count, 0);
}

function receive(port: number): Promise<number> {
  let received = 0;
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      onread: {
        buffer: Buffer.allocUnsafe(READ_BYTES),
        callback: (count) => {
          received += count;
          return true;
        },
      },
    });
    socket.on('error', reject);
    socket.on('end', () => resolve(received));
  });
}

/** Sends as much to everybody who connects. */
function serve(): void {
  const block = Buffer.alloc(SEND_BYTES, 'x');
  const server = createServer((socket) => {
    let sent = 0;
    const send = (): void => {
      while (sent < SENT_BYTES) {
        sent += block.length;
        if (!socket.write(block)) return;
      }
      socket.end();
    };
    socket.on('drain', send);
    send();
  });
  server.listen(0, '127.0.0.1', () => parentPort?.postMessage((server.address() as AddressInfo).port, []));
}
