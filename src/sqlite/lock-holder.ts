/** Which process holds a file, as far as the system reports it. Used only in messages. */
import { readFileSync, statSync } from 'node:fs';

export interface LockHolder {
  readonly pid: number;
  /** The system's name of its program; undefined if it has ended meanwhile. */
  readonly program: string | undefined;
}

/** A process that noted that it uses a file, and since when. */
export interface NotedProcess {
  readonly pid: number;
  readonly sinceMs: number;
}

/** Linux counts the start of a process in hundredths of a second. */
const TICK_MS = 10;
/** The two clocks are read at different times, and one of them in whole seconds. */
const START_TOLERANCE_MS = 10_000;

/**
 * The processes that hold one of these files for writing, from Linux's list of locks. Empty on other systems, and for
 * processes that are not visible here (in another container, or on another machine).
 */
export function holdersOf(paths: readonly string[]): LockHolder[] {
  try {
    const files = new Set(paths.flatMap(identify));
    const pids = readFileSync('/proc/locks', 'utf8')
      .split('\n')
      .flatMap((line) => {
        // https://man7.org/linux/man-pages/man5/proc_locks.5.html; `->` marks a waiting process.
        const match = /^\d+: \w+\s+\w+\s+WRITE (\d+) ([0-9a-f]+:[0-9a-f]+:\d+) /.exec(line);
        return match !== null && files.has(match[2] as string) ? [Number(match[1])] : [];
      });
    return [...new Set(pids)].filter((pid) => pid > 0).map((pid) => ({ pid, program: programOf(pid) }));
  } catch {
    return [];
  }
}

/** `process 12 (node)`. */
export function holderText({ pid, program }: LockHolder): string {
  return program === undefined ? `process ${pid}` : `process ${pid} (${program})`;
}

/** Whether the process still exists, and its id was not reused by another one. */
export function isStillRunning({ pid, sinceMs }: NotedProcess): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // It exists, and belongs to another user.
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EPERM') return false;
  }
  const startMs = startOf(pid);
  return startMs === undefined || startMs <= sinceMs + START_TOLERANCE_MS;
}

/** How the user can find the process, as a sentence. */
export function howToFindHolder(path: string): string {
  return process.platform === 'win32'
    ? `Find the program that has ${path} open in the Resource Monitor, and end it.`
    : `Find the program that has the file open with \`lsof ${path}\` or \`fuser -v ${path}\`, and end it.`;
}

/** The name of a file in Linux's list of locks: its device in hexadecimal, and its inode. */
function identify(path: string): string[] {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return [];
  const { dev, ino } = stats;
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
  const hex = (part: bigint): string => part.toString(16).padStart(2, '0');
  return [`${hex(major)}:${hex(minor)}:${ino}`];
}

function programOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** Epoch milliseconds; undefined if the system does not report it. */
function startOf(pid: number): number | undefined {
  try {
    const bootSeconds = /^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1];
    // The name of the program may contain anything. It is in the only parentheses.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/s, '').trim().split(' ');
    const ticks = fields[19];
    if (bootSeconds === undefined || ticks === undefined) return undefined;
    return Number(bootSeconds) * 1000 + Number(ticks) * TICK_MS;
  } catch {
    return undefined;
  }
}
