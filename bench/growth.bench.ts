/**
 * What becomes of the drain from the embedded log as things grow: events (1, 2, 4, 8 million, all ids remembered), categories
 * (1, 10, 100 thousand over 1 million events), ids within the dedupe horizon (0.1, 1, 10 million over 11 million events)?
 *
 * The first two run from process start to process end, in turn. For the third, what counts is the last million events, by the
 * commit times in the query's log lines: by then the horizon is full, and as many ids go as come.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeLog } from './make-log.ts';
import { inWords, publish, runsOf, sizeOf, spreadOf, type Spread } from './measure.ts';
import { CLI, NODE_FLAGS, runMeasured, type ChildUsage } from './run-measured.ts';

const RUNS = runsOf(3);
/** A million, but for trials. */
const UNIT = sizeOf('BENCH_EVENTS', 1_000_000);
const REMEMBERED_FOR_EVER = { TALLYSTREAM_QUERY_WATERMARK_DELAY: '30 days' };

const folder = mkdtempSync(join(tmpdir(), 'tallystream-bench-'));
try {
  await growthOfEvents();
  await growthOfCategories();
  await growthOfHorizon();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function growthOfEvents(): Promise<void> {
  const counts = [1, 2, 4, 8].map((times) => times * UNIT);
  for (const events of [1, ...counts]) {
    await makeLog(dataDirOf(`events-${events}`), { events, categories: 6, stepMs: 0.01 });
  }
  const usages = await inTurn([1, ...counts], (events) => drain(`events-${events}`, REMEMBERED_FOR_EVER));
  const rows: Record<string, Spread> = {};
  const ratios: Record<string, Spread> = {};
  const startMs = (run: number) => usages.get(1)?.[run]?.wallMs ?? NaN;
  const rate = (events: number, run: number) => events / (usages.get(events)?.[run]?.wallMs ?? NaN);
  const netRate = (events: number, run: number) =>
    events / ((usages.get(events)?.[run]?.wallMs ?? NaN) - startMs(run));
  for (const events of counts) {
    const overRuns = (figure: (run: number) => number) =>
      spreadOf(Array.from({ length: RUNS }, (_, run) => figure(run)));
    const name = `${inWords(events)} events`;
    rows[name] = overRuns((run) => rate(events, run));
    ratios[name] = overRuns((run) => rate(events, run) / rate(UNIT, run));
    ratios[`${name}, the start taken off`] = overRuns((run) => netRate(events, run) / netRate(UNIT, run));
  }
  publish(
    'growth-events',
    'Drain of more events, all ids remembered',
    '1,000 events/s: min, median, max',
    rows,
  );
  publish(
    'growth-events-ratio',
    `The rate of the same against that of ${inWords(UNIT)} events, run by run`,
    'ratio: min, median, max',
    ratios,
  );
  publishMemory('growth-events-memory', 'Largest resident set of the same', counts, usages, 'events');
  forget(counts.map((events) => `events-${events}`));
}

async function growthOfCategories(): Promise<void> {
  const counts = [1, 10, 100].map((times) => Math.max(1, (times * UNIT) / 1000));
  for (const categories of counts) {
    await makeLog(dataDirOf(`categories-${categories}`), { events: UNIT, categories, stepMs: 0.01 });
  }
  const usages = await inTurn(counts, (categories) => drain(`categories-${categories}`));
  const rows = counts.map((categories) => [
    `${inWords(categories)} categories`,
    spreadOf((usages.get(categories) ?? []).map(({ wallMs }) => UNIT / wallMs)),
  ]);
  publish(
    'growth-categories',
    `Drain of ${inWords(UNIT)} events of more categories`,
    '1,000 events/s: min, median, max',
    Object.fromEntries(rows) as Record<string, Spread>,
  );
  publishMemory('growth-categories-memory', 'Largest resident set of the same', counts, usages, 'categories');
  forget(counts.map((categories) => `categories-${categories}`));
}

async function growthOfHorizon(): Promise<void> {
  const horizons = [0.1, 1, 10].map((times) => times * UNIT);
  // One event a millisecond, so that a delay in milliseconds is a number of ids.
  await makeLog(dataDirOf('horizon'), { events: 11 * UNIT, categories: 6, stepMs: 1 });
  const usages = await inTurn(horizons, (ids) =>
    drain('horizon', {
      TALLYSTREAM_QUERY_WATERMARK_DELAY: `${ids} ms`,
      // The default, but for trials: the last events have to be batches of their own.
      TALLYSTREAM_QUERY_MAX_OFFSETS_PER_TRIGGER: String(UNIT / 2),
      TALLYSTREAM_LOGGING_LEVEL: 'info',
      TALLYSTREAM_LOGGING_FORMAT: 'json',
    }),
  );
  const rows = horizons.map((ids) => [
    `${inWords(ids)} ids`,
    spreadOf((usages.get(ids) ?? []).map(({ stderr }) => rateOfTheLast(UNIT, stderr))),
  ]);
  publish(
    'growth-horizon',
    `The last ${inWords(UNIT)} of ${inWords(11 * UNIT)} events, more ids remembered`,
    '1,000 events/s: min, median, max',
    Object.fromEntries(rows) as Record<string, Spread>,
  );
  publishMemory('growth-horizon-memory', 'Largest resident set of the same', horizons, usages, 'ids');
}

/** Over the last batches that hold so many events or more. */
function rateOfTheLast(events: number, log: string): number {
  const batches = log
    .split('\n')
    .filter((line) => line.startsWith('{') && line.includes('"operation":"batch"'))
    .map(
      (line) => JSON.parse(line) as { readonly time: string; readonly read: number; readonly late: number },
    );
  if (batches.some(({ late }) => late > 0)) throw new Error('events were late');
  let first = batches.length;
  let read = 0;
  while (read < events && first > 1) {
    first -= 1;
    read += batches[first]?.read ?? 0;
  }
  const [before, last] = [batches[first - 1], batches.at(-1)];
  if (before === undefined || last === undefined || read === 0)
    throw new Error('too few batches to tell a rate');
  return read / (Date.parse(last.time) - Date.parse(before.time));
}

async function inTurn(
  sizes: readonly number[],
  drainOf: (size: number) => Promise<ChildUsage>,
): Promise<ReadonlyMap<number, readonly ChildUsage[]>> {
  const usages = new Map<number, ChildUsage[]>(sizes.map((size) => [size, []]));
  for (let run = 0; run < RUNS; run += 1) {
    for (const size of sizes) usages.get(size)?.push(await drainOf(size));
  }
  return usages;
}

function drain(name: string, env: Readonly<Record<string, string>> = {}): Promise<ChildUsage> {
  rmSync(join(dataDirOf(name), 'checkpoints'), { recursive: true, force: true });
  const words = ['run', '--available-now', '--ui-port', 'off', '--data-dir', dataDirOf(name)];
  return runMeasured(process.execPath, [...NODE_FLAGS, CLI, ...words], folder, { env });
}

function publishMemory(
  name: string,
  question: string,
  sizes: readonly number[],
  usages: ReadonlyMap<number, readonly ChildUsage[]>,
  of: string,
): void {
  const rows = sizes.map((size) => [
    `${inWords(size)} ${of}`,
    spreadOf((usages.get(size) ?? []).map(({ peakBytes }) => peakBytes / 1e6)),
  ]);
  publish(name, question, 'MB: min, median, max', Object.fromEntries(rows) as Record<string, Spread>);
}

function dataDirOf(name: string): string {
  return join(folder, name);
}

/** Gigabytes that the next question does not need. */
function forget(names: readonly string[]): void {
  for (const name of names) rmSync(dataDirOf(name), { recursive: true, force: true });
}
