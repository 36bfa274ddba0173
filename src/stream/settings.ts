/** The options of a query, by Structured Streaming's names where it has them. */
import { readOptions, type GivenOptions } from '../options/option.ts';
import { QUERY_OPTIONS } from '../options/query-options.ts';

export interface StreamSettings {
  readonly checkpointLocation: string | undefined;
  readonly timeZone: string;
  readonly idleTimeoutMs: number;
  /** How far the wall clock may jump, or be behind the newest records; null is no bound. */
  readonly clockSkewMaxMs: number | null;
  readonly maxOffsetsPerTrigger: number;
  /** Threads beside the main one for large batches; null: one less than there are cores, 4 at most. */
  readonly workers: number | null;
  /** Memory for groups and remembered ids; null: half of what Node's heap may grow to, 1 GiB at most. */
  readonly stateBytesMax: number | null;
  readonly valueBytesMax: number;
  readonly assumeTimeZone: string | null;
  readonly failOnDataLoss: boolean;
  /** Whether a runner that is stopped and not dead loses the checkpoint to this one. */
  readonly takeOver: boolean;
  readonly deadLetterBytesMax: number;
  readonly deadLettersWhenFull: 'stop' | 'positions';
}

/** Who takes the options of a query. */
const QUERY = { name: 'query', options: QUERY_OPTIONS };

/** @throws USAGE for an option that there is not, or a value that it cannot have */
export function readSettings(options: GivenOptions): StreamSettings {
  const { idleTimeout, clockSkewMax, assumeTimeZone, ...others } = readOptions(QUERY, options);
  return {
    ...others,
    idleTimeoutMs: idleTimeout,
    clockSkewMaxMs: clockSkewMax,
    assumeTimeZone: assumeTimeZone ?? null,
  };
}
