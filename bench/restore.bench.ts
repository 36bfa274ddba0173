/** How long does a query take to take its state back: 1,000,000 remembered ids, and the totals? */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inWords, publish, runsOf, sizeOf, spreadOf } from './measure.ts';
import { CLI, NODE_FLAGS, runMeasured } from './run-measured.ts';

const RUNS = runsOf(7);
const EVENTS = sizeOf('BENCH_EVENTS', 1_000_000);

const folder = mkdtempSync(join(tmpdir(), 'tallystream-bench-'));
try {
  const run = (dataDir: string, ...words: readonly string[]) =>
    runMeasured(process.execPath, [...NODE_FLAGS, CLI, ...words, '--data-dir', dataDir], folder);
  const runOnce = (dataDir: string) => run(dataDir, 'run', '--available-now');
  await run('full', 'produce', '--events', String(EVENTS), '--rate', 'max', '--seed', '1');
  await runOnce('full');
  await run('empty', 'produce', '--events', '1', '--rate', 'max', '--seed', '1');
  await runOnce('empty');
  const full: number[] = [];
  const empty: number[] = [];
  // Nothing is new in either, so what differs is the state. Taken in turn, for the noise of the machine.
  for (let at = 0; at < RUNS; at += 1) {
    full.push((await runOnce('full')).wallMs);
    empty.push((await runOnce('empty')).wallMs);
  }
  publish('restore', 'A run that finds nothing new, start to end', 'ms: min, median, max', {
    'peer: a checkpoint of 1 event': spreadOf(empty),
    [`a checkpoint of ${inWords(EVENTS)} events, all ids remembered`]: spreadOf(full),
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
