/**
 * The checkpoint: offsets, state, results, dead letters and reports of one query, in one place that commits at once.
 * One runner at a time: `open` takes the lock, and every commit checks the epoch.
 */
import type {
  Accounting,
  BatchCommit,
  BatchPlan,
  Committed,
  DataLoss,
  DeadLetter,
  DedupeSegment,
  GroupCell,
  GroupRow,
  Json,
  PartitionState,
  PlannedRange,
  RecordIdentity,
} from './batch.ts';
import type { Reason } from '../columns/decode/problem.ts';
import type { PartitionMark } from './log.ts';

/** A report that was committed; it is printed after the commit, and once more where a crash came before the mark. */
export interface StoredReport {
  readonly batchId: number;
  readonly report: Json;
}

/** What a runner needs. Every method is called by the engine's loop alone, between two awaits, never concurrently. */
export interface Checkpoint {
  /** Stays the same for the checkpoint's life. */
  readonly queryId: string;
  /** Rises with every runner; a commit by an older one is refused. */
  readonly epoch: number;
  /** 16 secret bytes that key the hashes of ids and contents, so that no one can prepare collisions. */
  readonly hashKey: Uint8Array;

  /** Called once at start. Undefined before the first plan. @throws CHECKPOINT_CORRUPT */
  lastPlan(): BatchPlan | undefined;
  /** Called once at start. Undefined before the first commit. @throws CHECKPOINT_CORRUPT */
  lastCommit(): Committed | undefined;

  /**
   * The marks that are kept of what was read, by partition and offset: the newest and, ever further apart, older ones.
   * Called after the log no longer has the newest, to find how far it has the same records. @throws CHECKPOINT_CORRUPT
   */
  marks(): readonly PartitionMark[];
  /** Losses that were raised and not accepted, by partition and offset; called at start. @throws CHECKPOINT_CORRUPT */
  raisedLosses(): readonly DataLoss[];
  /** Losses that a person has accepted, in that order; called if records are gone. @throws CHECKPOINT_CORRUPT */
  acceptedLosses(): readonly AcceptedLoss[];
  /**
   * Makes losses durable before the query ends with DATA_LOSS: every later start is refused until a person accepts them.
   * A repeat with the same ranges changes nothing.
   */
  raiseLosses(losses: readonly DataLoss[]): void;
  /** Called once the log was found to have these records again: forgets what `raisedLosses` gives. */
  withdrawLosses(): void;

  /** The open groups of one aggregate as last committed; called once at start. */
  groups(aggregate: string): Iterable<GroupRow>;
  /**
   * A group as last committed, even if it is closed; undefined if there is none. Called for an event that is counted
   * though its window has closed.
   */
  group(aggregate: string, key: readonly GroupCell[]): GroupRow | undefined;
  /** Full segments of the dedupe state, in order; called once at start. @throws CHECKPOINT_CORRUPT */
  dedupeSegments(): Iterable<DedupeSegment>;
  /** What was appended since the last full segment, in order; called once at start. @throws CHECKPOINT_CORRUPT */
  dedupeAppended(): Iterable<Uint8Array>;
  /** Whether a redriven record's original was already counted; called for a record that says it is redriven. */
  isRedriven(identity: RecordIdentity): boolean;
  /** Bytes of the dead letters kept so far, staged ones included. */
  deadLetterBytes(): number;

  /**
   * Called at every look at the log: a runner that took over without the lock takes it when it is free, so that anyone who
   * starts later is refused.
   */
  holdLock(): void;

  /**
   * Called before anything that fences the writers of other runners, such as opening a sink.
   * @throws CHECKPOINT_FENCED if another runner took over
   */
  assertNewest(): void;

  /** Makes a plan durable before anything outside can see its batch. A repeat with the same plan changes nothing. */
  writePlan(plan: BatchPlan): void;
  /** Keeps a dead letter aside until the commit; never visible before it. Memory stays bounded. */
  stageDeadLetter(letter: DeadLetter): void;
  /** Keeps a duplicate's position aside until the commit. */
  stageDuplicate(partition: number, offset: number): void;
  /** The dead letters that are staged, in order of partition and offset; one is in memory at a time. */
  stagedDeadLetters(): Iterable<DeadLetter>;
  /** Forgets what was staged; called when a batch starts, so that a batch tried again stages once. */
  discardStaged(): void;
  /**
   * Plan (if it was not written before), state, results, staged dead letters, accounting, report and offsets in one
   * transaction. @throws CHECKPOINT_FENCED if another runner took over; STORAGE_FULL (retry)
   */
  commit(commit: BatchCommit): void;

  /** The newest report where it has no mark; a crash came between its commit and its printing. */
  unprintedReport(): StoredReport | undefined;
  /** Marks a report as printed; a repeat does nothing. */
  markPrinted(batchId: number): void;

  /** Releases the lock and the file; called once, last. */
  close(): void;
}

/** Records `[start, end)` of a partition that were gone when this batch came to read them. */
export interface LostRange extends PlannedRange {
  readonly batchId: number;
  /** True if they had been counted, and a person accepted after this batch that the log has them no longer. */
  readonly wasCounted?: boolean;
}

/** A loss that a person has accepted. */
export interface AcceptedLoss extends DataLoss {
  /** The last batch that was committed before. */
  readonly batchId: number;
  readonly acceptedAtMs: number;
}

export interface DeadLetterFilter {
  readonly reason?: Reason;
  readonly partition?: number;
  readonly offset?: number;
}

/** What commands and the page read, while a runner may be at work. */
export interface CheckpointView {
  readonly queryName: string;
  readonly topic: string;
  /**
   * Runs `read`, and everything that it asks this view is of one commit: totals, days and categories that are shown
   * together agree. It must read to the end what it iterates, and not wait for anything meanwhile.
   */
  atOneCommit<T>(read: () => T): T;
  lastBatchId(): number | null;
  accounting(): Accounting;
  groups(aggregate: string): Iterable<GroupRow>;
  /** In order of batch, partition, offset; `DUPLICATE`s only where the filter asks for that reason. */
  deadLetters(filter: DeadLetterFilter): Iterable<DeadLetter>;
  isRedriven(identity: RecordIdentity): boolean;
  /** The id of the topic that the offsets belong to; undefined before the first plan. */
  topicId(): string | undefined;
  /** The latest clock of the plans that are kept, epoch milliseconds; undefined before the first plan. */
  latestClockMs(): number | undefined;
  /** Records that were gone before the query read them, and counted ones accepted as lost; by batch and partition. */
  lostRanges(): readonly LostRange[];
  /** Losses that end every run until a person accepts them, by partition and offset. */
  raisedLosses(): readonly DataLoss[];
  /** What a person has accepted as lost, in order of acceptance. */
  acceptedLosses(): readonly AcceptedLoss[];
  /** The marks that are kept of what was read, by partition and offset. */
  marks(): readonly PartitionMark[];
  /** What was read and where: the mark and the next offset of every partition. */
  partitions(): readonly PartitionState[];
  /** The newest progress entries, oldest first. */
  recentProgress(): readonly Json[];
  close(): void;
}
