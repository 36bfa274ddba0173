/** The command line as somebody else's processes: started both ways, killed, and waited for. */
import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findPackagedNode, shortfall } from '../../../bin/launcher.js';

export const TALLYSTREAM = fileURLToPath(new URL('../../../bin/tallystream.js', import.meta.url));
const OLD_HOST = fileURLToPath(new URL('../fixtures/old-host.js', import.meta.url));
/** Nothing here takes long; a wait that takes longer is a failure and not a slow machine. */
const WAIT_MS_MAX = 240_000;

/** `direct`: one process. `launcher`: an old Node starts the package's own, as on a host whose Node is too old. */
export type Way = 'direct' | 'launcher';
export type Victim = 'launcher' | 'child' | 'both';
export const VICTIMS: readonly Victim[] = ['launcher', 'child', 'both'];

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly way?: Way;
  /** Working folder, in which there is no configuration file. */
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Why a process cannot be stopped, or asked to end, here; false where it can. */
export const withoutSignals = process.platform === 'win32' ? 'signals are POSIX' : false;

/** Why the way through the launcher cannot be taken here; false where it can. */
export const withoutLauncher =
  withoutSignals === false && 'missing' in findPackagedNode(process.platform, process.arch)
    ? 'the Node that the package brings is not installed'
    : withoutSignals;

export class Cli {
  readonly way: Way;
  stdout = '';
  stderr = '';
  private readonly process: ChildProcessByStdio<null, Readable, Readable>;
  private readonly words: string;
  /** When nobody holds its output any more: the process has ended, and so has what it started. */
  private readonly closed: Promise<Ended>;
  private isClosed = false;
  private child: number | undefined;
  private changed = Promise.withResolvers<undefined>();

  constructor(words: readonly string[], { way = 'direct', folder, env = {} }: RunOptions) {
    this.way = way;
    this.words = words.join(' ');
    const [node, ...before] = way === 'direct' ? [process.execPath, TALLYSTREAM] : oldHost();
    this.process = spawn(node as string, [...before, ...words], {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '', TALLYSTREAM_UI_PORT: 'off', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.wake();
    });
    this.process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.wake();
    });
    this.closed = new Promise((resolve, reject) => {
      this.process.on('error', reject);
      this.process.on('close', (code, signal) => {
        this.isClosed = true;
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
        this.wake();
      });
    });
  }

  /** Ids of the process that was started, and of the one that it started, where there is one. */
  async pids(): Promise<{ own: number; child: number | undefined }> {
    const own = this.process.pid as number;
    if (this.way === 'direct') return { own, child: undefined };
    this.child ??= await childOf(own);
    return { own, child: this.child };
  }

  /** The process that does the work. */
  async worker(): Promise<number> {
    const { own, child } = await this.pids();
    if (this.way === 'direct') return own;
    assert.ok(child !== undefined, 'the launcher has started nothing yet');
    return child;
  }

  /** SIGKILL, and the end of everything that was started. */
  async kill(victim: Victim = 'child'): Promise<Ended> {
    const { own, child } = await this.pids();
    if (child === undefined || victim !== 'child') signal(own, 'SIGKILL');
    if (child !== undefined && victim !== 'launcher') signal(child, 'SIGKILL');
    this.resume();
    return this.end();
  }

  /** Resolves when it has ended; one that does not is killed, and fails the test. */
  end(): Promise<Ended> {
    return this.within(this.closed, 'end');
  }

  /** Waits until `isDone`, which is asked after all output, and false where the process ends before. */
  async until(isDone: () => boolean, what: string): Promise<boolean> {
    while (!isDone()) {
      if (this.isClosed) return false;
      this.changed = Promise.withResolvers();
      await this.within(this.changed.promise, what);
    }
    return true;
  }

  pause(): void {
    this.process.stdout.pause();
  }

  /** Reads on where it was paused. */
  resume(): void {
    this.process.stdout.resume();
  }

  /** Ends what is left of it, whatever state it is in. For cleaning up: a repeat does nothing. */
  async dispose(): Promise<void> {
    if (!this.isClosed) await this.kill('both');
  }

  get hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  private wake(): void {
    this.changed.resolve(undefined);
  }

  private async within<T>(promise: Promise<T>, what: string): Promise<T> {
    const given = new AbortController();
    const timeout = sleep(WAIT_MS_MAX, 'too long' as const, { signal: given.signal });
    timeout.catch(() => undefined);
    const first = await Promise.race([promise, timeout]);
    given.abort();
    if (first !== 'too long') return first;
    const { own, child } = await this.pids();
    if (child !== undefined) signal(child, 'SIGKILL');
    signal(own, 'SIGKILL');
    assert.fail(
      `'${this.words}' did not ${what} in ${WAIT_MS_MAX / 1000} s. It said:\n${this.stderr.slice(-4000)}`,
    );
  }
}

