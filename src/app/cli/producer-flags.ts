/** What the flags of `produce` and `demo` mean. */
import { randomInt } from 'node:crypto';
import type { Config } from '../config/keys.ts';
import { shownWord } from '../../values/secrets.ts';
import type { Clock } from '../../contracts/clock.ts';
import { TimestampParser } from '../../columns/values/timestamp.ts';
import { TallystreamError } from '../../errors.ts';
import { createEventClock, type EventClock } from '../../producer/event-clock.ts';
import type { DeliveryLimits } from '../../producer/delivery.ts';
import { createRandom, type Random } from '../../producer/random.ts';
import { createGeneratedSource, type BlockSource } from '../../producer/source.ts';
import { createTokenBucket, UNPACED, type Pace } from '../../producer/token-bucket.ts';
import { createPurchaseGenerator } from '../purchases/generator/generator.ts';
import type { Context } from './context.ts';
import type { Signals } from './signals.ts';

export function paceOf(ratePerSecond: number | 'max', clock: Clock): Pace {
  return ratePerSecond === 'max' ? UNPACED : createTokenBucket(ratePerSecond, clock);
}

/** The given seed, or a new one, which is printed on stderr so that the events can be generated again. */
export function seedOf(context: Context): string {
  return context.flag('seed') ?? String(randomInt(2 ** 32));
}

export function eventsMaxOf(context: Context): { recordsMax: number } | Record<string, never> {
  const events = context.flag('events');
  return events === undefined ? {} : { recordsMax: Number(events) };
}

export function generatedSource(context: Context, seed: string): BlockSource {
  const generator = createPurchaseGenerator({ seed });
  return createGeneratedSource(
    (block, timestampMs) => generator.write(block, timestampMs),
    eventClockOf(context),
  );
}

/** How long the events in flight may take after the first signal: a broker that is only slow answers in time. */
const STOP_GRACE_MS = 2_000;

/**
 * The two signals of a delivery: the first finishes the events in flight, and abandons them if the log does not accept them
 * soon; the second abandons them at once.
 */
export function deliverySignals(
  signals: Signals,
  clock: Clock,
): {
  readonly stop: AbortSignal;
  readonly giveUp: AbortSignal;
  readonly abort: AbortSignal;
  /** 0 if there was no signal. */
  exitCode(): number;
  release(): void;
} {
  const stopping = new AbortController();
  const givingUp = new AbortController();
  const aborting = new AbortController();
  const released = new AbortController();
  let exitCode = 0;
  const giveUpSoon = async (): Promise<void> => {
    await clock.sleep(STOP_GRACE_MS, released.signal);
    if (!released.signal.aborted) givingUp.abort();
  };
  const takeBack = signals.onSignal((signal, count) => {
    exitCode = signals.exitCodeFor(signal);
    stopping.abort();
    if (count === 1) void giveUpSoon();
    else {
      givingUp.abort();
      aborting.abort();
    }
  });
  return {
    stop: stopping.signal,
    giveUp: givingUp.signal,
    abort: aborting.signal,
    exitCode: () => exitCode,
    release() {
      released.abort();
      takeBack();
    },
  };
}

/** The configured limits of a delivery, on either log, and a seeded source of jitter. */
export function deliveryBasics(
  config: Config,
  seed: string,
): {
  limits: Partial<DeliveryLimits>;
  random: Random;
} {
  const { batchRecordsMax, batchBytesMax, lingerMs, retries, retryTimeoutMs } = config.producer;
  return {
    limits: {
      batchRecordsMax,
      batchBytesMax,
      lingerMs,
      attemptsMax: retries + 1,
      deliveryTimeoutMs: retryTimeoutMs,
    },
    random: createRandom(seed),
  };
}

function eventClockOf(context: Context): EventClock {
  const startTime = context.flag('start-time');
  const timeScale = context.flag('time-scale');
  if (startTime === undefined && timeScale !== undefined) {
    throw new TallystreamError('USAGE', {
      what: '--time-scale needs --start-time.',
      why: 'Event time can run faster only if it starts in the past.',
    });
  }
  return createEventClock({
    clock: context.clock,
    ...(startTime === undefined ? {} : { startTimeMs: parseStartTime(startTime) }),
    ...(timeScale === undefined ? {} : { timeScale: parseTimeScale(timeScale) }),
  });
}

function parseTimeScale(text: string): number {
  if (/^\d{1,15}(?:\.\d{1,15})?$/.test(text) && Number(text) > 0) return Number(text);
  throw new TallystreamError('USAGE', {
    what: `--time-scale ${shownWord(text)} is not a positive number.`,
    hint: 'Give the factor by which event time runs faster: with 1440, a day takes a minute.',
  });
}

function parseStartTime(text: string): number {
  const bytes = new TextEncoder().encode(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
  const parser = new TimestampParser();
  if (parser.parse(bytes, 0, bytes.length) === 'ok') return Math.floor(parser.micros / 1000);
  throw new TallystreamError('USAGE', {
    what: `--start-time ${shownWord(text)} is not a time.`,
    hint: 'Give a day such as 2025-06-26, or RFC 3339 such as 2025-06-26T14:00:00Z.',
  });
}
