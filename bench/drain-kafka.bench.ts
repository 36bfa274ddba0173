/**
 * What does it take to drain 2,000,000 events from Kafka, with every check, dedupe and the checkpoint on, and what do others take?
 *
 * One broker on the same machine, 4 partitions, events as `produce` makes them. Everybody reads the same topic from its start to
 * its end in a process of its own, in turn, so that a slow moment of the machine meets all of them; time runs from the start of
 * the process to its end. Every peer reads, parses, validates and sums by day and category; none of them looks for duplicates.
 * The sums are compared with the query's, to the cent. A peer that was not fetched (`npm run bench-peers`) is left out.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compilerOf, PEER_PATHS, PEERS } from '../scripts/bench/peers.js';
import { findJava, KAFKA_VERSION } from '../scripts/kafka/java.js';
import { startLocal, stopLocal } from '../scripts/kafka/local-broker.js';
import { freePort } from '../scripts/kafka/ports.js';
import { settingsOf } from '../scripts/kafka/settings.js';
import { inWords, publish, runsOf, sizeOf, spreadOf, type Spread } from './measure.ts';
import { CLI, NODE_FLAGS, runMeasured, type ChildUsage } from './run-measured.ts';

const RUNS = runsOf(5);
const EVENTS = sizeOf('BENCH_EVENTS', 2_000_000);
const TOPIC = 'purchasing_events';
const QUERY = 'the query: all checks, dedupe, checkpoint';

interface Reader {
  readonly name: string;
  /** Drains the topic; `run` names a folder that is empty. */
  readonly drain: (run: string) => Promise<ChildUsage>;
}

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
  TALLYSTREAM_LOG_TOPIC: TOPIC,
  TALLYSTREAM_LOG_PARTITIONS: '4',
  TALLYSTREAM_UI_PORT: 'off',
};
try {
  await startLocal(kafka, process.env, () => undefined);
  await tallystream(folder, 'produce', '--events', String(EVENTS), '--rate', 'max', '--seed', '1');
  const expected = await expectedTotal();
  const readers = [{ name: QUERY, drain: drainQuery }, ...peers()];
  const usages = new Map<string, ChildUsage[]>(readers.map(({ name }) => [name, []]));
  for (let run = 0; run < RUNS; run += 1) {
    for (const { name, drain } of readers) {
      const usage = await inFolder(drain);
      if (name !== QUERY) compare(name, usage.stdout, expected);
      usages.get(name)?.push(usage);
    }
  }
  publishAll(usages);
} finally {
  await stopLocal(kafka);
  rmSync(folder, { recursive: true, force: true });
}

function tallystream(cwd: string, ...words: readonly string[]): Promise<ChildUsage> {
  return runMeasured(process.execPath, [...NODE_FLAGS, CLI, ...words], cwd, { env: onKafka });
}

function drainQuery(run: string): Promise<ChildUsage> {
  return tallystream(run, 'run', '--available-now');
}

/** What the query finds, which is every event once. This run also strips the types, which the published package has not. */
async function expectedTotal(): Promise<number> {
  return inFolder(async (run) => {
    await drainQuery(run);
    const { stdout } = await tallystream(run, 'totals', '--json');
    const { runningTotals } = JSON.parse(stdout) as {
      runningTotals: readonly { total: string; transactions: number }[];
    };
    const [totals, ...others] = runningTotals;
    if (totals?.transactions !== EVENTS || others.length > 0) throw new Error(`the query found ${stdout}`);
    return Number(totals.total);
  });
}

async function inFolder<T>(act: (run: string) => Promise<T>): Promise<T> {
  const run = join(folder, 'run');
  mkdirSync(run);
  try {
    return await act(run);
  } finally {
    rmSync(run, { recursive: true, force: true });
  }
}

/** Sums of floats are off by less than a cent. */
function compare(name: string, stdout: string, expected: number): void {
  const { accepted, total } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, number>;
  if (accepted === EVENTS && Math.abs((total ?? NaN) - expected) < 0.01) return;
  throw new Error(`${name} found ${stdout}, not ${EVENTS} events and ${expected}`);
}

function peers(): Reader[] {
  const found: Reader[] = [];
  for (const [kind, { name, isThere }] of Object.entries(PEERS)) {
    if (isThere(process.env)) found.push(...readersOf(kind as keyof typeof PEERS));
    else process.stdout.write(`${name} is left out: it is not here; npm run bench-peers fetches it.\n`);
  }
  return found;
}

function readersOf(kind: keyof typeof PEERS): Reader[] {
  const first = [bootstrap, TOPIC, String(EVENTS)];
  switch (kind) {
    case 'spark': {
      const { python, program, jars } = PEER_PATHS.spark;
      const drain = (run: string) => runMeasured(python, [program, ...first, run, jars], run);
      return [{ name: 'PySpark Structured Streaming', drain }];
    }
    case 'streams': {
      const classPath = compiledStreams();
      const java = findJava(process.env).path;
      return ['exactly_once_v2', 'at_least_once'].map((guarantee) => ({
        name: `Kafka Streams, ${guarantee}`,
        drain: (run) =>
          runMeasured(java, ['-Xmx512m', '-cp', classPath, 'Drain', ...first, run, guarantee], run),
      }));
    }
    case 'kafkajs': {
      const { program, folder: installed } = PEER_PATHS.kafkajs;
      const drain = (run: string) => runMeasured(process.execPath, [program, ...first, installed], run);
      return [{ name: 'KafkaJS and JSON.parse', drain }];
    }
  }
}

/** Gives the class path. */
function compiledStreams(): string {
  const { source, jars } = PEER_PATHS.streams;
  const classes = join(folder, 'classes');
  const libraries = [join(jars, '*'), join(kafka.libs, '*')];
  const words = ['-d', classes, '-cp', libraries.join(':'), source];
  const { status, stderr } = spawnSync(compilerOf(process.env) ?? 'javac', words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`javac: ${stderr}`);
  return [classes, ...libraries].join(':');
}

function publishAll(usages: ReadonlyMap<string, readonly ChildUsage[]>): void {
  const versions = { kafka: KAFKA_VERSION, java: String(findJava(process.env).version) };
  const table = (
    name: string,
    question: string,
    unit: string,
    figure: (usage: ChildUsage, run: number) => number,
  ) => {
    const rows: Record<string, Spread> = {};
    for (const [reader, all] of usages) rows[reader] = spreadOf(all.map(figure));
    publish(`drain-kafka-${name}`, question, `${unit}: min, median, max`, rows, versions);
  };
  const own = usages.get(QUERY) ?? [];
  table(
    'rate',
    `Drain of ${inWords(EVENTS)} events from Kafka, from process start`,
    '1,000 events/s',
    ({ wallMs }) => EVENTS / wallMs,
  );
  table(
    'ratio',
    'The query against each, run by run',
    'times as fast',
    ({ wallMs }, run) => wallMs / (own[run]?.wallMs ?? NaN),
  );
  table(
    'cpu',
    'CPU time of the same, start included',
    's per 1,000,000 events',
    ({ cpuMs }) => (cpuMs * 1000) / EVENTS,
  );
  table('memory', 'Largest resident set of the same', 'MB', ({ peakBytes }) => peakBytes / 1e6);
}
