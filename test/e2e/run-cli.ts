/** The command line as a user has it: its own process, its own folder, and nothing of this process's settings. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { shortfall } from '../../bin/launcher.js';

const TALLYSTREAM = fileURLToPath(new URL('../../bin/tallystream.js', import.meta.url));
/** Nothing here takes long, but on a very busy machine; a process that takes longer is ended, and the test fails. */
const WAIT_MS_MAX = 240_000;

/** The checkpoint's folder within the data folder, under the names that the configuration has by default. */
export const CHECKPOINT = join('checkpoints', 'purchase-totals-embedded-purchasing_events');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** As bytes, because some of it is no text. */
  readonly bytes: Buffer;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly folder: string;
  /** Left out, the Node of this process, which is new enough. */
  readonly node?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What standard input holds; it is empty where left out. */
  readonly input?: Uint8Array | string;
  /** Leaves standard input open for the test to write to. */
  readonly inputStaysOpen?: boolean;
}

/** A running command. Whoever starts one waits for its `end`. */
export class RunningCli {
  readonly words: string;
  readonly stdin: Writable;
  private readonly process: ChildProcessByStdio<Writable, Readable, Readable>;
  private readonly out: Buffer[] = [];
  private err = '';
  private readonly ended: Promise<Ended>;
  private changed = Promise.withResolvers<undefined>();
  private hasEnded = false;

  constructor(words: readonly string[], options: CliOptions) {
    this.words = words.join(' ');
    this.process = spawn(options.node ?? process.execPath, [TALLYSTREAM, ...words], {
      cwd: options.folder,
      env: { ...cleanEnvironment(), ...options.env },
      stdio: 'pipe',
    });
    const { stdin, stdout, stderr } = this.process;
    this.stdin = stdin;
    // A command that ends without reading its input is none of the test's business.
    stdin.on('error', () => undefined);
    if (options.inputStaysOpen !== true) stdin.end(options.input ?? '');
    stdout.on('data', (block: Buffer) => {
      this.out.push(block);
      this.wake();
    });
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
      this.wake();
    });
    this.ended = new Promise((resolve, reject) => {
      this.process.on('error', reject);
      this.process.on('close', (code, signal) => {
        this.hasEnded = true;
        this.wake();
        const bytes = Buffer.concat(this.out);
        resolve({ code, signal, bytes, stdout: bytes.toString('utf8'), stderr: this.err });
      });
    });
    this.ended.catch(() => undefined);
  }

  get stdout(): string {
    return Buffer.concat(this.out).toString('utf8');
  }

  get stderr(): string {
    return this.err;
  }

  get pid(): number {
    assert.ok(this.process.pid !== undefined, `'${this.words}' was not started`);
    return this.process.pid;
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Closes this end of its standard output, as `head` does when it has seen enough. */
  closeStdout(): void {
    this.process.stdout.destroy();
  }

  closeStderr(): void {
    this.process.stderr.destroy();
  }

  /** Waits until what it has written satisfies `isSeen`; fails where it ends before. */
  async until(isSeen: (cli: RunningCli) => boolean): Promise<void> {
    while (!isSeen(this)) {
      assert.ok(!this.hasEnded, `'${this.words}' ended before it was seen to do it:\n${this.err}`);
      this.changed = Promise.withResolvers();
      await this.within(Promise.race([this.changed.promise, this.ended]));
    }
  }

  /** Resolves when it has ended and nobody holds its output any more. */
  end(): Promise<Ended> {
    return this.within(this.ended);
  }

  private wake(): void {
    this.changed.resolve(undefined);
  }

  private async within<T>(promise: Promise<T>): Promise<T> {
    const given = new AbortController();
    const timeout = sleep(WAIT_MS_MAX, 'too long' as const, { signal: given.signal });
    timeout.catch(() => undefined);
    try {
      const first = await Promise.race([promise, timeout]);
      if (first !== 'too long') return first;
    } finally {
      given.abort();
    }
    // Its child, where it is a launcher, ends with it.
    this.process.kill('SIGKILL');
    assert.fail(`'${this.words}' took more than ${WAIT_MS_MAX / 1000} s; it said:\n${this.err.slice(-4000)}`);
  }
}

/** Runs a command to its end, whatever that is. */
export function runCli(words: readonly string[], options: CliOptions): Promise<Ended> {
  return new RunningCli(words, options).end();
}

/** A temporary folder with a data folder in it, and the commands that work on it. */
export class Place {
  readonly folder: string;
  readonly dataDir: string;
  private readonly env: Readonly<Record<string, string>>;

  constructor(env: Readonly<Record<string, string>> = {}) {
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), 'tallystream-e2e-')));
    this.dataDir = join(this.folder, 'data');
    this.env = env;
  }

  start(words: readonly string[], options: Omit<CliOptions, 'folder'> = {}): RunningCli {
    return new RunningCli(words, { ...options, folder: this.folder, env: { ...this.env, ...options.env } });
  }

  run(words: readonly string[], options: Omit<CliOptions, 'folder'> = {}): Promise<Ended> {
    return this.start(words, options).end();
  }

  /** Runs a command that must succeed. */
  async ok(words: readonly string[], options: Omit<CliOptions, 'folder'> = {}): Promise<Ended> {
    const ended = await this.run(words, options);
    assert.equal(ended.code, 0, `'${words.join(' ')}' failed:\n${ended.stderr}`);
    return ended;
  }

  /** What a command that must succeed prints with --json. */
  async json<T>(words: readonly string[], options: Omit<CliOptions, 'folder'> = {}): Promise<T> {
    return JSON.parse((await this.ok([...words, '--json'], options)).stdout) as T;
  }

  /** The lines of JSON that a command that must succeed prints with --json. */
  async jsonLines<T>(words: readonly string[], options: Omit<CliOptions, 'folder'> = {}): Promise<T[]> {
    return linesOf((await this.ok([...words, '--json'], options)).stdout).map(
      (line) => JSON.parse(line) as T,
    );
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The lines of a text in which every line is ended. */
export function linesOf(text: string): string[] {
  if (text === '') return [];
  assert.ok(text.endsWith('\n'), 'the last line is ended');
  return text.slice(0, -1).split('\n');
}

/** Asserts that a log on stderr, where stderr is no terminal, is lines of JSON and nothing else; gives them. */
export function logLines(stderr: string): Record<string, unknown>[] {
  return linesOf(stderr).map((line) => {
    assert.ok(line.startsWith('{"level":'), `stderr has a line that is no log line: ${line}`);
    return JSON.parse(line) as Record<string, unknown>;
  });
}

/** The first Node on the PATH that is too old for Tallystream, so that its launcher starts another. */
export const oldNode: string | undefined = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, process.platform === 'win32' ? 'node.exe' : 'node'))
  .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true)
  .find(isTooOld);

/** Why tests with such a Node are left out; false where there is one. */
export const withoutOldNode =
  oldNode === undefined ? 'every Node on the PATH is new enough to need no launcher' : false;

function isTooOld(node: string): boolean {
  const { stdout, status } = spawnSync(node, ['-p', 'JSON.stringify(process.versions)'], {
    encoding: 'utf8',
  });
  return status === 0 && shortfall(JSON.parse(stdout) as { node: string; sqlite?: string }) !== undefined;
}

/** Settings of the one who runs the tests, of npm and of node's own runner would change what a user sees. */
function cleanEnvironment(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => !/^(?:TALLYSTREAM|NODE|npm)_/i.test(name));
  return { ...(Object.fromEntries(entries) as Record<string, string>), TALLYSTREAM_UI_PORT: 'off' };
}
