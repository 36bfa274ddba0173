/**
 * How long from the moment an event is made to the moment its total is durable, at 1,000 and at 20,000 events/s,
 * with the trigger as fast as possible?
 *
 * `produce` and `run` (trigger 0 seconds) are the commands themselves, each in its process, with the flags that the launcher
 * gives; the broker is the one of `start-kafka`, on the same machine, 4 partitions. An event begins at its own timestamp, or
 * at the record's log timestamp where that is earlier: so it waits for its producer's batch, the append,
 * and whatever comes after. It ends at the time in the log line of the batch whose planned range holds its offset: that line
 * is written right after the commit of the checkpoint, and with output topics on after their transaction is decided too: its
 * markers, with which readers see it, may follow. All clocks are the machine's own, in whole milliseconds. Ranges come from
 * the checkpoint, which is read beside the query a few times a second, and timestamps from the topic when all is over; every
 * event after the warm-up counts, and one without a batch is an error. The peer is the same on the embedded log, taken right
 * before. Output topics add a transaction a batch.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KAFKA_VERSION } from '../scripts/kafka/java.js';
import { freePort } from '../scripts/kafka/ports.js';
import { startLocal, stopLocal } from '../scripts/kafka/local-broker.js';
import { settingsOf } from '../scripts/kafka/settings.js';
import { followQuery, type Followed } from './follow-query.ts';
import { inWords, percentilesOf, publish, sizeOf, type Percentiles } from './measure.ts';
import { readEvents } from './read-events.ts';

const RATES = [1_000, 20_000];
const secondsAt = (rate: number) => sizeOf('BENCH_SECONDS', rate > 1_000 ? 30 : 60);
const WARM_UP_SECONDS = 5;
const PARTITIONS = 4;

type Settings = Readonly<Record<string, string>>;

const folder = mkdtempSync(join(tmpdir(), 'tallystream-bench-'));
const port = await freePort();
const kafka = settingsOf(
  { KAFKA_PORT: String(port), KAFKA_DIR: join(folder, 'kafka'), KAFKA_RUNTIME: 'java' },
  folder,
);
const onKafka: Settings = {
  TALLYSTREAM_LOG_TYPE: 'kafka',
  TALLYSTREAM_KAFKA_BOOTSTRAP_SERVERS: `127.0.0.1:${port}`,
};
try {
  await startLocal(kafka, process.env, () => undefined);
  const rows: Record<string, Percentiles> = {};
  for (const rate of RATES) {
    const at = `${inWords(rate)}/s`;
    rows[`${at}, peer: the embedded log`] = await latencyOf(`embedded-${rate}`, rate, {});
    rows[`${at}, Apache Kafka`] = await latencyOf(`kafka-${rate}`, rate, onKafka);
  }
  const outputs = { ...onKafka, TALLYSTREAM_KAFKA_OUTPUT_TOPICS: 'true' };
  rows['1,000/s, Apache Kafka, output topics on'] = await latencyOf('outputs', 1_000, outputs);
  publish(
    'latency',
    `From an event to its durable total, for ${secondsAt(1_000)} s (at 20,000/s ${secondsAt(20_000)} s) after ${WARM_UP_SECONDS} s`,
    'ms: median, p99, p99.9, max',
    rows,
    { kafka: KAFKA_VERSION },
  );
} finally {
  await stopLocal(kafka);
  rmSync(folder, { recursive: true, force: true });
}

/** One run of producer and query on a topic of its own. */
async function latencyOf(name: string, rate: number, settings: Settings): Promise<Percentiles> {
  const env = {
    ...settings,
    TALLYSTREAM_DATA_DIR: join(folder, name),
    TALLYSTREAM_LOG_TOPIC: name,
    TALLYSTREAM_LOG_PARTITIONS: String(PARTITIONS),
    TALLYSTREAM_QUERY_TRIGGER: '0 seconds',
    TALLYSTREAM_LOGGING_LEVEL: 'info',
    TALLYSTREAM_LOGGING_FORMAT: 'json',
    TALLYSTREAM_UI_PORT: 'off',
  };
  const events = rate * (WARM_UP_SECONDS + secondsAt(rate));
  const followed = await followQuery({ env, folder, events, rate });
  return percentilesOf(await latenciesMs(env, followed));
}

async function latenciesMs(env: Settings, { batchOf, committedAtMs }: Followed): Promise<number[]> {
  const events = await readEvents(env, folder);
  const firstMs = events.reduce((first, { beganMs }) => Math.min(first, beganMs), Infinity);
  return events
    .filter(({ beganMs }) => beganMs >= firstMs + WARM_UP_SECONDS * 1000)
    .map(({ partition, offset, beganMs }) => {
      const batchId = batchOf(partition, offset);
      const endedMs = committedAtMs.get(batchId ?? -1);
      if (endedMs === undefined) throw new Error(`no commit of ${partition}:${offset} was seen`);
      return endedMs - beganMs;
    });
}
