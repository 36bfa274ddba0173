/** What executing a batch came to, before it is committed. */
import type { DedupeChange, RecordIdentity, StateOperatorProgress } from '../contracts/batch.ts';
import type { RejectionSummary } from './progress/rejections.ts';
import type { HistoryMark, PartitionMark } from '../contracts/log.ts';
import type { BatchResult } from '../contracts/batch-result.ts';
import type { RecordTimeNote } from './clock/record-times.ts';

export interface Execution {
  readonly result: BatchResult;
  readonly dedupe: DedupeChange;
  readonly redriven: readonly RecordIdentity[];
  readonly stateOperators: readonly StateOperatorProgress[];
  /** Why events were rejected, if none was accepted. */
  readonly rejected: RejectionSummary | undefined;
  /** What was read, by partition in order of offset; the last of each partition is in `progressed` too. */
  readonly marks: readonly PartitionMark[];
  readonly progressed: ReadonlyMap<number, PartitionProgress>;
  /** Log timestamps that no producer should write. */
  readonly recordTimes: readonly RecordTimeNote[];
}

export interface PartitionProgress {
  readonly nextOffset: number;
  readonly maxEventMicros: number | null;
  /** The log timestamp of the last record that was read, epoch milliseconds; undefined if none was. */
  readonly lastTimestampMs: number | undefined;
  /** The last record batch that was read; the one before if this batch read none. */
  readonly mark: HistoryMark | null;
}
