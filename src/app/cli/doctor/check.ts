/** What a check of the doctor is, and how one is run: in bounded time, and never the end of the others. */
import type { Clock } from '../../../contracts/clock.ts';
import { TallystreamError } from '../../../errors.ts';
import { systemReason } from './system-reason.ts';

/** `warn` lets everything run, but not as well as it could; `fail` means that something will not. */
export type Status = 'pass' | 'warn' | 'fail';

export interface Verdict {
  readonly status: Status;
  /** What was found, in words or sentences; it may quote paths and configuration as they are. */
  readonly found: string;
  /** What the reader can do about it; null where there is nothing to do. */
  readonly mend: string | null;
  /** The same for programs, as plain JSON; left out where words say it all. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface Check {
  readonly name: string;
  /** Left out, {@link CHECK_TIMEOUT_MS}. */
  readonly timeoutMs?: number;
  /** What to look at where there was no answer in time; left out, a disk. */
  readonly mendUnanswered?: string;
  /** Called once. May throw. After an abort nobody waits for the verdict, and the check removes what it made. */
  run(signal: AbortSignal): Verdict | Promise<Verdict>;
}

export interface CheckResult extends Verdict {
  readonly name: string;
}

/** A healthy machine needs a few milliseconds for each. */
export const CHECK_TIMEOUT_MS = 5_000;

export function pass(found: string, details?: Verdict['details']): Verdict {
  return { status: 'pass', found, mend: null, ...(details === undefined ? {} : { details }) };
}

/** For what cannot be looked at because of something that has a line of its own, which fails. */
export function notTried(because: string): Verdict {
  return { status: 'warn', found: `Not tried, since ${because}.`, mend: null };
}

/** Never rejects, and resolves within the time: a check that throws or hangs is a line that fails. */
export async function runCheck(
  check: Check,
  clock: Clock,
  timeoutMs: number = check.timeoutMs ?? CHECK_TIMEOUT_MS,
): Promise<CheckResult> {
  const ended = new AbortController();
  const outOfTime = async (): Promise<Verdict> => {
    await clock.sleep(timeoutMs, ended.signal);
    return unanswered(timeoutMs, check.mendUnanswered ?? MEND_DISK);
  };
  // Within an async function, so that a check that throws at once is a rejection like any other.
  const verdict = async (): Promise<Verdict> => check.run(ended.signal);
  try {
    return { name: check.name, ...(await Promise.race([verdict(), outOfTime()])) };
  } catch (error) {
    return { name: check.name, ...verdictOf(error) };
  } finally {
    ended.abort();
  }
}

const MEND_DISK =
  'A disk or a network drive that hangs is the usual reason: look at the system’s own log, then run doctor again.';

function unanswered(timeoutMs: number, mend: string): Verdict {
  return { status: 'fail', found: `No answer within ${timeoutMs / 1000} seconds.`, mend };
}

/** Our own errors say what, why and how to mend it. Any other is the check's own fault, and still only its line. */
export function verdictOf(error: unknown): Verdict {
  if (error instanceof TallystreamError) {
    const { what, why, mend } = error;
    return { status: 'fail', found: why === undefined ? what : `${what} ${why}`, mend: mend ?? null };
  }
  if (error instanceof Error && 'syscall' in error) {
    return {
      status: 'fail',
      found: `The system refused it: ${systemReason(error)}.`,
      mend: 'Free some space on that disk, or let this user write there; then run doctor again.',
    };
  }
  return {
    status: 'fail',
    found: `The check itself failed: ${error instanceof Error ? error.message : String(error)}`,
    mend: 'Where the message names nothing of this machine to mend, please report it.',
  };
}
