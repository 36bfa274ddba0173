/** The options of `readStream.format('rate')`, by Structured Streaming's names. */
import type { RateOptions } from './log.ts';
import { readOptions } from '../shared/source-options.ts';

const KNOWN = ['rowsPerSecond', 'rampUpTime', 'numPartitions'];
const UNSUPPORTED = {
  useManualClock: 'A test brings its clock to the session.',
};
const ROWS_PER_SECOND_MAX = 10_000_000;
const PARTITIONS_MAX = 1024;

/** Spark's units (`JavaUtils.timeStringAs`), and their words; a number alone is in seconds. */
const UNIT_MS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  millisecond: 1,
  s: 1000,
  second: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
};
const DAY_MS = 86_400_000;

/**
 * `rowsPerSecond` (1), `rampUpTime` such as `5s` (0s; cut to whole seconds, as in Spark) and `numPartitions` (1; Spark's
 * default is the number of its cores).
 * @throws USAGE for an option that there is not, or a value that it cannot have
 */
export function parseRateOptions(options: Readonly<Record<string, string>>): Required<RateOptions> {
  const read = readOptions('rate', options, KNOWN, UNSUPPORTED);
  const rampUpMs = durationMs(read.text('rampUpTime') ?? '0s');
  if (rampUpMs === undefined || rampUpMs > 365 * DAY_MS) {
    throw read.refuse('rampUpTime', 'a length of time such as 5s, 2m or 1h, up to 365d');
  }
  return {
    rowsPerSecond: read.count('rowsPerSecond', ROWS_PER_SECOND_MAX) ?? 1,
    rampUpMs: Math.floor(rampUpMs / 1000) * 1000,
    numPartitions: read.count('numPartitions', PARTITIONS_MAX) ?? 1,
  };
}

function durationMs(text: string): number | undefined {
  const match = /^([0-9]{1,15}) ?([a-z]*)$/.exec(text.toLowerCase());
  if (match === null) return undefined;
  const [, amount = '', unit = ''] = match;
  const singular = unit.length > 3 && unit.endsWith('s') ? unit.slice(0, -1) : unit;
  const name = singular === '' ? 's' : singular;
  return Object.hasOwn(UNIT_MS, name) ? Number(amount) * (UNIT_MS[name] as number) : undefined;
}
