/**
 * `bench`: the performance of this machine. It measures the commands themselves, each in a separate process, on the embedded
 * log in a temporary folder inside the data folder. It makes no comparison: see docs/performance.md for other systems.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TallystreamError } from '../../errors.ts';
import { makeFolder } from '../../sqlite/make-folder.ts';
import type { Context } from './context.ts';
import { createOutput, jsonLine } from './output.ts';

const EVENTS = 500_000;
const RUNS = 3;
/** Size of the batch whose time to the first output is measured. */
const FIRST_BATCH_EVENTS = 1_000;
/** Printed before every batch. */
const PRINTED = 'OUTPUT - BATCH';

/** Both src/app/cli and dist/app/cli are three folders below the package's manifest. */
const SCRIPT = fileURLToPath(new URL('../../../bin/tallystream.js', import.meta.url));
const USAGE_FD = 3;
/** Makes a process report its resource usage when it ends. */
const TELL_USAGE = `data:text/javascript,${encodeURIComponent(
  `import { writeSync } from 'node:fs'; process.on('exit', () => writeSync(${USAGE_FD}, JSON.stringify(process.resourceUsage())));`,
)}`;

const UNITS = {
  produce: 'events/s',
  drain: 'events/s',
  drainCpu: 's per 1,000,000 events',
  drainMemory: 'MB',
  firstBatch: 's',
} as const;

const LABELS: Readonly<Record<Figure, string>> = {
  produce: 'produce, seed 1',
  drain: 'run --available-now, from its start to its end',
  drainCpu: 'CPU time of that run',
  drainMemory: 'peak memory (RSS) of that run',
  firstBatch: 'run, from its start to the first printed batch',
};

type Figure = keyof typeof UNITS;
type Figures = Readonly<Record<Figure, number>>;

export async function bench(context: Context): Promise<number> {
  const events = countOf(context, 'events', EVENTS);
  const runs = countOf(context, 'runs', RUNS);
  const dataDir = resolve(context.config.dataDir);
  const isNew = makeFolder(dataDir) !== undefined;
  const folder = mkdtempSync(join(dataDir, 'bench-'));
  const commands = new Commands(folder);
  let exitCode = 0;
  const release = context.signals.onSignal((signal) => {
    exitCode = context.signals.exitCodeFor(signal);
    commands.end();
  });
  try {
    const all: Figures[] = [];
    for (let run = 0; run <= runs; run += 1) {
      const word = run === 0 ? 'warming up' : `run ${run} of ${runs}`;
      process.stderr.write(`tallystream: ${word}, ${inWords(events)} events\n`);
      const figures = await measure(commands, context, events);
      // The first run fills the compile cache for the others.
      if (run > 0) all.push(figures);
    }
    const write = await createOutput();
    await write(context.json ? jsonLine(asJson(events, all)) : asText(events, all));
    return 0;
  } catch (error) {
    if (exitCode !== 0) return exitCode;
    if (!(error instanceof CommandFailed)) throw error;
    process.stderr.write(error.message);
    return error.exitCode;
  } finally {
    release();
    rmSync(folder, { recursive: true, force: true });
    if (isNew && readdirSync(dataDir).length === 0) rmdirSync(dataDir);
  }
}

async function measure(commands: Commands, { clock }: Context, events: number): Promise<Figures> {
  commands.forget();
  const timed = async (words: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const startMs = clock.monotonicMs();
    let printedMs = NaN;
    const usage = await commands.run(words, env, () => (printedMs = clock.monotonicMs() - startMs));
    return { ...usage, endedS: (clock.monotonicMs() - startMs) / 1000, printedS: printedMs / 1000 };
  };
  const produced = await timed(['produce', '--events', String(events), '--rate', 'max', '--seed', '1']);
  const drained = await timed(['run', '--available-now']);
  commands.forgetCheckpoint();
  const first = await timed(['run', '--max-batches', '1'], {
    TALLYSTREAM_QUERY_MAX_OFFSETS_PER_TRIGGER: String(FIRST_BATCH_EVENTS),
  });
  return {
    produce: events / produced.endedS,
    drain: events / drained.endedS,
    drainCpu: (drained.cpuS / events) * 1_000_000,
    drainMemory: drained.peakMb,
    firstBatch: first.printedS,
  };
}

/** A command of this program failed, and has reported the reason itself. */
class CommandFailed extends Error {
  readonly exitCode: number;

