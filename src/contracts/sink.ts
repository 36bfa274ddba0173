/** Where results go outside the checkpoint. */
import type { Row } from '../columns/rows.ts';
import type { BatchResult } from './batch-result.ts';
import type { RecordInPlace, RecordInput, TopicOptions } from './log.ts';

/** Names a runner of a query: of two with the same query, the one with the higher epoch is the newer. */
export interface RunnerIdentity {
  readonly queryId: string;
  readonly epoch: number;
}

/** Names one delivery of one batch. `epoch` tells runners apart; `(queryId, batchId)` is what a sink remembers. */
export interface BatchIdentity extends RunnerIdentity {
  readonly batchId: number;
}

/**
 * Called once for every batch after it was executed and before it is committed. After a crash between the two it is
 * called again with the same `(queryId, batchId)` and the same content, and must leave one copy: by finding the repeat
 * itself, or, with `open`, by saying beforehand what it holds.
 */
export interface Sink {
  readonly name: string;
  /**
   * Called once, before anything else, by sinks that remember what they hold. Shuts out every runner of a lower epoch,
   * settles what it left open, and says which batch is the last that this sink holds (undefined: none). The batch after
   * the last commit is then not written again where the sink holds it. Where the sink holds less than was committed, it
   * has missed batches: it is told by `committed`, undefined before the first commit.
   * @throws LOG_UNAVAILABLE, CONFIG_INVALID
   */
  open?(runner: RunnerIdentity, committed: number | undefined): Promise<number | undefined>;
  /** @throws SINK_FAILED, LOG_UNAVAILABLE, WRITER_FENCED if a newer runner has opened it */
  write(result: BatchResult, identity: BatchIdentity): Promise<void>;
  /** Resolves when readers of the target see every batch that was written; called only if someone waits for that. */
  settle?(): Promise<void>;
  /** Gives connections back, after what `settle` waits for; called once, last. */
  close?(): Promise<void>;
}

/** A batch's rows of one output. */
export interface ForeachBatchInfo extends BatchIdentity {
  readonly output: string;
}

/** A function alone is a writer's `process`. */
export interface ForeachWriter {
  /**
   * Before the first row of an output of a batch; not called where it has none. Answers false if the batch is to be
   * left out, as a target does that has noted `(queryId, batchId)`.
   */
  open?(info: ForeachBatchInfo): boolean | void | Promise<boolean | void>;
  /** One row, in order, one at a time; as `rowOf` gives them. */
  process(row: Row, info: ForeachBatchInfo): void | Promise<void>;
  /** Behind the last row, wherever `open` was called; with what `open` or `process` threw, or undefined. */
  close?(error: unknown, info: ForeachBatchInfo): void | Promise<void>;
}

/** One topic that results go to, and what goes there of a batch. */
export interface TopicOutput {
  readonly topic: string;
  /** For a topic that does not exist yet. */
  readonly options: TopicOptions;
  /**
   * The records of a batch, the same at every call. With `whole`, batches before it did not reach the topic: what is kept
   * by key is then written for every key, and not only for those that the batch touched.
   */
  records(result: BatchResult, whole: boolean): Iterable<RecordInput>;
  /** What is written in place of a record that the topic does not take; left out where that is an error. */
  readonly inPlaceOf?: RecordInPlace;
}

/** Shows a committed batch's report to a person; called after the commit, and at start for one that has no mark. */
export interface ReportPrinter {
  print(report: unknown): Promise<void>;
}
