/** What does it take to drain 1,000,000 events from the embedded log, with every check, dedupe and the checkpoint on? */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inWords, publish, runsOf, sizeOf, spreadOf } from './measure.ts';
import { CLI, NODE_FLAGS, runMeasured, type ChildUsage } from './run-measured.ts';

const RUNS = runsOf(5);
const EVENTS = sizeOf('BENCH_EVENTS', 1_000_000);
const PEER = join(import.meta.dirname, 'peers', 'plain-loop.ts');

const folder = mkdtempSync(join(tmpdir(), 'tallystream-bench-'));
try {
  await runMeasured(
    process.execPath,
    [CLI, 'produce', '--events', String(EVENTS), '--rate', 'max', '--seed', '1'],
    folder,
  );
  const query: ChildUsage[] = [];
  const peer: ChildUsage[] = [];
  // A first start strips the types of a checkout's TypeScript, which the published package does not have.
  await runMeasured(process.execPath, [...NODE_FLAGS, CLI, 'run', '--max-batches', '0'], folder);
  for (let run = 0; run < RUNS; run += 1) {
    rmSync(join(folder, 'data', 'checkpoints'), { recursive: true, force: true });
    query.push(await runMeasured(process.execPath, [...NODE_FLAGS, CLI, 'run', '--available-now'], folder));
    peer.push(await runMeasured(process.execPath, [PEER, join(folder, 'data', 'log.db')], folder));
  }
  const rates = (usages: readonly ChildUsage[]) => spreadOf(usages.map(({ wallMs }) => EVENTS / wallMs));
  publish(
    'drain-rate',
    `Drain of ${inWords(EVENTS)} events from the embedded log`,
    '1,000 events/s: min, median, max',
    {
      'peer: read, JSON.parse, float sums, a Set of ids': rates(peer),
      'the query, all checks and the checkpoint': rates(query),
      'ratio query / peer, run by run': spreadOf(
        query.map((usage, run) => (peer[run] as ChildUsage).wallMs / usage.wallMs),
      ),
    },
  );
  const cpu = (usages: readonly ChildUsage[]) => spreadOf(usages.map(({ cpuMs }) => (cpuMs * 1000) / EVENTS));
  publish('drain-cpu', 'CPU time of the same, start included', 's per 1,000,000 events: min, median, max', {
    'peer: read, JSON.parse, float sums, a Set of ids': cpu(peer),
    'the query, all checks and the checkpoint': cpu(query),
  });
  const memory = (usages: readonly ChildUsage[]) => spreadOf(usages.map(({ peakBytes }) => peakBytes / 1e6));
  publish(
    'drain-memory',
    `Largest resident set over ${inWords(EVENTS)} events, all ids remembered`,
    'MB: min, median, max',
    {
      'peer: read, JSON.parse, float sums, a Set of ids': memory(peer),
      'the query, all checks and the checkpoint': memory(query),
    },
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