  constructor(said: string, exitCode: number) {
    super(said);
    this.exitCode = exitCode;
  }
}

/** Runs commands of this program, one at a time, in a separate folder and with default settings. */
class Commands {
  private readonly folder: string;
  private child: ChildProcess | undefined;
  private isOver = false;

  constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * @param onPrinted called when the first batch is printed
   * @throws CommandFailed
   */
  async run(
    words: readonly string[],
    env: Readonly<Record<string, string>>,
    onPrinted: () => void,
  ): Promise<{ readonly cpuS: number; readonly peakMb: number }> {
    if (this.isOver) throw new CommandFailed('', 1);
    const child = spawn(
      process.execPath,
      [...process.execArgv, '--import', TELL_USAGE, SCRIPT, ...words, '--ui-port', 'off'],
      {
        cwd: this.folder,
        env: { ...withoutOwn(process.env), TALLYSTREAM_LOGGING_LEVEL: 'error', ...env },
        stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      },
    );
    this.child = child;
    let out = '';
    let isPrinted = false;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (isPrinted) return;
      out += text;
      isPrinted = out.includes(PRINTED);
      if (isPrinted) onPrinted();
    });
    const said = textOf(child, 2);
    const usage = textOf(child, USAGE_FD);
    const code = await new Promise<number | null>((ended, fail) => {
      child.once('error', fail);
      child.once('close', ended);
    });
    this.child = undefined;
    if (code !== 0) throw new CommandFailed(await said, code ?? 1);
    const { userCPUTime, systemCPUTime, maxRSS } = JSON.parse(await usage) as NodeJS.ResourceUsage;
    return { cpuS: (userCPUTime + systemCPUTime) / 1e6, peakMb: maxRSS / 1024 };
  }

  /** Ends the running command, and starts no other. */
  end(): void {
    this.isOver = true;
    this.child?.kill('SIGKILL');
  }

  forget(): void {
    rmSync(join(this.folder, 'data'), { recursive: true, force: true });
  }

  forgetCheckpoint(): void {
    rmSync(join(this.folder, 'data', 'checkpoints'), { recursive: true, force: true });
  }
}

async function textOf(child: ChildProcess, fd: 2 | typeof USAGE_FD): Promise<string> {
  let text = '';
  for await (const part of child.stdio[fd] as NodeJS.ReadableStream) text += String(part);
  return text;
}

function withoutOwn(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TALLYSTREAM_')));
}

/** @throws USAGE */
function countOf(context: Context, flag: string, byDefault: number): number {
  const count = Number(context.flag(flag) ?? byDefault);
  if (count >= 1) return count;
  throw new TallystreamError('USAGE', { what: `--${flag} must be at least 1.` });
}

function spreadOf(all: readonly Figures[], figure: Figure) {
  const sorted = all.map((figures) => figures[figure]).toSorted((a, b) => a - b);
  const at = (index: number) => Number((sorted.at(index) ?? NaN).toPrecision(3));
  return { min: at(0), median: at(Math.floor(sorted.length / 2)), max: at(-1) };
}

function machine() {
  return {
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    sqlite: process.versions['sqlite'] ?? 'none',
  };
}

const figureNames = Object.keys(UNITS) as Figure[];

function asJson(events: number, all: readonly Figures[]) {
  const figures = figureNames.map((name) => ({ name, unit: UNITS[name], ...spreadOf(all, name) }));
  return { schemaVersion: 1, log: 'embedded', events, runs: all.length, machine: machine(), figures };
}

function asText(events: number, all: readonly Figures[]): string {
  const { cpu, cores, memoryGiB, node, sqlite } = machine();
  const rows = figureNames.map((name) => {
    const { min, median, max } = spreadOf(all, name);
    return row(`${LABELS[name]} (${UNITS[name]})`, [min, median, max].map(inWords));
  });
  return `${[
    `${cpu}, ${cores} cores, ${memoryGiB} GiB; node ${node}; sqlite ${sqlite}`,
    `${inWords(events)} events on the embedded log, ${all.length} ${all.length === 1 ? 'run' : 'runs'}`,
    '',
    row('', ['min', 'median', 'max']),
    ...rows,
  ].join('\n')}\n`;
}

function row(label: string, cells: readonly string[]): string {
  return `${label.padEnd(66)}${cells.map((cell) => cell.padStart(10)).join('')}`;
}

function inWords(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}
