/** Where results go outside the checkpoint. */
import type { BatchResult } from './batch-result.ts';

/** Names one delivery of one batch. `epoch` tells runners apart; `(queryId, batchId)` is what a sink remembers. */
export interface BatchIdentity {
  readonly queryId: string;
  readonly batchId: number;
  readonly epoch: number;
}

/**
 * Called once for every batch after it was executed and before it is committed. After a crash between the two it is
 * called again with the same `(queryId, batchId)` and the same content, and must leave one copy.
 */
export interface Sink {
  readonly name: string;
  write(result: BatchResult, identity: BatchIdentity): Promise<void>;
}

/** Shows a committed batch's report to a person; called after the commit, and at start for one that has no mark. */
export interface ReportPrinter {
  print(report: unknown): Promise<void>;
}
