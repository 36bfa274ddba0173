import type { RecordInput } from '../contracts/log.ts';
import type { EventClock } from './event-clock.ts';

/** Where the producer gets its records from. One reader at a time; the one who made it closes it. */
export interface RecordSource<R extends RecordInput = RecordInput> {
  /**
   * The next records, in order: at least one, at most `recordsMax`, and none after the one that passes `bytesMax`.
   * Waits only while there is none. Empty at the end of the source, and where `stop` aborted the waiting; the delivery
   * loop then asks no more. An error speaks for the record that would have come next: all before it were returned.
   */
  pull(recordsMax: number, bytesMax: number, stop: AbortSignal): Promise<readonly R[]>;
  /** Lets go of files and streams. Safe to repeat. */
  close(): Promise<void>;
}

/** A source without an end: makes every record at the moment it is asked for, and stamps it with the event time. */
export function createGeneratedSource<R extends RecordInput>(
  next: (timestampMs: number) => R,
  eventClock: EventClock,
): RecordSource<R> {
  return {
    pull(recordsMax, bytesMax) {
      const records: R[] = [];
      let bytes = 0;
      while (records.length < recordsMax && bytes < bytesMax) {
        const record = next(eventClock.nowMs());
        bytes += recordBytes(record);
        records.push(record);
      }
      return Promise.resolve(records);
    },
    close: () => Promise.resolve(),
  };
}

/** What a record counts against limits and in figures: its key and its value, in bytes. */
export function recordBytes(record: RecordInput): number {
  return (record.key?.length ?? 0) + (record.value?.length ?? 0);
}
