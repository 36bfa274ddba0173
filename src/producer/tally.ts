import type { Clock } from '../contracts/clock.ts';
import type { AppendedRange } from '../contracts/log.ts';
import type { Batch } from './batch.ts';
import type { DeliveryProgress, DeliverySummary } from './delivery.ts';

/** The figures of one delivery. */
export interface Tally {
  sending(records: number): void;
  retried(): void;
  acknowledged(batch: Batch, ranges: readonly AppendedRange[]): void;
  /** The figures if a second has passed since they were last requested; undefined otherwise. */
  progressDue(): DeliveryProgress | undefined;
  /** @param waiting records that were taken from the source and never sent */
  summary(end: {
    waiting: number;
    stopped: boolean;
    aborted: boolean;
    gaveUp: Error | undefined;
  }): DeliverySummary;
  /**
   * In words, for the error that ends a delivery.
   * @param recordsMax what was asked for, if anything was
   */
  outcome(waiting: number, recordsMax: number | undefined): string;
}

const PROGRESS_EVERY_MS = 1_000;

export function createTally(clock: Clock): Tally {
  const startedAtMs = clock.monotonicMs();
  const lastOffsets = new Map<number, number>();
  let sent = 0;
  let acknowledged = 0;
  let bytes = 0;
  let retries = 0;
  let progressAtMs = startedAtMs;
  let progressAcknowledged = 0;

  return {
    sending(records) {
      sent += records;
    },
    retried() {
      retries += 1;
    },
    acknowledged(batch, ranges) {
      acknowledged += batch.count;
      bytes += batch.bytes;
      for (const range of ranges) lastOffsets.set(range.partition, range.baseOffset + range.count - 1);
    },
    progressDue() {
      const nowMs = clock.monotonicMs();
      if (nowMs - progressAtMs < PROGRESS_EVERY_MS) return undefined;
      const ratePerSecond = ((acknowledged - progressAcknowledged) / (nowMs - progressAtMs)) * 1000;
      progressAtMs = nowMs;
      progressAcknowledged = acknowledged;
      return { elapsedMs: nowMs - startedAtMs, sent, acknowledged, bytes, ratePerSecond, retries };
    },
    summary({ waiting, stopped, aborted, gaveUp }) {
      const elapsedMs = clock.monotonicMs() - startedAtMs;
      return {
        elapsedMs,
        acknowledged,
        unacknowledged: sent - acknowledged + waiting,
        bytes,
        ratePerSecond: elapsedMs > 0 ? (acknowledged / elapsedMs) * 1000 : 0,
        retries,
        stopped,
        aborted,
        ...(gaveUp && { gaveUp }),
        lastOffsets: [...lastOffsets.keys()]
          .toSorted((one, other) => one - other)
          .map((partition) => ({ partition, offset: lastOffsets.get(partition) as number })),
      };
    },
    outcome(waiting, recordsMax) {
      const left = sent - acknowledged + waiting;
      const known = `${acknowledged} records were acknowledged, ${left} were sent and not acknowledged`;
      return recordsMax === undefined
        ? known
        : `${known}, ${recordsMax - acknowledged - left} were not sent yet`;
    },
  };
}
