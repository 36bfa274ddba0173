/** The two entries of a micro-batch, plan and commit, and what is in them. */
import type { Reason } from '../columns/decode/problem.ts';
import type { Header, HistoryMark, PartitionMark } from './log.ts';

/** `read = accepted + invalid + duplicate + late`; `invalid` includes conflicting duplicates. */
export interface Accounting {
  readonly read: number;
  readonly accepted: number;
  readonly invalid: number;
  readonly duplicate: number;
  readonly late: number;
}

export const NO_ACCOUNTING: Accounting = { read: 0, accepted: 0, invalid: 0, duplicate: 0, late: 0 };

/** A half-open range `[start, end)` of the planned topic's partition. */
export interface PlannedRange {
  readonly partition: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Everything that a verdict depends on besides the bytes. It is durable before anything outside can see the batch, so a
 * replay reads the same events and reaches the same verdicts; execution reads no clock.
 */
export interface BatchPlan {
  readonly batchId: number;
  readonly topicId: string;
  /** Only partitions with something to read, in partition order. */
  readonly ranges: readonly PlannedRange[];
  /** Records that were removed before they were read, if the query continues without them; in partition order. */
  readonly lost: readonly PlannedRange[];
  /** The clock of this batch, epoch milliseconds. It may be behind that of the plan before, if the clock was set back. */
  readonly clockMs: number;
  /**
   * How far the wall clock jumped since the previous plan, beyond the time that passed; negative if it was set back.
   * Omitted if it did not jump. Times that older plans took from the clock are moved by it, so that idleness is
   * measured in time that passed.
   */
  readonly clockShiftMs?: number;
  /** The query's watermark that this batch evicts by, epoch microseconds; null before there is one. */
  readonly watermarkMicros: number | null;
  /** Partitions that do not hold the watermark back in this batch. */
  readonly idlePartitions: readonly number[];
  /** The last time that an operator lowered the watermark. Every later plan repeats it. Omitted before the first time. */
  readonly lowered?: LoweredWatermark;
}

/**
 * An operator lowered the watermark because a clock had been wrong: accepted times and the watermark went back, once,
 * in one batch.
 */
export interface LoweredWatermark {
  /** The batch in which it took place. It reads nothing. */
  readonly batchId: number;
  /** No partition's newest accepted time was later than this afterwards, epoch microseconds. */
  readonly toMicros: number;
  /**
   * The highest watermark that was ever in force before, by which state was evicted and windows were closed; null if there
   * was none.
   */
  readonly fromMicros: number | null;
}

/** What is remembered of one partition between batches. */
export interface PartitionState {
  readonly partition: number;
  /** Offset of the first record that no commit has counted. */
  readonly nextOffset: number;
  /** The largest accepted event time, epoch microseconds; null before the first accepted event. */
  readonly maxEventMicros: number | null;
  /**
   * When the last plan was made that had something to read here (or the first plan that saw the partition), by the clock of
   * the newest plan: if that clock jumped, this moved with it.
   */
  readonly activeAtMs: number;
  /**
   * The last record batch that was read here. It distinguishes these records from others at the same offsets. Null
   * before the first batch, in a checkpoint of an older version, and on logs that give no marks.
   */
  readonly mark: HistoryMark | null;
}

/** Records of one partition, `[start, end)`, that the query can no longer read. */
export interface DataLoss extends PlannedRange {
  /**
   * `counted`: they were read and are in the totals, but the log now has other records there, or none. `unread`: they
   * were removed before they were read.
   */
  readonly kind: 'counted' | 'unread';
  /** What was found, in one sentence. */
  readonly why: string;
}

/** An event that was not accepted, with everything needed to find, judge and correct it. */
export interface DeadLetter {
  readonly reason: Reason;
  readonly field: string | null;
  readonly expected: string;
  readonly actual: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly batchId: number;
  /**
   * The record's log timestamp, epoch milliseconds, as the log has it: a bigint if it is not a safe integer; null for a
   * `DUPLICATE`, of which only the position is kept.
   */
  readonly timestampMs: number | bigint | null;
  readonly key: Uint8Array | null;
  /** The original bytes; null for a null value, or if the byte limit keeps only positions. */
  readonly value: Uint8Array | null;
  /** The record's own, in their order; empty if the byte limit keeps positions only. */
  readonly headers: readonly Header[];
  /** Set on a letter that does not match its checksum: any part of it may be wrong, and its bytes are not given. */
  readonly damaged?: true;
}

/** Identifies one record permanently. Topics are identified by id, because a name can be reused. */
export interface RecordIdentity {
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
}

/** A value as people see it: decimals and longs as exact text, instants and dates as ISO text. */
export type GroupCell = string | number | boolean | null;

/** A group of an aggregate. The start and the end of its window are the first two cells of its key, if it has one. */
export interface GroupRow {
  readonly key: readonly GroupCell[];
  readonly measures: readonly GroupCell[];
  /** By measure: the state that it continues from, null if the measure itself tells it; left out where all do. */
  readonly state?: readonly (readonly GroupCell[] | null)[];
}

/** What a batch changes in one aggregate. */
export interface AggregateChange {
  readonly aggregate: string;
  /** What the batch added to each group that it touched. */
  readonly added: readonly GroupRow[];
  /** What those groups hold with it, in the same order. */
  readonly totals: readonly GroupRow[];
  /** Groups whose window the watermark has passed: final, and no longer held. */
  readonly closed: readonly GroupRow[];
  /** Keys that no longer exist: sessions that became part of another. */
  readonly removed: readonly (readonly GroupCell[])[];
}

/** What the dedupe state has gained and lost; blobs have a layout that the operator owns. */
export interface DedupeChange {
  /** Entries added to the open segment by this batch, empty if there are none. */
  readonly appended: Uint8Array;
  /** Segments that became full in this batch, whole, in order: they replace all that was appended before. */
  readonly sealed: readonly DedupeSegment[];
  /** Numbers of segments that the watermark has passed. */
  readonly evicted: readonly number[];
}

export interface DedupeSegment {
  readonly segment: number;
  readonly entries: Uint8Array;
}

/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** What one batch did and how long each phase took; Structured Streaming's names. */
export interface BatchProgress {
  readonly id: string;
  readonly runId: string;
  readonly name: string;
  readonly batchId: number;
  /** The runner's epoch. It may repeat after an older copy of the checkpoint was restored; `runId` never does. */
  readonly epoch: number;
  /** The plan's clock, ISO 8601. */
  readonly timestamp: string;
  readonly numInputRows: number;
  readonly inputRowsPerSecond: number;
  readonly processedRowsPerSecond: number;
  readonly durationMs: Readonly<Record<string, number>>;
  readonly watermark: string | null;
  /** The watermark under Structured Streaming's name; empty before there is one. */
  readonly eventTime: Readonly<Record<'watermark', string>> | Readonly<Record<string, never>>;
  readonly accounting: Accounting;
  /** Records that were in the log when the batch was planned and are still unread after it. */
  readonly lagEvents: number;
  /** The lag per partition, if there is any. */
  readonly lag: readonly PartitionLag[];
  /** What is kept for later batches, and how much memory that takes. */
  readonly stateOperators: readonly StateOperatorProgress[];
  /** The source; a query reads exactly one topic. */
  readonly sources: readonly SourceProgress[];
  /** The names of the sinks. Without sinks, the results are only in the checkpoint. */
  readonly sink: { readonly description: string };
}

/** What an operator with state holds after a batch; Structured Streaming's names. */
export interface StateOperatorProgress {
  /** `aggregate` and its name, or `dropDuplicatesWithinWatermark`. */
  readonly operatorName: string;
  /** Groups, sessions or ids. */
  readonly numRowsTotal: number;
  /** Rows that the batch has changed or added. */
  readonly numRowsUpdated: number;
  /** Groups and sessions that the watermark has closed in this batch, ids in segments that it has passed. */
  readonly numRowsRemoved: number;
  /** For ids the allocated memory, for groups an estimate. */
  readonly memoryUsedBytes: number;
}

/** Offsets by topic and partition, as Structured Streaming writes those of Kafka. */
export type SourceOffsets = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** What a batch read of its source; Structured Streaming's names. */
export interface SourceProgress {
  /** The kind of log, and the topic. */
  readonly description: string;
  /** Offsets of the first records that were read; a partition that was not read starts where it ends. */
  readonly startOffset: SourceOffsets;
  /** Offsets of the next records to read. */
  readonly endOffset: SourceOffsets;
  /** Offsets behind the last records that were there when the batch was planned. */
  readonly latestOffset: SourceOffsets;
  readonly numInputRows: number;
  readonly inputRowsPerSecond: number;
  readonly processedRowsPerSecond: number;
}

/** How far a query is behind in one partition. */
export interface PartitionLag {
  readonly partition: number;
  /** Records that stay unread. */
  readonly events: number;
  /** From the log timestamp of the last record that was read to the clock of the batch; 0 if nothing is unread. */
  readonly seconds: number;
}

/** All that a batch makes durable, in one transaction. Dead letters and duplicates were staged before. */
export interface BatchCommit {
  readonly plan: BatchPlan;
  readonly partitions: readonly PartitionState[];
  /** Marks of what this batch read before each partition's newest, by partition in order of offset; some may be left out. */
  readonly marks: readonly PartitionMark[];
  readonly accounting: Accounting;
  readonly aggregates: readonly AggregateChange[];
  readonly dedupe: DedupeChange;
  /** Originals of the redriven records that this batch read. */
  readonly redriven: readonly RecordIdentity[];
  /** Records that were gone when this batch came to read them, in partition order. */
  readonly lost: readonly PlannedRange[];
  /** What the application reports of the batch; printed after the commit, and marked then. */
  readonly report: Json;
  readonly progress: BatchProgress;
}

/** The last commit as recovery needs it. */
export interface Committed {
  readonly batchId: number;
  readonly watermarkMicros: number | null;
  readonly partitions: readonly PartitionState[];
  /** Sums over all batches so far. */
  readonly accounting: Accounting;
}
