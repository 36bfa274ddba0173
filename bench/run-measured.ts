/** Commands as processes of their own, with what the operating system says they used (Linux: /proc). */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const CLI = join(import.meta.dirname, '..', 'bin', 'tallystream.js');
/** As the launcher starts the query. */
export const NODE_FLAGS = ['--max-semi-space-size=2', '--v8-pool-size=1'];

const POLL_MS = 20;
const TICK_MS = 10;

export interface ChildUsage {
  /** From the start of the process to its end. */
  readonly wallMs: number;
  /** User and system time of all threads, and of the processes that it started and waited for, milliseconds. */
  readonly cpuMs: number;
  /** The largest resident set, bytes; with processes of its own, the sum of theirs. */
  readonly peakBytes: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface MeasuredOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Runs a command to its end, one at a time. Throws with what it said where it fails. */
export async function runMeasured(
  command: string,
  args: readonly string[],
  cwd: string,
  { env = {}, timeoutMs = 600_000 }: MeasuredOptions = {},
): Promise<ChildUsage> {
  const cpuBeforeMs = reapedCpuMs();
  const from = performance.now();
  const child = spawn(command, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...cleanEnvironment(), ...env },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  const said: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  child.stdout.on('data', (block: Buffer) => said.stdout.push(block));
  child.stderr.on('data', (block: Buffer) => said.stderr.push(block));
  const peaks = new Map<number, number>();
  const poll = setInterval(() => child.pid !== undefined && notePeaks(child.pid, peaks), POLL_MS);
  let wallMs = NaN;
  child.on('exit', () => (wallMs = performance.now() - from));
  try {
    const code = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status, signal) => resolve(status ?? signal));
    });
    const stdout = Buffer.concat(said.stdout).toString('utf8');
    const stderr = Buffer.concat(said.stderr).toString('utf8');
    if (code !== 0) {
      throw new Error(
        `${command} ${args.join(' ')} ended with ${String(code)}:\n${`${stdout}${stderr}`.slice(-4000)}`,
      );
    }
    const peakBytes = [...peaks.values()].reduce((sum, peak) => sum + peak, 0);
    return { wallMs, cpuMs: reapedCpuMs() - cpuBeforeMs, peakBytes, stdout, stderr };
  } finally {
    clearInterval(poll);
  }
}

export function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('TALLYSTREAM_'));
  return { ...Object.fromEntries(kept), TALLYSTREAM_LOGGING_LEVEL: 'error' };
}

/** Of all children that have ended, and of theirs: the system adds it up when a process is waited for. */
function reapedCpuMs(): number {
  const fields = readText('/proc/self/stat').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
}

/** The kernel keeps the largest resident set of a process, so the last look before its end is what counts. */
function notePeaks(pid: number, peaks: Map<number, number>): void {
  const peak = /VmHWM:\s+(\d+) kB/.exec(readText(`/proc/${pid}/status`))?.[1];
  if (peak !== undefined) peaks.set(pid, Number(peak) * 1024);
  const children = readText(`/proc/${pid}/task/${pid}/children`);
  for (const child of children.split(' ').filter((text) => text !== '')) notePeaks(Number(child), peaks);
}

/** Empty where there is no such file: the process has just ended, and what was read before stands. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
