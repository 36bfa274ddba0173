/** What the benchmarks share: their sizes, the spread of figures, what machine it was, and the committed result. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';

/** Environment variables that make a run smaller, to try something; what such a run finds is no result. */
const TRIAL = ['BENCH_EVENTS', 'BENCH_RUNS', 'BENCH_SECONDS'] as const;

/** The number of an environment variable, where it is set. */
export function sizeOf(name: (typeof TRIAL)[number], byDefault: number): number {
  const size = Number(process.env[name] ?? byDefault);
  if (Number.isInteger(size) && size > 0) return size;
  throw new Error(`${name} must be a whole number above 0`);
}

export const runsOf = (byDefault: number): number => sizeOf('BENCH_RUNS', byDefault);

/** As the tables show numbers. */
export const inWords = (value: number): string => value.toLocaleString('en');

/** Results are committed; those of a trial lie elsewhere. */
function resultsFolder(): string {
  const isTrial = TRIAL.some((name) => process.env[name] !== undefined);
  return isTrial
    ? join(import.meta.dirname, '..', '.bench', 'results')
    : join(import.meta.dirname, 'results');
}

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    min: sorted[0] ?? NaN,
    median: sorted[Math.floor(sorted.length / 2)] ?? NaN,
    max: sorted.at(-1) ?? NaN,
  };
}

export interface Percentiles {
  readonly median: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** By nearest rank. */
export function percentilesOf(values: readonly number[]): Percentiles {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
  return { median: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
}

function machine(): Record<string, string | number> {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    sqlite: process.versions['sqlite'] ?? 'none',
  };
}

/** Prints a table and keeps it beside the benchmark, so that a claim in the docs has a source. */
export function publish(
  name: string,
  question: string,
  unit: string,
  rows: Readonly<Record<string, Spread | Percentiles>>,
  versions: Readonly<Record<string, string>> = {},
): void {
  const result = { question, unit, machine: { ...machine(), ...versions }, rows };
  const folder = resultsFolder();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(`${question} (${unit})\n`);
  for (const [row, figures] of Object.entries(rows)) {
    const words = figuresOf(figures).map((figure) => figure.toFixed(2).padStart(12));
    process.stdout.write(`  ${row.padEnd(60)}${words.join('')}\n`);
  }
  process.stdout.write('\n');
}

function figuresOf(row: Spread | Percentiles): number[] {
  return 'p99' in row ? [row.median, row.p99, row.p999, row.max] : [row.min, row.median, row.max];
}
