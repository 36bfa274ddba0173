/**
 * How fast does `produce` make events and write them, to Kafka (acks all, idempotent) and to the embedded log? The peer is the
 * load generator of Kafka's own tools, which sends one fixed text of the same size and makes nothing.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { classPathOf, findJava, KAFKA_VERSION } from '../scripts/kafka/java.js';
import { startLocal, stopLocal } from '../scripts/kafka/local-broker.js';
import { freePort } from '../scripts/kafka/ports.js';
import { settingsOf } from '../scripts/kafka/settings.js';
import { makeTopics } from '../scripts/kafka/topics.js';
import { inWords, publish, runsOf, sizeOf, spreadOf, type Spread } from './measure.ts';
import { CLI, NODE_FLAGS, runMeasured, type ChildUsage } from './run-measured.ts';

const RUNS = runsOf(5);
const EVENTS = sizeOf('BENCH_EVENTS', 1_000_000);
const PARTITIONS = 4;
/** As long as an event and its key. */
const RECORD_BYTES = 500;

const folder = mkdtempSync(join(tmpdir(), 'tallystream-bench-'));
const port = await freePort();
const bootstrap = `127.0.0.1:${port}`;
const kafka = settingsOf(
  { KAFKA_PORT: String(port), KAFKA_DIR: join(folder, 'kafka'), KAFKA_RUNTIME: 'java' },
  folder,
);
const onKafka = {
  TALLYSTREAM_LOG_TYPE: 'kafka',
  TALLYSTREAM_KAFKA_BOOTSTRAP_SERVERS: bootstrap,
};
/** Each writes a topic that is named after its run. */
const producers: Readonly<Record<string, (topic: string) => Promise<ChildUsage>>> = {
  "peer: Kafka's ProducerPerformance": perfTest,
  'produce, Apache Kafka': (topic) => produce(topic, onKafka),
  'produce, the embedded log': (topic) => produce(topic, {}),
};
try {
  await startLocal(kafka, process.env, () => undefined);
  const usages = new Map<string, ChildUsage[]>(Object.keys(producers).map((name) => [name, []]));
  for (let run = 0; run < RUNS; run += 1) {
    for (const [index, [name, start]] of Object.entries(producers).entries()) {
      usages.get(name)?.push(await start(`events-${run}-${index}`));
    }
  }
  publishAll(usages);
} finally {
  await stopLocal(kafka);
  rmSync(folder, { recursive: true, force: true });
}

function produce(topic: string, settings: Readonly<Record<string, string>>): Promise<ChildUsage> {
  const env = {
    ...settings,
    TALLYSTREAM_LOG_TOPIC: topic,
    TALLYSTREAM_LOG_PARTITIONS: String(PARTITIONS),
    TALLYSTREAM_DATA_DIR: join(folder, 'data', topic),
  };
  const words = ['produce', '--events', String(EVENTS), '--rate', 'max', '--seed', '1'];
  return runMeasured(process.execPath, [...NODE_FLAGS, CLI, ...words], folder, { env });
}

async function perfTest(topic: string): Promise<ChildUsage> {
  await makeTopics(port, [{ name: topic, partitions: PARTITIONS }]);
  const settings = ['acks=all', 'enable.idempotence=true', `bootstrap.servers=${bootstrap}`];
  const amounts = [
    '--num-records',
    String(EVENTS),
    '--record-size',
    String(RECORD_BYTES),
    '--throughput',
    '-1',
  ];
  const words = ['--topic', topic, ...amounts, '--command-property', ...settings];
  const program = ['-cp', classPathOf(kafka.libs), 'org.apache.kafka.tools.ProducerPerformance'];
  return runMeasured(findJava(process.env).path, [...program, ...words], folder);
}

function publishAll(usages: ReadonlyMap<string, readonly ChildUsage[]>): void {
  const table = (name: string, question: string, unit: string, figure: (usage: ChildUsage) => number) => {
    const rows: Record<string, Spread> = {};
    for (const [producer, all] of usages) rows[producer] = spreadOf(all.map(figure));
    publish(`producer-${name}`, question, `${unit}: min, median, max`, rows, { kafka: KAFKA_VERSION });
  };
  const written = `${inWords(EVENTS)} events written, from process start`;
  table('rate', written, '1,000 events/s', ({ wallMs }) => EVENTS / wallMs);
  table(
    'cpu',
    'CPU time of the same, start included',
    's per 1,000,000 events',
    ({ cpuMs }) => (cpuMs * 1000) / EVENTS,
  );
}
