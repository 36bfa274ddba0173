/** A check of the doctor, and how it runs: in bounded time, and without stopping the other checks. */
import type { Clock } from '../../../contracts/clock.ts';
import { TallystreamError } from '../../../errors.ts';
import { systemReason } from './system-reason.ts';

/** `warn`: everything runs, but not as well as it could. `fail`: something will not run. */
export type Status = 'pass' | 'warn' | 'fail';

export interface Verdict {
  readonly status: Status;
  /** What was found, in words or sentences. It may quote paths and configuration unescaped. */
  readonly found: string;
  /** What the user can do about it; null if there is nothing to do. */
  readonly hint: string | null;
  /** The same for programs, as plain JSON; left out if the text says everything. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface Check {
  readonly name: string;
  /** Left out, {@link CHECK_TIMEOUT_MS}. */
  readonly timeoutMs?: number;
  /** What to examine if the check timed out; if left out, a disk. */
  readonly hintUnanswered?: string;
  /** Called once. May throw. After an abort the verdict is ignored, and the check removes what it made. */
  run(signal: AbortSignal): Verdict | Promise<Verdict>;
}

export interface CheckResult extends Verdict {
  readonly name: string;
}

/** A healthy machine needs a few milliseconds for each. */
export const CHECK_TIMEOUT_MS = 5_000;

export function pass(found: string, details?: Verdict['details']): Verdict {
  return { status: 'pass', found, hint: null, ...(details === undefined ? {} : { details }) };
}

/** For a check that is impossible because of a fault that another line reports. */
export function notTried(because: string): Verdict {
  return { status: 'warn', found: `Not checked, because ${because}.`, hint: null };
}

/** Never rejects, and resolves within the time limit: a check that throws or hangs becomes a failed line. */
export async function runCheck(
  check: Check,
  clock: Clock,
  timeoutMs: number = check.timeoutMs ?? CHECK_TIMEOUT_MS,
): Promise<CheckResult> {
  const ended = new AbortController();
  const outOfTime = async (): Promise<Verdict> => {
    await clock.sleep(timeoutMs, ended.signal);
    return unanswered(timeoutMs, check.hintUnanswered ?? HINT_DISK);
  };
  // In an async function, so that a check that throws synchronously becomes a rejection like any other.
  const verdict = async (): Promise<Verdict> => check.run(ended.signal);
  try {
    return { name: check.name, ...(await Promise.race([verdict(), outOfTime()])) };
  } catch (error) {
    return { name: check.name, ...verdictOf(error) };
  } finally {
    ended.abort();
  }
}

const HINT_DISK =
  'The usual cause is a disk or a network drive that hangs. Check the system log, then run doctor again.';

function unanswered(timeoutMs: number, hint: string): Verdict {
  return { status: 'fail', found: `No answer within ${timeoutMs / 1000} seconds.`, hint };
}

/** Our own errors say what, why and how to fix it. Any other error is a fault of the check, and fails only its line. */
export function verdictOf(error: unknown): Verdict {
  if (error instanceof TallystreamError) {
    const { what, why, hint } = error;
    return { status: 'fail', found: why === undefined ? what : `${what} ${why}`, hint: hint ?? null };
  }
  if (error instanceof Error && 'syscall' in error) {
    return {
      status: 'fail',
      found: `The operating system rejected it: ${systemReason(error)}.`,
      hint: 'Free some space on that disk, or allow this user to write there. Then run doctor again.',
    };
  }
  return {
    status: 'fail',
    found: `The check itself failed: ${error instanceof Error ? error.message : String(error)}`,
    hint: 'If the message names nothing that you can fix on this machine, please report it.',
  };
}
