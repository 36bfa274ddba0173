/** What a loop is given: the query, what it stands on, and how far it goes. */
import type { BatchProgress, Json } from '../contracts/batch.ts';
import type { BatchResult } from '../contracts/batch-result.ts';
import type { Checkpoint } from '../contracts/checkpoint.ts';
import type { Clock } from '../contracts/clock.ts';
import type { Log, TopicOptions } from '../contracts/log.ts';
import type { Logger } from '../contracts/logger.ts';
import type { ReportPrinter, Sink } from '../contracts/sink.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import type { DeadLetterPolicy } from './dead-letters/policy.ts';
import type { StateMemory } from './state-memory.ts';
import type { Trigger } from './trigger.ts';
import type { Workers } from './decode-workers/workers.ts';

export interface LoopOptions {
  readonly query: QueryPlan;
  readonly runId: string;
  readonly log: Log;
  /** For a topic that does not exist yet when a query starts for the first time. */
  readonly newTopic: TopicOptions;
  readonly checkpoint: Checkpoint;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly trigger: Trigger;
  /** The most records that a batch takes; where more is unread, batches grow up to it. */
  readonly offsetsMax: number;
  /** Ends after this many batches; Infinity continues. */
  readonly batchesMax: number;
  readonly deadLetters: DeadLetterPolicy;
  /** Whether records that were removed before they were read end the query; without, it names them and continues. */
  readonly failOnDataLoss: boolean;
  /**
   * How far the wall clock may jump, or be behind the newest records of the log, before the query says so or does not start;
   * 10 minutes if left out, null is no bound.
   */
  readonly clockSkewMaxMs?: number | null;
  /** The group under whose name the log shows others how far the query is; undefined shows nothing. */
  readonly offsetsGroup?: string;
  /** Sinks outside the checkpoint. With any, a plan is durable before its batch is executed. */
  readonly sinks: readonly Sink[];
  readonly buildReport: (result: BatchResult) => Json;
  readonly printer: ReportPrinter;
  /** Ids in one segment of the dedupe state; tests make it small. */
  readonly dedupeSegmentEntries?: number;
  /** What state may take; `auto` if left out. */
  readonly stateMemory?: StateMemory;
  /** Additional threads for large batches; none if left out. Results do not depend on them. */
  readonly workers?: Workers;
  readonly onProgress: (progress: BatchProgress) => void;
}
