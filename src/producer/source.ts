import type { RecordInput } from '../contracts/log.ts';
import type { EventClock } from './event-clock.ts';
import type { WritableBlock } from './record-block.ts';

/** Where the producer gets its records from. One reader at a time; the one who made it closes it. */
export interface RecordSource<R extends RecordInput = RecordInput> {
  /**
   * The next records, in order: at least one, at most `recordsMax`, and none after the one that passes `bytesMax`.
   * Waits only while there is none. Empty at the end of the source, and if `stop` aborted the waiting; the delivery
   * loop then asks no more. An error concerns the record that would have come next: all earlier ones were returned.
   */
  pull(recordsMax: number, bytesMax: number, stop: AbortSignal): Promise<readonly R[]>;
  /** Lets go of files and streams. Safe to repeat. */
  close(): Promise<void>;
}

/** A source without an end that never waits: it writes records where they will be sent from. */
export interface BlockSource {
  /** Adds rows to the block: at least one, at most `recordsMax`, and none after the one that passes `bytesMax`. */
  write(block: WritableBlock, recordsMax: number, bytesMax: number): void;
}

/** Makes records at the moment they are asked for, and stamps all that are asked for at once with the event time of then. */
export function createGeneratedSource(
  writeNext: (block: WritableBlock, timestampMs: number) => void,
  eventClock: EventClock,
): BlockSource {
  return {
    write(block, recordsMax, bytesMax) {
      const countMax = block.count + recordsMax;
      const recordBytesMax = block.recordBytes + bytesMax;
      const timestampMs = eventClock.nowMs();
      do writeNext(block, timestampMs);
      while (block.count < countMax && block.recordBytes < recordBytesMax);
    },
  };
}
