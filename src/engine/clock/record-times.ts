/** Log timestamps of a batch that no producer should write: in another unit, missing, or ahead of the query's clock. */
import type { RecordChunk } from '../../contracts/log.ts';
import {
  kindOfRecordTime,
  lowestRecordMs,
  RECORD_MS_MAX,
  type RecordTimeKind,
} from '../../operators/record-time.ts';

export interface RecordTimeNote {
  /** `ahead`: milliseconds, and later than the clock by more than the bound. */
  readonly kind: Exclude<RecordTimeKind, 'milliseconds'> | 'ahead';
  readonly partition: number;
  /** The first record of this kind in the batch. */
  readonly offset: number;
  readonly timestampMs: number | bigint;
  /** How many of the partition's records in this batch are of this kind. */
  readonly records: number;
}

const NOT_MS =
  'For these records, only the clock of the query decides whether an event is in the future. Have the producer write epoch ' +
  'milliseconds, or set message.timestamp.type=LogAppendTime on the topic, so that the broker does.';

/** What each kind means, and what to do. */
export const NOTE_WORDS: Readonly<Record<RecordTimeNote['kind'], string>> = {
  none: `Records have no log timestamp (0, or a negative number). ${NOT_MS}`,
  seconds: `Records have log timestamps that look like seconds, not milliseconds. ${NOT_MS}`,
  microseconds: `Records have log timestamps that look like microseconds, not milliseconds. ${NOT_MS}`,
  nanoseconds: `Records have log timestamps that look like nanoseconds, not milliseconds. ${NOT_MS}`,
  ahead:
    "Records have log timestamps that are ahead of this machine's clock by more than query.clock_skew_max: this clock is " +
    'behind, or the clock of the producer or broker is ahead. Events that are ahead of this clock are rejected as ' +
    'FUTURE_TIMESTAMP. Correct the wrong clock, then redrive them.',
};

export class RecordTimes {
  private readonly aheadMsMax: number;
  private readonly notes = new Map<
    string,
    { -readonly [Name in keyof RecordTimeNote]: RecordTimeNote[Name] }
  >();

  /** `skewMsMax` is how far a record may be ahead of the clock unnoticed; null notes none that are ahead. */
  constructor(skewMsMax: number | null) {
    this.aheadMsMax = skewMsMax ?? Infinity;
  }

  clear(): void {
    this.notes.clear();
  }

  /** By kind and partition, in the order in which they were found. */
  found(): readonly RecordTimeNote[] {
    return [...this.notes.values()];
  }

  /** Called for every chunk; `clockMs` is the plan's. */
  look(chunk: RecordChunk, clockMs: number): void {
    const lowestMs = lowestRecordMs(clockMs);
    const highestMs = Math.min(RECORD_MS_MAX, clockMs + this.aheadMsMax);
    const { count, timestampsMs } = chunk;
    for (let row = 0; row < count; row += 1) {
      const timestampMs = timestampsMs[row] as number;
      if (timestampMs >= lowestMs && timestampMs <= highestMs) continue;
      this.note(chunk, row, kindOfRecordTime(timestampMs, clockMs));
    }
  }

  private note(chunk: RecordChunk, row: number, kind: RecordTimeKind): void {
    const { partition } = chunk;
    const name = `${kind} ${partition}`;
    const known = this.notes.get(name);
    if (known !== undefined) {
      known.records += 1;
      return;
    }
    this.notes.set(name, {
      kind: kind === 'milliseconds' ? 'ahead' : kind,
      partition,
      offset: chunk.offsets[row] as number,
      timestampMs: exactTimestamp(chunk, row),
      records: 1,
    });
  }
}

const INT64_MAX = 2n ** 63n - 1n;

/** The log timestamp of a row, as any integer of 64 bits: a number if it is safe as one, and a bigint if not. */
export function exactTimestamp(chunk: RecordChunk, row: number): number | bigint {
  const exact = chunk.exactTimestamps?.get(row);
  if (exact !== undefined) return exact;
  const timestampMs = Math.trunc(chunk.timestampsMs[row] as number);
  if (Number.isSafeInteger(timestampMs)) return timestampMs;
  if (Number.isNaN(timestampMs)) return -1;
  if (timestampMs >= Number(INT64_MAX)) return INT64_MAX;
  return timestampMs <= -Number(INT64_MAX) ? -INT64_MAX - 1n : BigInt(timestampMs);
}
