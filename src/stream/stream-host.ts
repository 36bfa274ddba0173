/** What a query needs from its environment; the maker of a session provides it. */
import type { Checkpoint } from '../contracts/checkpoint.ts';
import type { Clock } from '../contracts/clock.ts';
import type { Log, TopicOptions } from '../contracts/log.ts';
import type { Logger } from '../contracts/logger.ts';
import type { ForeachWriter, Sink } from '../contracts/sink.ts';
import type { GivenOptions } from '../options/option.ts';
import type { SinkFormat } from '../options/sink-options.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import type { StreamingQueryManager } from './query-manager.ts';
import type { SourceSpec } from './stream-parts.ts';

/** A source that is open. */
export interface OpenSource {
  readonly log: Log;
  readonly topic: string;
  readonly newTopic: TopicOptions;
  /** Gives the log back, where the query has it for itself. */
  close(): Promise<void>;
}

/** A sink by its format, with its options as they were given. */
export interface SinkSpec {
  readonly format: SinkFormat;
  readonly options: GivenOptions;
}

export interface StreamHost {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly queries: StreamingQueryManager;
  /** @throws USAGE for a format or an option that there is not; what the log's opening throws */
  openSource(
    source: SourceSpec,
    query: { readonly name: string; readonly checkpointLocation: string | undefined },
  ): Promise<OpenSource>;
  /** `location` is the program's; undefined asks for a place by the query's name. */
  openCheckpoint(options: {
    readonly plan: QueryPlan;
    readonly logFormat: string;
    readonly location: string | undefined;
    readonly takeOver: boolean;
  }): Promise<Checkpoint>;
  /**
   * Keeps the files, tables and topics that these sinks write, until what it gives back is called.
   * @throws USAGE if two outputs, of this query or of another one that runs in the session, would write the same one
   */
  claimTargets(sinks: readonly SinkSpec[], plan: QueryPlan, source: OpenSource): () => void;
  createForeachSink(writer: ForeachWriter | ForeachWriter['process']): Promise<Sink>;
  /** @throws USAGE for a format or an option that there is not */
  createSink(sink: SinkSpec, plan: QueryPlan, source: OpenSource): Promise<Sink>;
}
