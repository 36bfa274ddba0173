import type { Clock } from '../contracts/clock.ts';
import { TallystreamError } from '../errors.ts';

/** The time of events. Never ahead of the underlying clock. */
export interface EventClock {
  /** Whole milliseconds since 1970-01-01T00:00:00Z. Never goes back, unless the machine's own clock is set back. */
  nowMs(): number;
}

export interface EventClockOptions {
  readonly clock: Clock;
  /** Where event time starts, epoch milliseconds. Left out, events carry the present time and the scale has no use. */
  readonly startTimeMs?: number;
  /** Event milliseconds for one millisecond of real time, on average over a day. Default 1. */
  readonly timeScale?: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * How many events each hour of the day (UTC) has, in proportion to the others: few at night, a bend at midday, most
 * between six and ten in the evening.
 */
export const HOURLY_WEIGHTS: readonly number[] = [
  0.3, 0.18, 0.12, 0.1, 0.12, 0.22, 0.45, 0.75, 1, 1.15, 1.25, 1.35, 1.4, 1.25, 1.15, 1.15, 1.2, 1.35, 1.6,
  1.9, 2, 1.65, 1.1, 0.6,
];

const WEIGHT_SUM = HOURLY_WEIGHTS.reduce((sum, weight) => sum + weight, 0);
/** Milliseconds of an evenly running day that each hour takes. */
const HOUR_SHARES_MS = HOURLY_WEIGHTS.map((weight) => (weight / WEIGHT_SUM) * DAY_MS);

/**
 * The present, or a time that runs `timeScale` times faster from `startTimeMs` until it has caught up with the present,
 * and is the present from then on.
 *
 * The producer keeps an even pace, so the curve is applied to the time: it runs slowly in busy hours and fast through
 * quiet ones, and one day takes exactly 86,400 / timeScale seconds. At R events/s a day therefore holds
 * R × 86,400 / timeScale events. With a rate of `max` nothing changes but R: event time still follows real time, not the
 * number of events, so a short run at full speed stays within a short piece of the day.
 *
 * @throws USAGE if the start is no time of the past or the scale is not a positive number
 */
export function createEventClock(options: EventClockOptions): EventClock {
  const { clock, startTimeMs, timeScale = 1 } = options;
  if (startTimeMs === undefined) return { nowMs: () => Math.floor(clock.nowMs()) };
  refuseWrongTimes(startTimeMs, timeScale, clock.nowMs());

  const startEvenMs = toEvenTime(startTimeMs);
  const startedAtMs = clock.monotonicMs();
  let caughtUp = false;
  let lastMs = startTimeMs;

  return {
    nowMs() {
      const presentMs = Math.floor(clock.nowMs());
      if (!caughtUp) {
        const evenMs = startEvenMs + (clock.monotonicMs() - startedAtMs) * timeScale;
        // Rounding in the two conversions may lose a millisecond; time must not go back for it.
        lastMs = Math.max(lastMs, Math.floor(fromEvenTime(evenMs)));
        caughtUp = lastMs >= presentMs;
      }
      return caughtUp ? presentMs : lastMs;
    },
  };
}

function refuseWrongTimes(startTimeMs: number, timeScale: number, presentMs: number): void {
  if (!(timeScale > 0 && Number.isFinite(timeScale))) {
    throw new TallystreamError('USAGE', {
      what: `The time scale cannot be ${timeScale}.`,
      hint: 'Use a positive number: with 1440 a day passes in one minute.',
    });
  }
  if (!(startTimeMs <= presentMs)) {
    throw new TallystreamError('USAGE', {
      what: 'The start time is in the future.',
      why: 'The time of an event is never in the future.',
      hint: 'Use a time in the past.',
    });
  }
}

/** From event time to a time in which events are spread evenly; both agree at every midnight (UTC). */
function toEvenTime(eventMs: number): number {
  const midnightMs = Math.floor(eventMs / DAY_MS) * DAY_MS;
  const hour = Math.floor((eventMs - midnightMs) / HOUR_MS);
  const intoHourMs = eventMs - midnightMs - hour * HOUR_MS;
  return midnightMs + evenHourStartMs(hour) + (intoHourMs / HOUR_MS) * hourShareMs(hour);
}

function fromEvenTime(evenMs: number): number {
  const midnightMs = Math.floor(evenMs / DAY_MS) * DAY_MS;
  let leftMs = evenMs - midnightMs;
  let hour = 0;
  while (hour < 23 && leftMs >= hourShareMs(hour)) {
    leftMs -= hourShareMs(hour);
    hour += 1;
  }
  return midnightMs + hour * HOUR_MS + Math.min(1, leftMs / hourShareMs(hour)) * HOUR_MS;
}

function evenHourStartMs(hour: number): number {
  let startMs = 0;
  for (let earlier = 0; earlier < hour; earlier += 1) startMs += hourShareMs(earlier);
  return startMs;
}

function hourShareMs(hour: number): number {
  return HOUR_SHARES_MS[hour] as number;
}
