/** `run` and `produce` side by side, and which batch committed which offsets when. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLog, systemClock } from '../src/app/compose.ts';
import type { Config } from '../src/app/config/keys.ts';
import { loadConfig } from '../src/app/config/load.ts';
import type { BatchPlan, PlannedRange } from '../src/contracts/batch.ts';
import { CLI, cleanEnvironment, NODE_FLAGS } from './run-measured.ts';

/** The checkpoint keeps the plans of 100 batches, and those take longer than this: each is made durable. */
const LOOK_EVERY_MS = 40;
/** After the producer has ended. */
const CATCH_UP_MS_MAX = 30_000;

export interface Followed {
  readonly batchOf: (partition: number, offset: number) => number | undefined;
  /** By batch id, epoch milliseconds. */
  readonly committedAtMs: ReadonlyMap<number, number>;
}

export interface Following {
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly events: number;
  readonly rate: number;
}

/** On Kafka a query does not make its topic. */
async function createTopic(config: Config): Promise<void> {
  const log = await openLog(config, systemClock);
  await log.createTopic(config.log.topic, { partitions: config.log.partitions });
  await log.close();
}

/** Runs both until every event is committed. */
export async function followQuery({ env, folder, events, rate }: Following): Promise<Followed> {
  const { config } = await loadConfig({ flags: {}, env, cwd: folder });
  if (config.log.type === 'kafka') await createTopic(config);
  const start = (words: readonly string[]) =>
    spawn(process.execPath, [...NODE_FLAGS, CLI, ...words], {
      cwd: folder,
      env: { ...cleanEnvironment(), ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  const query = start(['run']);
  const said = textOf(query);
  const plans = new CommittedPlans(join(config.query.checkpointLocation, 'checkpoint.db'));
  let producer: ChildProcess | undefined;
  try {
    await until(
      () => plans.isThere,
      CATCH_UP_MS_MAX,
      () => `the query did not start: ${said()}`,
    );
    producer = start(['produce', '--rate', String(rate), '--events', String(events)]);
    const producerSaid = textOf(producer);
    const produced = new Promise<number | null>((resolve) => producer?.on('exit', resolve));
    let ended: { readonly code: number | null } | undefined;
    void produced.then((code) => (ended = { code }));
    await until(
      () => {
        plans.look();
        return ended !== undefined;
      },
      (events / rate) * 1000 + CATCH_UP_MS_MAX,
      () => `the producer did not end: ${producerSaid()}`,
    );
    if (ended?.code !== 0) throw new Error(`the producer failed: ${producerSaid()}`);
    await until(
      () => plans.look() >= events,
      CATCH_UP_MS_MAX,
      () => `the query has not read everything: ${said().slice(-2000)}`,
    );
  } finally {
    plans.close();
    producer?.kill('SIGKILL');
    await end(query);
  }
  return { batchOf: plans.batchOf(), committedAtMs: commitTimes(said()) };
}

async function until(is: () => boolean, timeoutMs: number, why: () => string): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!is()) {
    if (performance.now() > endMs) throw new Error(why());
    await sleep(LOOK_EVERY_MS);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.on('close', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), CATCH_UP_MS_MAX);
  await ended;
  clearTimeout(timer);
}

function textOf(child: ChildProcess): () => string {
  const blocks: Buffer[] = [];
  child.stderr?.on('data', (block: Buffer) => blocks.push(block));
  return () => Buffer.concat(blocks).toString('utf8');
}

/** When each batch was committed, by the log lines of the query. */
function commitTimes(log: string): Map<number, number> {
  const times = new Map<number, number>();
  for (const line of log.split('\n').filter((text) => text.startsWith('{'))) {
    const { operation, batchId, time } = JSON.parse(line) as Record<string, unknown>;
    if (operation === 'batch') times.set(batchId as number, Date.parse(time as string));
  }
  return times;
}

/** The ranges of committed batches, taken from a checkpoint that is in use before it forgets them. */
class CommittedPlans {
  private readonly path: string;
  private readonly ranges = new Map<number, (PlannedRange & { readonly batchId: number })[]>();
  private database: DatabaseSync | undefined;
  private lastBatchId = -1;
  private events = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** Whether the query has made its checkpoint, with all its tables. */
  get isThere(): boolean {
    if (!existsSync(this.path)) return false;
    const database = new DatabaseSync(this.path, { readOnly: true, timeout: 5_000 });
    try {
      return database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'commits'").get() !== undefined;
    } finally {
      database.close();
    }
  }

  /** Takes what is new; gives how many events are committed by now. */
  look(): number {
    this.database ??= new DatabaseSync(this.path, { readOnly: true, timeout: 5_000 });
    const rows = this.database
      .prepare(
        'SELECT plans.batch_id AS batchId, plan FROM plans JOIN commits USING (batch_id) WHERE batch_id > ? ORDER BY batch_id',
      )
      .all(this.lastBatchId) as { batchId: number; plan: string }[];
    for (const { batchId, plan } of rows) {
      if (batchId !== this.lastBatchId + 1)
        throw new Error(`batch ${this.lastBatchId + 1} was forgotten unseen`);
      this.lastBatchId = batchId;
      for (const range of (JSON.parse(plan) as Pick<BatchPlan, 'ranges'>).ranges) {
        this.events += range.end - range.start;
        const known = this.ranges.get(range.partition) ?? [];
        this.ranges.set(range.partition, [...known, { ...range, batchId }]);
      }
    }
    return this.events;
  }

  batchOf(): (partition: number, offset: number) => number | undefined {
    const { ranges } = this;
    return (partition, offset) => {
      const ofPartition = ranges.get(partition) ?? [];
      // Ranges of a partition lie end to end, in order of their batches.
      let [low, high] = [0, ofPartition.length - 1];
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((ofPartition[middle]?.end ?? 0) > offset) high = middle;
        else low = middle + 1;
      }
      const found = ofPartition[low];
      return found !== undefined && found.start <= offset && offset < found.end ? found.batchId : undefined;
    };
  }

  close(): void {
    this.database?.close();
  }
}
