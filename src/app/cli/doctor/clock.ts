/** Whether this machine's time is plausible: events ahead of it are rejected, and batches record it. */
import { formatEpochMs } from '../../../columns/values/timestamp.ts';
import type { Clock } from '../../../contracts/clock.ts';
import { pass, type Check, type Verdict } from './check.ts';

/** This program was written later, so an earlier time is wrong. */
const YEAR_MIN = 2025;
/** How long both clocks are compared, and how far they may drift apart in that time. */
const WATCH_MS = 20;
const DRIFT_MS_MAX = 500;

const HINT =
  'Set the system time from the network (timedatectl on Linux, the date and time settings elsewhere).';

/** Times are epoch milliseconds. */
export interface ClockFacts {
  readonly nowMs: number;
  /** How far each clock advanced while both were compared. */
  readonly wallElapsedMs: number;
  readonly monotonicElapsedMs: number;
  /** The newest record of the log, and the newest batch of the checkpoint; null if there is none that can be read. */
  readonly newestRecordMs: number | null;
  readonly newestBatchMs: number | null;
  readonly toleranceMs: number;
}

/** Times of earlier writes. A part that cannot be read is null here, and has its own line. */
export interface PastTimes {
  readonly newestRecordMs: number | null;
  readonly newestBatchMs: number | null;
}

export function clockCheck(clock: Clock, toleranceMs: number, readPast: () => Promise<PastTimes>): Check {
  return {
    name: 'clock',
    run: async (signal) => {
      const past = await readPast();
      const wallMs = clock.nowMs();
      const monotonicMs = clock.monotonicMs();
      await clock.sleep(WATCH_MS, signal);
      const nowMs = clock.nowMs();
      return judgeClock({
        ...past,
        nowMs,
        wallElapsedMs: nowMs - wallMs,
        monotonicElapsedMs: clock.monotonicMs() - monotonicMs,
        toleranceMs,
      });
    },
  };
}

export function judgeClock(facts: ClockFacts): Verdict {
  const { nowMs, wallElapsedMs, monotonicElapsedMs, newestRecordMs, newestBatchMs, toleranceMs } = facts;
  const now = formatEpochMs(nowMs);
  if (new Date(nowMs).getUTCFullYear() < YEAR_MIN) {
    return { status: 'fail', found: `It says ${now}, which is impossible.`, hint: HINT };
  }
  if (monotonicElapsedMs < 0 || Math.abs(wallElapsedMs - monotonicElapsedMs) > DRIFT_MS_MAX) {
    const found = `It says ${now}, and advanced by ${wallElapsedMs.toFixed(0)} ms in ${monotonicElapsedMs.toFixed(0)} ms.`;
    return { status: 'warn', found, hint: HINT };
  }
  const [what, pastMs] = latest(newestRecordMs, newestBatchMs);
  if (pastMs - nowMs > toleranceMs) {
    const behind = `${((pastMs - nowMs) / 1000).toFixed(0)} seconds`;
    return {
      status: 'warn',
      found: `It says ${now}, ${behind} before ${what} (${formatEpochMs(pastMs)}): it was set back, or it was wrong at that time.`,
      hint: `${HINT} If it is behind, events from other machines are rejected as FUTURE_TIMESTAMP.`,
    };
  }
  return pass(now);
}

function latest(recordMs: number | null, batchMs: number | null): readonly [string, number] {
  const record = recordMs ?? -Infinity;
  const batch = batchMs ?? -Infinity;
  return record > batch ? ['the newest record of the log', record] : ['the newest batch', batch];
}
