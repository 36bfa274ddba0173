/** What a delivery is asked for, what it says on the way, and what it leaves. */
import type { Clock } from '../contracts/clock.ts';
import type { AppendedRange, Log, RecordInput, RetentionRemoval } from '../contracts/log.ts';
import { RETRY_LIMITS, type RetryLimits } from './backoff.ts';
import { type BatchLimits, EAGER_LINGER_MS } from './batcher.ts';
import type { Random } from './random.ts';
import type { BlockSource, RecordSource } from './source.ts';
import type { Pace } from './token-bucket.ts';

export interface DeliveryProgress {
  readonly elapsedMs: number;
  /** Records handed to the log at least once. */
  readonly sent: number;
  readonly acknowledged: number;
  /** Keys and values of the acknowledged records. */
  readonly bytes: number;
  /** Acknowledged records per second since the last progress. */
  readonly ratePerSecond: number;
  readonly retries: number;
}

export interface DeliverySummary {
  readonly elapsedMs: number;
  readonly acknowledged: number;
  /** Taken from the source and not acknowledged: 0 unless the delivery was aborted or given up. */
  readonly unacknowledged: number;
  readonly bytes: number;
  /** Acknowledged records per second over the whole time. */
  readonly ratePerSecond: number;
  readonly retries: number;
  /** Whether the first signal ended it, before the source or `recordsMax` did. */
  readonly stopped: boolean;
  /** Whether the second signal ended it: what was in flight may or may not be in the log. */
  readonly aborted: boolean;
  /** Why records are unacknowledged, if `giveUp` ended the delivery. They may or may not be in the log. */
  readonly gaveUp?: Error;
  /** Offset of the last acknowledged record of every partition touched, by partition. */
  readonly lastOffsets: readonly { readonly partition: number; readonly offset: number }[];
}

export interface RetryNotice {
  readonly error: Error;
  /** The attempt that failed, from 1. */
  readonly attempt: number;
  readonly pauseMs: number;
}

export type DeliveryLimits = BatchLimits & RetryLimits;

/**
 * A batch of 1 MiB costs its one durable append little, and is made in a few milliseconds. The linger is that of Apache
 * Kafka's producer since 4.0.
 */
export const DELIVERY_LIMITS: DeliveryLimits = Object.freeze({
  batchRecordsMax: 5_000,
  batchBytesMax: 1_048_576,
  lingerMs: EAGER_LINGER_MS,
  ...RETRY_LIMITS,
});

export interface DeliveryOptions<R extends RecordInput> {
  readonly log: Log;
  /** Must exist. */
  readonly topic: string;
  readonly source: RecordSource<R> | BlockSource;
  readonly pace: Pace;
  readonly clock: Clock;
  /** For the jitter between attempts. */
  readonly random: Random;
  /** Ends after this many records; left out, the source's end is the end. */
  readonly recordsMax?: number;
  readonly limits?: Partial<DeliveryLimits>;
  /** The first signal: take nothing more, finish what is in flight. */
  readonly stop: AbortSignal;
  /** Nobody wants to wait for a log that is away: an append that fails is not tried again, and the delivery ends. */
  readonly giveUp?: AbortSignal;
  /** The second: give up what is in flight, too. */
  readonly abort: AbortSignal;
  /** Called after every acknowledged batch of a source of records, in order; the next one is not told before it ends. */
  onAcknowledged?(records: readonly R[], ranges: readonly AppendedRange[]): void | Promise<void>;
  /** Called at most once a second. */
  onProgress?(progress: DeliveryProgress): void;
  onRetry?(notice: RetryNotice): void;
  /** Called if the log's retention, applied once a minute, removed something. */
  onRetention?(removals: readonly RetentionRemoval[]): void;
}