/** Runs a command to its end. */
export function runCli(words: readonly string[], options: RunOptions): Promise<Ended> {
  return new Cli(words, options).end();
}

export async function jsonOf(
  words: readonly string[],
  options: RunOptions,
): Promise<Record<string, unknown>> {
  return JSON.parse(await textOf([...words, '--json'], options)) as Record<string, unknown>;
}

export async function textOf(words: readonly string[], options: RunOptions): Promise<string> {
  const { code, stdout, stderr } = await runCli(words, options);
  assert.equal(code, 0, `'${words.join(' ')}' failed: ${stderr}`);
  return stdout;
}

/** One that has ended meanwhile needs no signal. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Stops a process. Resolves when every thread of it has stopped, so that it changes nothing any more. */
export async function freeze(pid: number): Promise<void> {
  signal(pid, 'SIGSTOP');
  const threads = `/proc/${pid}/task`;
  const isStopped = () =>
    readdirSync(threads).every((thread) => / [TtZX] /.test(stateOf(join(threads, thread, 'stat'))));
  for (let waitedMs = 0; existsSync(threads) && !isStopped() && waitedMs < WAIT_MS_MAX; waitedMs += 5) {
    await sleep(5);
  }
  // Elsewhere nobody says when.
  if (process.platform !== 'linux') await sleep(20);
}

/** What follows the name, which may hold anything; that of a thread that has ended meanwhile is ended. */
function stateOf(path: string): string {
  try {
    const text = readFileSync(path, 'latin1');
    return text.slice(text.lastIndexOf(')') + 1, text.lastIndexOf(')') + 4);
  } catch {
    return ' X ';
  }
}

/** The process that another has started, where there is one. */
async function childOf(pid: number): Promise<number | undefined> {
  const listed = `/proc/${pid}/task/${pid}/children`;
  if (existsSync(listed)) return Number(readFileSync(listed, 'latin1').trim().split(' ')[0]) || undefined;
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=']);
  const rows = stdout.split('\n').map((row) => row.trim().split(/\s+/).map(Number));
  return rows.find(([, parent]) => parent === pid)?.[0];
}

let foundHost: readonly string[] | undefined;

/** A Node of this machine that is too old, where there is one; otherwise one that passes itself off as old. */
function oldHost(): readonly string[] {
  foundHost ??= findOldHost();
  return foundHost;
}

function findOldHost(): readonly string[] {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const node = join(folder, 'node');
    if (statSync(node, { throwIfNoEntry: false })?.isFile() !== true) continue;
    const { stdout } = spawnSync(node, ['-p', 'JSON.stringify(process.versions)'], { encoding: 'utf8' });
    if (isTooOld(stdout)) return [node, TALLYSTREAM];
  }
  return [process.execPath, OLD_HOST];
}

function isTooOld(versions: string): boolean {
  try {
    return shortfall(JSON.parse(versions) as { node: string; sqlite?: string }) !== undefined;
  } catch {
    return false;
  }
}
