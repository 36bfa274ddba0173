/** What the benchmarks share: spread of figures, what machine it was, and the committed result. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';

export const CLI = join(import.meta.dirname, '..', 'bin', 'tallystream.js');
/** As the launcher starts the query. */
export const NODE_FLAGS = ['--max-semi-space-size=2', '--v8-pool-size=1'];

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
): void {
  const result = { question, unit, machine: machine(), rows };
  writeFileSync(join(import.meta.dirname, 'results', `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(`${question} (${unit})\n`);
  for (const [row, figures] of Object.entries(rows)) {
    const words = figuresOf(figures).map((figure) => figure.toFixed(2).padStart(12));
    process.stdout.write(`  ${row.padEnd(44)}${words.join('')}\n`);
  }
  process.stdout.write('\n');
}

function figuresOf(row: Spread | Percentiles): number[] {
  return 'p99' in row ? [row.median, row.p99, row.p999, row.max] : [row.min, row.median, row.max];
}

export interface ChildUsage {
  readonly wallMs: number;
  /** User and system time of all threads, milliseconds. */
  readonly cpuMs: number;
  /** The largest resident set, bytes. */
  readonly peakBytes: number;
}

/** Runs a command to its end, with what the operating system says it used (Linux: /proc). */
export async function runMeasured(
  command: string,
  args: readonly string[],
  cwd: string,
): Promise<ChildUsage> {
  const from = performance.now();
  const child = spawn(command, args, {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: cleanEnvironment(),
  });
  let peakBytes = 0;
  let cpuMs = 0;
  const poll = setInterval(() => {
    const usage = usageOf(child);
    peakBytes = Math.max(peakBytes, usage.peakBytes);
    cpuMs = Math.max(cpuMs, usage.cpuMs);
  }, 20);
  const code = await new Promise<number | null>((resolve) => child.on('exit', resolve));
  clearInterval(poll);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(code)}`);
  return { wallMs: performance.now() - from, cpuMs, peakBytes };
}

export function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('TALLYSTREAM_'));
  return { ...Object.fromEntries(kept), TALLYSTREAM_LOGGING_LEVEL: 'error' };
}

const TICK_MS = 10;

function usageOf(child: ChildProcess): { peakBytes: number; cpuMs: number } {
  const folder = `/proc/${String(child.pid)}`;
  try {
    const status = readFileSync(join(folder, 'status'), 'utf8');
    const fields = readFileSync(join(folder, 'stat'), 'utf8').split(') ')[1]?.split(' ') ?? [];
    const peak = /VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? '0';
    return { peakBytes: Number(peak) * 1024, cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS };
  } catch {
    // The process has just ended; what was read before stands.
    return { peakBytes: 0, cpuMs: 0 };
  }
}
