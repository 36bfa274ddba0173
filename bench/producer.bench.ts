/**
 * How many events a second does the producer bring to Apache Kafka, acks all and idempotent, with the broker on the same
 * machine, and what CPU time does an event cost?
 *
 * Ours generates its events, puts them into batches and waits for every acknowledgement, in this process. The peer is the
 * Producer of @platformatic/kafka: the same events, but made before the clock starts, in arrays of 2,000 messages, five of
 * them under way. Runs alternate, each on a topic of its own with 4 partitions; CPU time is that of this process.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Producer } from '@platformatic/kafka';
import { createEventClock } from '../src/producer/event-clock.ts';
import { deliver } from '../src/producer/deliver.ts';
import { createRandom } from '../src/producer/random.ts';
import { createGeneratedSource } from '../src/producer/source.ts';
import { UNPACED } from '../src/producer/token-bucket.ts';
import { createPurchaseGenerator } from '../src/purchases/generator.ts';
import { openKafkaLog } from '../src/log/kafka.ts';
import { systemClock } from '../src/observe/system-clock.ts';
import { KafkaFault } from '../scripts/kafka/fault.js';
import { startLocal, stopLocal } from '../scripts/kafka/local-broker.js';
import { freePort } from '../scripts/kafka/ports.js';
import { settingsOf } from '../scripts/kafka/settings.js';
import { publish, spreadOf } from './measure.ts';

const RUNS = Number(process.env['BENCH_RUNS'] ?? 5);
const EVENTS = Number(process.env['BENCH_EVENTS'] ?? 1_000_000);
const PARTITIONS = 4;
const MESSAGES_PER_SEND = 2_000;
const SENDS_UNDER_WAY = 5;

interface Usage {
  readonly wallMs: number;
  readonly cpuMs: number;
}

const folder = mkdtempSync(join(tmpdir(), 'tallystream-bench-'));
const port = await freePort();
const kafka = settingsOf({ KAFKA_PORT: String(port), KAFKA_RUNTIME: 'java' }, process.cwd());
const settings = { ...kafka, folder: join(folder, 'kafka') };
const bootstrap = `127.0.0.1:${port}`;
try {
  await startLocal(settings, process.env, () => undefined);
  const log = await openKafkaLog({ bootstrapServers: [bootstrap], clock: systemClock, clientId: 'bench' });
  const topic = async (name: string): Promise<string> => {
    await log.createTopic(name, { partitions: PARTITIONS });
    return name;
  };
  const ours: Usage[] = [];
  const peer: Usage[] = [];
  // The first run of each warms this process and the broker up, and does not count.
  for (let run = 0; run <= RUNS; run += 1) {
    const oursRun = await produce(await topic(`ours-${run}`));
    const peerRun = await send(await topic(`peer-${run}`));
    for (const name of [`ours-${run}`, `peer-${run}`]) await log.deleteTopic(name);
    if (run === 0) continue;
    ours.push(oursRun);
    peer.push(peerRun);
  }
  await log.close();
  const rates = (usages: readonly Usage[]) => spreadOf(usages.map(({ wallMs }) => EVENTS / wallMs));
  publish('producer-rate', `Producing ${EVENTS} events to Apache Kafka`, '1,000 events/s: min, median, max', {
    'peer: @platformatic/kafka, ready values': rates(peer),
    'the producer, its generator included': rates(ours),
    'ratio producer / peer, run by run': spreadOf(
      ours.map((usage, run) => (peer[run] as Usage).wallMs / usage.wallMs),
    ),
  });
  const cpu = (usages: readonly Usage[]) => spreadOf(usages.map(({ cpuMs }) => (cpuMs * 1000) / EVENTS));
  publish('producer-cpu', 'CPU time of the same', 'µs per event: min, median, max', {
    'peer: @platformatic/kafka, ready values': cpu(peer),
    'the producer, its generator included': cpu(ours),
  });
} catch (error) {
  if (!(error instanceof KafkaFault)) throw error;
  process.stderr.write(`No Kafka here, so nothing was measured: ${error.what}\n`);
  process.exitCode = 1;
} finally {
  await stopLocal(settings);
  rmSync(folder, { recursive: true, force: true });
}

async function measured(act: () => Promise<unknown>): Promise<Usage> {
  const from = performance.now();
  const before = process.cpuUsage();
  await act();
  const { user, system } = process.cpuUsage(before);
  return { wallMs: performance.now() - from, cpuMs: (user + system) / 1000 };
}

/** A producer of its own each time, as the command has it. */
async function produce(topic: string): Promise<Usage> {
  const log = await openKafkaLog({ bootstrapServers: [bootstrap], clock: systemClock, clientId: 'bench' });
  const generator = createPurchaseGenerator({ seed: 1 });
  const calm = new AbortController().signal;
  const usage = await measured(() =>
    deliver({
      log,
      topic,
      source: createGeneratedSource(
        (block, timestampMs) => generator.write(block, timestampMs),
        createEventClock({ clock: systemClock }),
      ),
      pace: UNPACED,
      clock: systemClock,
      random: createRandom(1),
      recordsMax: EVENTS,
      stop: calm,
      abort: calm,
    }),
  );
  await log.close();
  return usage;
}

async function send(topic: string): Promise<Usage> {
  const generator = createPurchaseGenerator({ seed: 1 });
  const messages = Array.from({ length: EVENTS }, () => {
    const { key, value } = generator.next(Date.now());
    return { topic, key: asBuffer(key), value: asBuffer(value) };
  });
  const producer = new Producer({
    clientId: 'bench-peer',
    bootstrapBrokers: [bootstrap],
    idempotent: true,
  });
  const usage = await measured(async () => {
    const underWay: Promise<unknown>[] = [];
    for (let from = 0; from < EVENTS; from += MESSAGES_PER_SEND) {
      if (underWay.length === SENDS_UNDER_WAY) await underWay.shift();
      underWay.push(producer.send({ messages: messages.slice(from, from + MESSAGES_PER_SEND), acks: -1 }));
    }
    await Promise.all(underWay);
  });
  await producer.close();
  return usage;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
